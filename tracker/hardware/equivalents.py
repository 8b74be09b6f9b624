"""Rack-equivalents: the inverse of the bill of materials, for every fact with a quantity.

One `Rate` (racks per unit of value) is computed for each distinct combination of kind, unit, product, layer, buyer,
currency and power basis; facts get it by one join. So the scalar `convert` and a million facts walk the same path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from tracker.errors import RuleError
from tracker.hardware.bom import items_of
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.combinations import IT_POWER, Coded, combine, gathered, matching_rows, one_of
from tracker.hardware.figures import Interval, as_interval, span
from tracker.vocabulary import GROWTH_UNITS

# kinds whose quantity can mean racks bought, sold, built or held
COUNTING_KINDS: Final = frozenset(
    [
        "capex",
        "revenue",
        "segment_revenue",
        "backlog",
        "supply_commitment",
        "inventory",
        "shipment",
        "order",
        "capacity",
        "deployment",
        "ramp",
        "design_win",
        "custom_silicon",
        "demand_cut",
        "schedule_slip",
        "supply_tightness",
    ]
)
SYSTEM_FAMILIES: Final = frozenset({"rack_system", "accelerator", "server"})
# layers whose capex buys racks; capex of a supplier builds factories
BUYER_LAYERS: Final = frozenset({"cloud", "neocloud", "lab", "sovereign", "datacenter", "application", "buyer"})
UNCOUNTED_UNITS: Final = ("nm", "months", "GBps", "TBps")
POWER_KW: Final = {"W": 1e-3, "kW": 1.0, "MW": 1e3, "GW": 1e6}
GIGABYTES: Final = {"GB": 1.0, "TB": 1000.0}
# money spent on a product -> item of the bill in dollars
MONEY_ITEM: Final = {
    "hbm": "usd_hbm", "memory": "usd_lpddr", "packaging": "usd_packaging", "node": "usd_logic_wafers",
    "copper": "usd_copper", "optics": "usd_optics", "cooling": "usd_cooling", "power": "usd_power",
}  # fmt: skip
# pieces of a product -> item of the bill
PIECES_BY_PRODUCT: Final = {
    "copper_cable": "copper_cables", "aec": "aec", "connector": "connectors", "nic": "nics", "cold_plate": "cold_plates",
    "cdu": "cdus", "quick_disconnect": "quick_disconnects", "power_shelf": "power_shelves", "cpu": "cpus",
    "optical_module": "scale_out_optics", "nvlink": "switch_asics",
}  # fmt: skip
WAFERS_BY_FAMILY: Final = {"packaging": "cowos_wafers", "hbm": "hbm_wafers", "node": "logic_wafers"}
HBM_SYSTEM: Final = {"hbm4": "vr_nvl72", "hbm4e": "kyber_nvl576"}  # whose stacks a generation goes into
# what makes one rack as much as another -> field of both systems; the first is the usual choice
EQUIVALENT_BY: Final = {
    "accelerators": "accelerators", "fp8": "dense_fp8_pflops", "fp4": "dense_fp4_pflops", "hbm": "hbm_total_tb",
}  # fmt: skip
KEYS: Final = ("kind", "unit", "product", "layer", "buyer", "currency", "it_power")


@dataclass(frozen=True)
class Rate:
    """Reference racks per unit of value, or none with the reason."""

    racks: Interval | None
    method: str
    inputs: tuple[str, ...] = ()
    system: str | None = None


def equivalence(catalogue: Catalogue, system: str, target: str, by: str = "accelerators") -> Interval:
    """Target racks per system: the base by one of EQUIVALENT_BY; low and high span them all where the package differs.

    RuleError when one of the two systems has no such figure.
    """
    a, b = catalogue.raw[system], catalogue.raw[target]
    ratios = {}
    for name, field in EQUIVALENT_BY.items():
        x, y = span(a.get(field)), span(b.get(field))
        if x and y and y.base > 0:
            ratios[name] = x.base / y.base
    if by not in ratios:
        missing = system if span(a.get(EQUIVALENT_BY[by])) is None else target
        raise RuleError(f"{missing} has no {EQUIVALENT_BY[by]}, so nothing can be counted by it")
    if system == target or (by == "accelerators" and a.get("package") and a.get("package") == b.get("package")):
        return as_interval(ratios[by])
    return Interval(min(ratios.values()), ratios[by], max(ratios.values()))


class Converter:
    """Rates towards one target system; the bills of the systems met are kept."""

    def __init__(
        self, catalogue: Catalogue, families: Mapping[str, str], target: str | None = None, by: str = "accelerators"
    ) -> None:
        self.catalogue = catalogue
        self.by = by
        self.families = families
        self.target = catalogue.resolve(target) if target else catalogue.reference
        self._bills: dict[str, dict[str, Interval]] = {}

    def rate(
        self,
        unit: str | None,
        *,
        kind: str | None = None,
        product: str | None = None,
        layer: str | None = None,
        buyer: str | None = None,
        currency: str | None = None,
        it_power: bool | None = None,
    ) -> Rate:
        """Racks per unit of value for one combination; None for `kind` means that the quantity alone is asked for."""
        if reason := _unconvertible(kind, unit):
            return Rate(None, f"none: {reason}")
        family = self.families.get(product or "", "")
        system = self._system(product, family)
        if system is None:
            return Rate(None, f"none: {product} belongs to no catalogued system")
        if unit == "money":
            return self._money(kind, family, layer, buyer, currency, system, product)
        if unit in POWER_KW:
            return self._power(str(unit), kind, it_power, system)
        if unit in GIGABYTES:
            return self._memory(str(unit), family, product, system)
        if unit == "wafers_per_month":
            return self._wafers(family, product, system)
        if unit in ("gpus", "racks", "units"):
            return self._pieces(str(unit), family, product, system)
        return Rate(None, f"none: no way from {unit} to racks")

    def _system(self, product: str | None, family: str) -> str | None:
        if product in self.catalogue.raw:
            return product
        if product in self.catalogue.products:
            return self.catalogue.products[str(product)]
        if family in SYSTEM_FAMILIES:
            return None
        # a generation of HBM goes into its own systems, unless the target itself carries it
        own = HBM_SYSTEM.get(product or "")
        carried = str(self.catalogue.raw[self.target].get("hbm_type")).lower()
        return own if own in self.catalogue.raw and own is not None and carried != product else self.target

    def _per(self, item: str, system: str, value: Interval, method: str, inputs: tuple[str, ...] = ()) -> Rate:
        """value / bill item of the system, carried over to target racks."""
        if system not in self._bills:
            self._bills[system] = items_of(self.catalogue, system)
        content = self._bills[system].get(item)
        if content is None or content.base <= 0:
            return Rate(None, f"none: {item} of {system} is not known", system=system)
        if content.low <= 0:  # a part some builds do without bounds nothing from above
            content = Interval(content.base, content.base, content.high)
        share = equivalence(self.catalogue, system, self.target, self.by)
        path = f"{method} / {item} of {system}"
        named = (f"{system}.{item} {content.low:.6g}/{content.base:.6g}/{content.high:.6g}", *inputs)
        if system != self.target:
            path += f", by {self.by} in {self.target} (span: accelerators, FP8, FP4, HBM)"
            named += (f"{system}->{self.target} {share.low:.4g}/{share.base:.4g}/{share.high:.4g}",)
        return Rate(value / content * share, path, named, system)

    def _named(self, *ids: str) -> tuple[Interval, tuple[str, ...]]:
        product, inputs = as_interval(1.0), []
        for name in ids:
            x = self.catalogue.figure(name)
            product = product * x
            inputs.append(f"{name} {x.low:.4g}/{x.base:.4g}/{x.high:.4g}")
        return product, tuple(inputs)

    def _money(
        self, kind: str | None, family: str, layer: str | None, buyer: str | None, currency: str | None,
        system: str, product: str | None,
    ) -> Rate:  # fmt: skip
        if f"fx_{currency}" not in self.catalogue.figures:
            return Rate(None, f"none: no exchange rate for {currency or 'a figure without currency'}")
        fx, fx_inputs = self._named(f"fx_{currency}")
        usd = 1.0 / fx
        shares, item, why = _money_path(kind, family, layer, buyer, product, self.catalogue)
        if item is None:
            return Rate(None, f"none: {why}")
        share, inputs = self._named(*shares)
        label = " * ".join([f"{currency} to USD" if currency != "USD" else "USD", *shares])
        return self._per(item, system, usd * share, label, (*inputs, *(fx_inputs if currency != "USD" else ())))

    def _power(self, unit: str, kind: str | None, it_power: bool | None, system: str) -> Rate:
        if kind is not None and unit in ("W", "kW"):
            return Rate(None, f"none: {unit} in a {kind} describes a part, not a site")
        item = "kw_it" if it_power else "kw_facility"
        basis = "IT power" if it_power else "facility power (PUE in the bill)"
        return self._per(item, system, as_interval(POWER_KW[unit]), f"{unit} of {basis} in kW")

    def _memory(self, unit: str, family: str, product: str | None, system: str) -> Rate:
        item = {"hbm": "hbm_gb", "memory": "lpddr_gb"}.get(family)
        if family in SYSTEM_FAMILIES:
            item = "hbm_gb"
        if item is None or product == "nand":
            return Rate(None, f"none: {unit} of {product or 'an unnamed memory'} is not HBM or LPDDR of a rack")
        return self._per(item, system, as_interval(GIGABYTES[unit]), f"{unit} in GB")

    def _wafers(self, family: str, product: str | None, system: str) -> Rate:
        item = WAFERS_BY_FAMILY.get(family)
        if item is None:
            return Rate(None, f"none: wafers of {product or 'an unnamed process'} are not tied to a rack")
        note = "wafers a month, all of them taken as this system, racks a month"
        return self._per(item, system, as_interval(1.0), note)

    def _pieces(self, unit: str, family: str, product: str | None, system: str) -> Rate:
        if unit == "racks":
            return self._per("racks", system, as_interval(1.0), "racks")
        if family in ("rack_system", "server") and unit == "units":
            return self.whole(system)
        if unit == "gpus" or family == "accelerator":
            return self._per("accelerators", system, as_interval(1.0), "accelerators (packages)")
        if family == "hbm":
            return self._per("hbm_stacks", system, as_interval(1.0), "HBM stacks")
        if (item := PIECES_BY_PRODUCT.get(product or "")) is not None:
            return self._per(item, system, as_interval(1.0), f"pieces of {product}")
        return Rate(None, f"none: units of {product or 'an unnamed product'} are not in the bill of a rack")

    def whole(self, system: str) -> Rate:
        """Target racks per whole system (which may be several cabinets, or a part of one)."""
        share = equivalence(self.catalogue, system, self.target, self.by)
        return Rate(
            share,
            f"whole systems of {system} by {self.by} in {self.target} (span: accelerators, FP8, FP4, HBM)",
            (),
            system,
        )


def _unconvertible(kind: str | None, unit: str | None) -> str | None:
    if unit is None:
        return "no quantity stated"
    if unit in GROWTH_UNITS:
        return f"{unit} is a change or a share, not an amount"
    if unit in UNCOUNTED_UNITS:
        return f"{unit} is not an amount of hardware"
    if kind is not None and kind not in COUNTING_KINDS:
        return f"a {kind} counts no racks"
    return None


def _money_path(
    kind: str | None, family: str, layer: str | None, buyer: str | None, product: str | None, catalogue: Catalogue
) -> tuple[tuple[str, ...], str | None, str]:
    """(shares, item of the bill, reason when there is none) for an amount of money."""
    if product == "nand":
        return (), None, "flash is not in the bill of a rack"
    if kind == "capex" or (kind is None and buyer is not None):
        if layer not in BUYER_LAYERS:
            return (), None, f"capex of {layer or 'an unknown layer'} builds something other than racks"
        known = f"ai_share_{buyer}" in catalogue.figures
        return ((f"ai_share_{buyer}" if known else "ai_share_default"), "accelerator_system_share"), "usd_system", ""
    if family in MONEY_ITEM:
        return (), MONEY_ITEM[family], ""
    if family in SYSTEM_FAMILIES or kind is None:
        return (), "usd_system", ""
    if layer == "accelerator":
        return ("rack_share_accelerator",), "usd_accelerator_vendor", ""
    if layer == "odm":
        return ("rack_share_odm",), "usd_odm", ""
    if layer in BUYER_LAYERS and kind in ("order", "deployment", "supply_commitment", "demand_cut", "capacity"):
        return ("order_hardware_share",), "usd_system", ""
    return (), None, f"{kind} of {layer or 'an unknown layer'} without a product of the rack: its share is not known"


def exchange_rates(catalogue: Catalogue) -> pl.DataFrame:
    """(currency, per_usd): base rates of the catalogue's `fx_*` figures."""
    rows = {name.removeprefix("fx_"): f.base for name, f in catalogue.figures.items() if name.startswith("fx_")}
    return pl.DataFrame({"currency": list(rows), "per_usd": list(rows.values())})


