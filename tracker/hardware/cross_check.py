"""Published figures nothing of the model was set to meet: what it says of them, the ratio, and why where it is far off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.convert import convert
from tracker.hardware.figures import Interval, as_interval
from tracker.hardware.golden import Model
from tracker.hardware.ledger_rules import LedgerRules, load_ledger_rules
from tracker.hardware.mix import Mix, at_quarter, mix_of, per_rack, wafers_per_rack
from tracker.hardware.observations import known_since
from tracker.hardware.supply_links import Series

OFF: Final = 0.25  # a cross-check further off than this carries a reason
_GW: Final = (
    "the figure per gigawatt also holds scale-out network, storage and spares, which the price of a rack leaves out"
)


@dataclass(frozen=True)
class _Ask:
    """What a cross-check is reckoned from: everything as known at the end of the collection."""

    model: Model
    rules: LedgerRules
    series: Series
    as_of: datetime

    @property
    def catalogue(self) -> Catalogue:
        return self.model.c

    def mix(self, year: str) -> Mix:
        found = mix_of(self.rules.mixes, year, self.as_of)
        assert found is not None  # ledger.yaml begins in 2024
        return found


def cross_checks(catalogue: Catalogue, supply: pl.DataFrame | None = None) -> pl.DataFrame:
    """(id, statement, model_low, model, model_high, published, ratio, unit, off, reason): model against published figures.

    `off` marks a ratio more than 25 % from one; those carry a reason. supply: another frame than the catalogue's own.
    """
    if supply is not None:
        catalogue = replace(catalogue, supply=supply)
    last = known_since(str(catalogue.supply["published"].max()))
    ask = _Ask(Model(catalogue), load_ledger_rules(), Series(catalogue.supply, last), last)
    rows = [*_gigawatts(ask), *_revenue(ask), _hbm_bits(ask), *_cowos(ask), _rubin_packages(ask)]
    return pl.DataFrame(rows).with_columns(ratio=pl.col("model") / pl.col("published")).with_columns(
        off=(pl.col("ratio") - 1).abs() > OFF
    )  # fmt: skip


def _line(name: str, statement: str, found: Interval, published: float, unit: str, reason: str = "") -> dict[str, Any]:
    return {
        "id": name, "statement": statement, "model_low": found.low, "model": found.base, "model_high": found.high,
        "published": published, "unit": unit, "reason": reason,
    }  # fmt: skip


def _gigawatts(ask: _Ask) -> list[dict[str, Any]]:
    """Racks of one GW (facility) of each generation times their price, without and with the site."""
    content, site = ask.catalogue.figure("nvidia_usd_per_gw_bn"), ask.catalogue.figure("site_usd_per_gw_bn")
    estimate = (pl.col("series") == "cost_per_gw") & (pl.col("basis") == "estimate")
    bank = float(ask.catalogue.supply.filter(estimate)["base"][0])
    stated = {"gb200_nvl72": (bank, "the bank's 35 bn USD per GW (2025)"),
             "gb300_nvl72": (ask.catalogue.figure("usd_per_gw_bn").base, "NVIDIA's 50-60 bn USD per GW (August 2025)"),
             "vr_nvl72": (ask.model.s("cost_per_gw", "2026"), "NVIDIA's 80-100 bn USD per GW (June 2026)")}  # fmt: skip
    rows = []
    for system, (whole, said) in stated.items():
        count, price = convert("1 GW", ask.catalogue, system), ask.catalogue.field(system, "price_usd_m")
        assert price is not None  # the three have prices
        racks = Interval(count.racks_low, count.racks_base, count.racks_high) * price * 0.001
        name = str(ask.catalogue.raw[system]["name"])
        rows.append(
            _line(f"gw_racks_{system}", f"one GW of {name}, racks alone, against NVIDIA's content per GW", racks,
                  content.base, "billion USD", f"{_GW}, and the statement spans the generations then on sale")
        )  # fmt: skip
        rows.append(
            _line(f"gw_all_in_{system}", f"one GW of {name} with its site against {said}", racks + site, whole,
                  "billion USD", f"{_GW}; {_SITE[system]}")
        )  # fmt: skip
    return rows


_SITE: Final = {
    "gb200_nvl72": "the bank counts them",
    "gb300_nvl72": "NVIDIA speaks of its newer generation as well",
    "vr_nvl72": "the chief's figure of 2026 holds the dearer memory and site costs of its year, the site here those of 2025",
}


def _revenue(ask: _Ask) -> list[dict[str, Any]]:
    """Data-centre revenue as racks at the prices of the time, against racks shipped in that quarter and the next."""
    share, content = (ask.catalogue.figure(f) for f in ("rack_share_accelerator", "nvidia_content_share"))

    def racks(billion: float, mix: Mix | None) -> Interval:
        price = per_rack(ask.catalogue, mix, "price_usd") if mix else None
        assert price is not None  # 2025's generations have prices
        return billion * 1e9 * share / (price * content)

    quarter = racks(
        ask.model.s("nvda_data_center_revenue", "FY2026Q3"), at_quarter(ask.rules.mixes, "CY2025Q3", ask.as_of)
    )
    year = racks(sum(ask.model.s("nvda_data_center_revenue", f"FY2026Q{q}") for q in range(1, 5)), ask.mix("2025"))
    why = (
        "the share of revenue that is rack-scale is an assumption (HGX boards and networking sold apart are in the revenue), "
        "and NVIDIA books superchips before the maker ships the rack"
    )
    shipped = {q: ask.model.s("nvl72_rack_shipments", q) for q in ("2025Q3", "2025Q4")}
    return [
        _line("quarter_revenue_racks", "data-centre revenue of August-October 2025 as racks against racks of 2025Q3", quarter,
              shipped["2025Q3"], "racks", why),
        _line("quarter_revenue_racks_next", "the same against racks shipped a quarter later, 2025Q4", quarter,
              shipped["2025Q4"], "racks", why),
        _line("year_revenue_racks", "data-centre revenue of FY2026 as racks against racks of that year", year,
              ask.model.s("nvl72_rack_shipments", "FY2026"), "racks",
              f"{why}; in the first half of the year most revenue was boards: racks had just begun"),
    ]  # fmt: skip


def _hbm_bits(ask: _Ask) -> dict[str, Any]:
    """HBM bits of 2026 times the price of the generations' memory against the market revenue of 2026."""
    gigabytes = ask.model.s("hbm_bit_shipments", "2026") / 8  # billion
    late = sum(s for system, s in ask.mix("2026").shares.items() if ask.catalogue.raw[system]["hbm_type"] != "HBM3E")
    price = (
        ask.catalogue.figure("hbm_usd_per_gb_hbm3e") * (1 - late) + ask.catalogue.figure("hbm_usd_per_gb_hbm4") * late
    )
    return _line(
        "hbm_bits_revenue", "HBM bits shipped in 2026, at prices by generation, against HBM revenue of 2026",
        price * gigabytes, ask.model.s("hbm_market_revenue", "2026"), "billion USD",
        "the mix of generations is NVIDIA's, the market is everybody's",
    )  # fmt: skip


