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
from tracker.hardware.observations import COLLECTED, known_since, period_of

MONTHS: Final = 3
_YEAR_END: Final = "end-"


@dataclass(frozen=True)
class Flow:
    """Racks of one link in one quarter, how they were found, and the ids of the figures used."""

    racks: Interval
    method: str
    inputs: tuple[str, ...]


Flows = dict[tuple[str, str], Flow]  # (quarter, link) -> supply


class Series:
    """supply.yaml as known at a time: values by period, linear between year ends."""

    def __init__(self, supply: pl.DataFrame, as_of: datetime) -> None:
        self._values: dict[tuple[str, str], Interval] = {}
        for row in supply.iter_rows(named=True):
            value = span({k: row[k] for k in ("low", "base", "high")})
            if value is not None and _since(row["period"], row["basis"]) <= as_of:
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


def _since(period: str, basis: str) -> datetime:
    label = period_of(period.removeprefix(_YEAR_END))
    if label is None:
        return datetime.combine(COLLECTED, datetime.min.time(), known_since("CY2025", "actual").tzinfo)
    return known_since(label, basis)


def supply_flows(supply: pl.DataFrame, catalogue: Catalogue, rules: LedgerRules, as_of: datetime) -> Flows:
    """(quarter, link) -> racks. A link without a published figure for the quarter is absent, never zero."""
    series = Series(supply, as_of)
    found: Flows = {}
    for link, maker in _MAKERS.items():
        for quarter in rules.quarters:
            if (flow := maker(series, catalogue, rules.figures, quarter)) is not None:
                found[quarter, link] = flow
    return found


Maker = Callable[[Series, Catalogue, Mapping[str, Interval], str], Flow | None]


def _shipments(series: Series, catalogue: Catalogue, figures: Mapping[str, Interval], quarter: str) -> Flow | None:
    """A quarter's own estimate, else the year's less its known quarters, shared equally."""
    name, year, label = "nvl72_rack_shipments", quarter[2:6], quarter[2:]
    if (own := series.value(name, label)) is not None:
        return Flow(own, "shipment estimate of the quarter", (f"supply:{name}:{label}",))
    whole = series.value(name, year)
    if whole is None:
        return None
    known = [v for n in range(1, 5) if (v := series.value(name, f"{year}Q{n}")) is not None]
    rest = [max(0.0, getattr(whole, e) - sum(getattr(v, e) for v in known)) for e in ("low", "base", "high")]
    share = [value / (4 - len(known)) for value in sorted(rest)]
    return Flow(Interval(*share), "shipment estimate of the year, equal quarters", (f"supply:{name}:{year}",))


def _cowos(series: Series, catalogue: Catalogue, figures: Mapping[str, Interval], quarter: str) -> Flow | None:
    wafers = series.level("tsmc_cowos_capacity", quarter)
    share = series.value("nvidia_cowos_share", quarter[2:6])
    good = catalogue.field(catalogue.reference, "good_packages_per_cowos_wafer")
    each = catalogue.field(catalogue.reference, "accelerators")
    if wafers is None or share is None or good is None or each is None:
        return None
    racks = wafers * MONTHS * share * 0.01 * figures["rack_share_of_packages"] * good / each
    inputs = (
        f"supply:tsmc_cowos_capacity:end-{quarter[2:6]}",
        f"supply:nvidia_cowos_share:{quarter[2:6]}",
        "ledger:rack_share_of_packages",
        f"system:{catalogue.reference}.good_packages_per_cowos_wafer",
    )
    return Flow(racks, "wafers a month x 3 x share x packages a wafer / accelerators a rack", inputs)


def _hbm(series: Series, catalogue: Catalogue, figures: Mapping[str, Interval], quarter: str) -> Flow | None:
    year = quarter[2:6]
    per_rack = catalogue.field(catalogue.reference, "hbm_total_tb")
    if per_rack is None:
        return None
    bits, revenue = series.value("hbm_bit_shipments", year), series.value("hbm_market_revenue", year)
    price_id = "hbm_usd_per_gb_hbm3e" if year < "2026" else "hbm_usd_per_gb_hbm4"
    if bits is not None:
        gigabytes, how = bits * (1e9 / 8), "bits shipped"
        inputs: tuple[str, ...] = (f"supply:hbm_bit_shipments:{year}",)
    elif revenue is not None:
        gigabytes, how = revenue * 1e9 / catalogue.figure(price_id), "revenue / price per GB"
        inputs = (f"supply:hbm_market_revenue:{year}", f"param:{price_id}")
    else:
        return None
    used = gigabytes * 0.25 * figures["nvidia_share_of_hbm"] * figures["rack_share_of_packages"]
    own = ("ledger:nvidia_share_of_hbm", "ledger:rack_share_of_packages")
    return Flow(used / (per_rack * 1000), f"{how} / 4 x shares / GB a rack", (*inputs, *own))


def _substrate(series: Series, catalogue: Catalogue, figures: Mapping[str, Interval], quarter: str) -> Flow | None:
    flow = _cowos(series, catalogue, figures, quarter)
    if flow is None:
        return None
    inputs = (*flow.inputs, "ledger:substrate_per_interposer")
    return Flow(flow.racks * figures["substrate_per_interposer"], "CoWoS racks x substrates per interposer", inputs)


def _power(series: Series, catalogue: Catalogue, figures: Mapping[str, Interval], quarter: str) -> Flow | None:
    year = quarter[2:6]
    added = series.value("us_datacentre_capacity_coming_online", year)
    rack_kw = catalogue.field(catalogue.reference, "rack_power_kw")
    if added is None or rack_kw is None:
        return None
    world_kw = added * 1e6 * figures["ai_share_of_new_power"] / figures["us_share_of_new_power"] * 0.25
    racks = world_kw * figures["nvidia_share_of_demand"] / (rack_kw * catalogue.figure("pue"))
    inputs = (
        f"supply:us_datacentre_capacity_coming_online:{year}",
        "ledger:ai_share_of_new_power",
        "ledger:us_share_of_new_power",
        "ledger:nvidia_share_of_demand",
        "param:pue",
    )
    return Flow(racks, "GW online / 4 x AI share x NVIDIA share / (kW a rack x PUE)", inputs)


def _liquid(series: Series, catalogue: Catalogue, figures: Mapping[str, Interval], quarter: str) -> Flow | None:
    wafers, year = series.level("tsmc_cowos_capacity", quarter), quarter[2:6]
    liquid = series.value("liquid_cooling_penetration", year)
    good = catalogue.field(catalogue.reference, "good_packages_per_cowos_wafer")
    each = catalogue.field(catalogue.reference, "accelerators")
    if wafers is None or liquid is None or good is None or each is None:
        return None
    racks = wafers * MONTHS * good * liquid * 0.01 / each
    inputs = (f"supply:liquid_cooling_penetration:{year}", f"supply:tsmc_cowos_capacity:end-{year}")
    return Flow(racks, "liquid-cooled share of all packages of the quarter / accelerators a rack", inputs)


_MAKERS: Final[dict[str, Maker]] = {
    "racks": _shipments,
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