def add_racks(
    facts: pl.DataFrame, catalogue: Catalogue, entities: pl.DataFrame, products: pl.DataFrame | None = None
) -> pl.DataFrame:
    """facts (FACTS_SCHEMA) + racks_low, racks_base, racks_high (reference racks) and racks_method.

    entities: (id, layer); products: (id, family), by default the built-in lexicon. A fact that cannot be converted has
    null racks and "none: reason". An open end ("more than") takes the stated end; a period longer than a year is noted.
    """
    families = _families(products)
    combos, index = combine(_combination(facts, catalogue, entities, families))
    converter = Converter(catalogue, families)
    rates = [_rate_of(converter, row) for row in combos]  # one per combination, not per fact
    low, base, high = (gathered([_end(r, e) for r in rates], index, pl.Float64) for e in ("low", "base", "high"))
    method = gathered([r.method for r in rates], index, pl.String)
    extra = [c for c in ("racks_low", "racks_base", "racks_high", "racks_method") if c in facts.columns]
    joined = facts.drop(extra).with_columns(_low=low, _base=base, _high=high, _method=method)
    stated, other = pl.coalesce("value_low", "value_high").abs(), pl.coalesce("value_high", "value_low").abs()
    first, last = pl.min_horizontal(stated, other), pl.max_horizontal(stated, other)
    return joined.with_columns(
        (first * pl.col("_low")).alias("racks_low"),
        ((first + last) / 2 * pl.col("_base")).alias("racks_base"),
        (last * pl.col("_high")).alias("racks_high"),
        _method_of(joined, rates, index),
    ).drop("_low", "_base", "_high", "_method")