def _cowos(ask: _Ask) -> list[dict[str, Any]]:
    """Packaging: Hopper packages of 2024 against revenue, wafers of 2026 by capacity and share against a bank's count."""
    per_wafer = ask.catalogue.field("dgx_h100", "good_packages_per_cowos_wafer")
    assert per_wafer is not None  # its geometry is known
    revenue = sum(ask.model.s("nvda_data_center_revenue", f"FY2025Q{q}") for q in range(1, 5)) * 1e9
    implied = revenue / ask.model.s("price_per_gpu", "H100 card") / 1e6
    wafers = _wafers_2026(ask)
    mix = ask.mix("2026")
    each = wafers_per_rack(ask.catalogue, mix)
    assert each is not None
    rubin = wafers / each * (72 * mix.shares["vr_nvl72"] / 1e6)
    return [
        _line("cowos_packages_2024", "CoWoS wafers of NVIDIA in 2024 as Hopper packages against revenue / card price",
              per_wafer * (ask.model.s("nvidia_cowos_wafers", "2024") / 1e6), implied, "million packages",
              "wafers of the second half went into Blackwell (16 a wafer) and stock; revenue holds networking"),
        _line("cowos_wafers_2026", "NVIDIA's CoWoS wafers of 2026 from capacity and share against the bank's count",
              wafers * 0.001, ask.model.s("nvidia_cowos_wafers", "2026") / 1000, "thousand wafers"),
        _line("rubin_packages_2026", "Rubin packages of 2026 from wafers and the mix against the bank's output",
              rubin, ask.model.s("rubin_gpu_output", "2026"), "million packages",
              "the bank's output was given before the cut of Rubin's share from 29 to 22 of 100"),
    ]  # fmt: skip


def _wafers_2026(ask: _Ask) -> Interval:
    share = ask.series.value("nvidia_cowos_share", "2026")
    total = as_interval(0.0)
    for quarter in range(1, 5):
        level = ask.series.level("tsmc_cowos_capacity", f"CY2026Q{quarter}")
        assert level is not None  # both year ends are published
        total = total + level * 3
    assert share is not None
    return total * share * 0.01


def _rubin_packages(ask: _Ask) -> dict[str, Any]:
    """Geometry against the bank's packages per wafer for Rubin."""
    found = ask.catalogue.field("vr_nvl72", "packages_per_cowos_wafer")
    assert found is not None  # its geometry is known
    return _line(
        "rubin_per_wafer", "interposers of 5.5 reticles on a wafer by geometry against the bank's count", found,
        ask.model.s("packages_per_cowos_wafer", "Rubin"), "packages/wafer",
    )  # fmt: skip
