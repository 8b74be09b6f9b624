"""Supply of each link in NVL72-equivalent racks a calendar quarter, from the published series and the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval, as_interval, span
from tracker.hardware.ledger_rules import LedgerRules, quarter_index
from tracker.hardware.mix import Mix, at_quarter, per_rack, wafers_per_rack
from tracker.hardware.observations import known_since

MONTHS: Final = 3
WEEKS: Final = 13
_YEAR_END: Final = "end-"


@dataclass(frozen=True)
class Flow:
    """Racks of one link in one quarter, how they were found, and the ids of the figures used."""

    racks: Interval
    method: str
    inputs: tuple[str, ...]


Flows = dict[tuple[str, str], Flow]  # (quarter, link) -> supply


class Series:
    """supply.yaml as known at a time: of several values for a period the newest, linear between year ends."""

    def __init__(self, supply: pl.DataFrame, as_of: datetime) -> None:
        self._values: dict[tuple[str, str], Interval] = {}
        newest_first = supply.sort("published", "source", descending=[True, False])
        for row in newest_first.iter_rows(named=True):
            value = span({k: row[k] for k in ("low", "base", "high")})
            if value is not None and known_since(row["published"]) <= as_of:
                self._values.setdefault((row["series"], row["period"]), value)

    def value(self, series: str, period: str) -> Interval | None:
        """The value of a period, None where there is none (yet)."""
        return self._values.get((series, period))

    def level(self, series: str, quarter: str) -> Interval | None:
        """Mean level in a quarter of a series given at year ends; None outside what is known."""
        year, quarter_no = int(quarter[2:6]), int(quarter[7])
        before, after = (self.value(series, f"{_YEAR_END}{y}") for y in (year - 1, year))
        if before is None or after is None:
            return None
        at = (quarter_no - 0.5) / 4
        return before * (1 - at) + after * at


@dataclass(frozen=True)
class Known:
    """What a link's supply is found from: series and mixes as known at a moment, the catalogue, the ledger's factors."""

    series: Series
    catalogue: Catalogue
    rules: LedgerRules
    as_of: datetime

    def factor(self, *names: str) -> Interval:
        """Product of factors of ledger.yaml."""
        product = as_interval(1.0)
        for name in names:
            product = product * self.rules.figures[name]
        return product

    def mix(self, quarter: str) -> Mix | None:
        """Generations of a quarter."""
        return at_quarter(self.rules.mixes, quarter, self.as_of)


def supply_flows(supply: pl.DataFrame, catalogue: Catalogue, rules: LedgerRules, as_of: datetime) -> Flows:
    """(quarter, link) -> racks. A link without a published figure for the quarter is absent, never zero."""
    known = Known(Series(supply, as_of), catalogue, rules, as_of)
    found: Flows = {}
    for link, maker in _MAKERS.items():
        for quarter in rules.quarters:
            if (flow := maker(known, quarter)) is not None:
                found[quarter, link] = flow
    return found


Maker = Callable[[Known, str], Flow | None]


def _shipments(known: Known, quarter: str) -> Flow | None:
    """A quarter's own estimate, else the year's less its known quarters, shared equally."""
    name, year, label = "nvl72_rack_shipments", quarter[2:6], quarter[2:]
    if (own := known.series.value(name, label)) is not None:
        return Flow(own, "shipment estimate of the quarter", (f"supply:{name}:{label}",))
    whole = known.series.value(name, year)
    if whole is None:
        return None
    said = [v for n in range(1, 5) if (v := known.series.value(name, f"{year}Q{n}")) is not None]
    rest = [max(0.0, getattr(whole, e) - sum(getattr(v, e) for v in said)) for e in ("low", "base", "high")]
    share = [value / (4 - len(said)) for value in sorted(rest)]
    return Flow(Interval(*share), "shipment estimate of the year, equal quarters", (f"supply:{name}:{year}",))


def _assembly(known: Known, quarter: str) -> Flow | None:
    """What the rack makers could build: the largest one's weekly capability over its share."""
    year = quarter[2:6]
    weekly = known.series.level("hon_hai_rack_assembly", quarter)
    share = known.series.value("rack_odm_share_hon_hai", "2025")
    if weekly is None or share is None:
        return None
    inputs = (f"supply:hon_hai_rack_assembly:end-{year}", "supply:rack_odm_share_hon_hai:2025")
    return Flow(weekly * WEEKS / (share * 0.01), "racks a week of the largest maker x 13 / its share", inputs)


def _packages(known: Known, quarter: str) -> tuple[Interval, Mix, tuple[str, ...]] | None:
    """(racks all CoWoS wafers of a quarter would make at its mix, the mix, inputs)."""
    wafers, mix = known.series.level("tsmc_cowos_capacity", quarter), known.mix(quarter)
    each = wafers_per_rack(known.catalogue, mix) if mix else None
    if wafers is None or mix is None or each is None:
        return None
    return wafers * MONTHS / each, mix, (f"supply:tsmc_cowos_capacity:end-{quarter[2:6]}", mix.id)