def _method_of(joined: pl.DataFrame, rates: list[Rate], index: pl.Series) -> pl.Series:
    """`racks_method`: the path of the rate, or why there is none, or what else a reader has to know of the value.

    The few texts there are get a number each, so that no text is built row by row.
    """
    plain = [r.method for r in rates]
    has_rate = [r.racks is not None for r in rates]
    notes = (
        plain,
        [m if not ok else "none: no value stated" for m, ok in zip(plain, has_rate, strict=True)],
        [m if not ok else f"{m}; spread over several years" for m, ok in zip(plain, has_rate, strict=True)],
        [m if not ok else f"{m}; open end: the stated end" for m, ok in zip(plain, has_rate, strict=True)],
    )
    no_low, no_high = (joined[c].is_null().to_numpy() for c in ("value_low", "value_high"))
    long = Coded.of(joined["period"]).where(lambda p: p is not None and _SEVERAL_YEARS.search(p) is not None)
    which = np.select([no_low & no_high, long, no_low | no_high], [1, 2, 3], 0)
    texts = pl.Series([text for variant in notes for text in variant], dtype=pl.String)
    return texts.gather(index.to_numpy() + which * len(rates)).alias("racks_method")


_SEVERAL_YEARS: Final = re.compile(r"\d{4}\D+\d{4}|^to ")