def _cowos(known: Known, quarter: str) -> Flow | None:
    made = _packages(known, quarter)
    share = known.series.value("nvidia_cowos_share", quarter[2:6])
    if made is None or share is None:
        return None
    racks, mix, inputs = made
    inputs += (f"supply:nvidia_cowos_share:{quarter[2:6]}", "ledger:rack_share_of_packages")
    method = f"wafers a month x 3 x shares / wafers a rack of the mix ({mix})"
    return Flow(racks * share * 0.01 * known.factor("rack_share_of_packages"), method, inputs)


def _hbm(known: Known, quarter: str) -> Flow | None:
    year, mix = quarter[2:6], known.mix(quarter)
    terabytes = per_rack(known.catalogue, mix, "hbm_total_tb") if mix else None
    if mix is None or terabytes is None:
        return None
    bits, revenue = known.series.value("hbm_bit_shipments", year), known.series.value("hbm_market_revenue", year)
    price_id = "hbm_usd_per_gb_hbm3e" if year < "2026" else "hbm_usd_per_gb_hbm4"
    if bits is not None:
        gigabytes, how = bits * (1e9 / 8), "bits shipped"
        inputs: tuple[str, ...] = (f"supply:hbm_bit_shipments:{year}",)
    elif revenue is not None:
        gigabytes, how = revenue * 1e9 / known.catalogue.figure(price_id), "revenue / price per GB"
        inputs = (f"supply:hbm_market_revenue:{year}", f"param:{price_id}")
    else:
        return None
    shares = ("nvidia_share_of_hbm", "rack_share_of_packages")
    racks = gigabytes * 0.25 * known.factor(*shares) / (terabytes * 1000)
    inputs += (*(f"ledger:{s}" for s in shares), mix.id)
    return Flow(racks, f"{how} / 4 x shares / GB a rack of the mix ({mix})", inputs)


def _substrate(known: Known, quarter: str) -> Flow | None:
    flow = _cowos(known, quarter)
    if flow is None:
        return None
    inputs = (*flow.inputs, "ledger:substrate_per_interposer")
    return Flow(
        flow.racks * known.factor("substrate_per_interposer"), "CoWoS racks x substrates per interposer", inputs
    )


def _power(known: Known, quarter: str) -> Flow | None:
    year, mix = quarter[2:6], known.mix(quarter)
    added = known.series.value("us_datacentre_capacity_coming_online", year)
    rack_kw = per_rack(known.catalogue, mix, "rack_power_kw") if mix else None
    if added is None or mix is None or rack_kw is None:
        return None
    world_kw = added * 1e6 * 0.25 * known.factor("ai_share_of_new_power") / known.factor("us_share_of_new_power")
    racks = world_kw * known.factor("nvidia_share_of_demand") / (rack_kw * known.catalogue.figure("pue"))
    named = ("ai_share_of_new_power", "us_share_of_new_power", "nvidia_share_of_demand")
    inputs = (
        f"supply:us_datacentre_capacity_coming_online:{year}",
        *(f"ledger:{n}" for n in named), "param:pue", mix.id,
    )  # fmt: skip
    return Flow(racks, f"GW online / 4 x shares / (kW a rack of the mix x PUE) ({mix})", inputs)


def _liquid(known: Known, quarter: str) -> Flow | None:
    year, made = quarter[2:6], _packages(known, quarter)
    liquid = known.series.value("liquid_cooling_penetration", year)
    if made is None or liquid is None:
        return None
    racks, mix, inputs = made
    inputs += (f"supply:liquid_cooling_penetration:{year}", "ledger:nvidia_share_of_liquid")
    method = f"liquid-cooled share of all packages x NVIDIA share, in racks of the mix ({mix})"
    return Flow(racks * liquid * 0.01 * known.factor("nvidia_share_of_liquid"), method, inputs)


_MAKERS: Final[dict[str, Maker]] = {
    "racks": _shipments,
    "assembly": _assembly,
    "cowos": _cowos,
    "hbm": _hbm,
    "substrate": _substrate,
    "power": _power,
    "liquid_cooling": _liquid,
}


def with_stock(
    flows: Mapping[str, Interval], demand: Mapping[str, Interval], stock_quarters: float
) -> dict[str, tuple[Interval, float]]:
    """Supply by quarter with the stock carried in from the quarter before: (available, stock used as base).

    Unsold base supply is carried over, at most `stock_quarters` of the quarter's own flow.
    """
    stock, result = 0.0, {}
    for quarter in _ordered(flows):
        available = flows[quarter] + as_interval(stock)
        result[quarter] = (available, stock)
        wanted = demand.get(quarter)
        left = 0.0 if wanted is None else max(0.0, available.base - wanted.base)
        stock = min(left, stock_quarters * flows[quarter].base)
    return result


def _ordered(quarters: Iterable[str]) -> list[str]:
    return sorted(quarters, key=quarter_index)