def _end(rate: Rate, end: str) -> float | None:
    return None if rate.racks is None else float(getattr(rate.racks, end))


def _rate_of(converter: Converter, key: Mapping[str, str | None]) -> Rate:
    named = {name: key[name] for name in KEYS if name not in ("unit", "it_power")}
    return converter.rate(key["unit"], it_power=key["it_power"] is not None, **named)


def _combination(
    facts: pl.DataFrame, catalogue: Catalogue, entities: pl.DataFrame, families: Mapping[str, str]
) -> dict[str, Coded]:
    """KEYS as codes; what cannot matter to a rate is null, so that a million facts share a few thousand combinations."""
    layers = dict(zip(entities["id"], entities["layer"], strict=True))
    named = [f.removeprefix("ai_share_") for f in catalogue.figures if f.startswith("ai_share_")]
    unit, kind, product, entity, currency = (
        Coded.of(facts[c]) for c in ("unit", "kind", "product", "entity", "currency")
    )
    priced = {p for p, f in families.items() if f in MONEY_ITEM or f in SYSTEM_FAMILIES} | set(catalogue.products)
    idle = frozenset([*GROWTH_UNITS, *UNCOUNTED_UNITS])
    alive = kind.where(one_of(COUNTING_KINDS)) & unit.where(lambda u: u is not None and u not in idle)
    money, capex = alive & unit.where(one_of(["money"])), kind.where(one_of(["capex"]))
    told = product.where(one_of(frozenset(priced)))  # the product says which part the money buys
    by_layer = money & (capex | ~told)
    power = unit.where(one_of(frozenset(POWER_KW)))
    it_power = alive & matching_rows(facts["quote"], alive & power, IT_POWER)
    return {
        "kind": kind.kept(~alive | by_layer | unit.where(one_of(["W", "kW"])), "order"),
        "unit": unit,
        "product": product.kept(alive & (~money | told)),
        "layer": entity.mapped(lambda e: layers.get(e or "")).kept(by_layer),
        "buyer": entity.kept(money & capex & entity.where(one_of(named))),
        "currency": currency.kept(money),
        "it_power": Coded(it_power.astype(np.int64), (None, "true")),
    }


def _families(products: pl.DataFrame | None) -> dict[str, str]:
    if products is None:
        from tracker.hardware.families import built_in_families

        return built_in_families()
    return dict(zip(products["id"], products["family"], strict=True))
