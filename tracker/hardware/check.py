"""`tracker model check`: golden numbers against the model's own functions, and published figures it was not fitted to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.convert import convert
from tracker.hardware.golden import Model, answer

CHECK_SCHEMA: Final[dict[str, pl.DataType]] = {
    "id": pl.String(),
    "statement": pl.String(),
    "expected": pl.Float64(),
    "computed": pl.Float64(),
    "diff_pct": pl.Float64(),
    "tolerance_pct": pl.Float64(),
    "ok": pl.Boolean(),  # null: unreproduced, kept with its reason
    "unit": pl.String(),
    "note": pl.String(),
    "source": pl.String(),
}
OFF: Final = 0.25  # a cross-check further off than this carries a reason


def check(catalogue: Catalogue) -> pl.DataFrame:
    """CHECK_SCHEMA, one row a golden number. `ok` is false on a miss and null where the model has no way to the number."""
    model = Model(catalogue)
    return pl.DataFrame([_row(model, golden) for golden in catalogue.golden], schema=CHECK_SCHEMA)


def failed(checked: pl.DataFrame) -> pl.DataFrame:
    """The misses: `model check` exits 1 when there is one."""
    return checked.filter(pl.col("ok") == False)  # noqa: E712 - null is neither


def _row(model: Model, golden: dict[str, Any]) -> dict[str, Any]:
    computed, why = answer(model, golden["id"])
    expected, tolerance = float(golden["expected"]), float(golden["tolerance_pct"])
    diff = None if computed is None else 100 * (computed / expected - 1)
    excused = why.startswith("unreproduced")
    source = golden["source"]
    return {
        "id": golden["id"], "statement": golden["statement"], "unit": golden["unit"],
        "expected": expected, "computed": computed, "diff_pct": diff, "tolerance_pct": tolerance,
        "ok": None if excused else diff is not None and abs(diff) <= tolerance,
        "note": "; ".join(n for n in (why, golden.get("note", "")) if n),
        "source": " ".join(source) if isinstance(source, list) else source,
    }  # fmt: skip


def cross_checks(catalogue: Catalogue, supply: pl.DataFrame | None = None) -> pl.DataFrame:
    """(id, statement, model_low, model, model_high, published, ratio, unit, reason): model against published figures.

    Nothing of the model was set to meet these. `reason` explains a ratio more than 25 % from one.
    supply: another frame of series than the catalogue's own.
    """
    if supply is not None:
        catalogue = replace(catalogue, supply=supply)
    model = Model(catalogue)
    rows = [
        _gw_dollars(
            catalogue,
            "one GW of GB200 NVL72, racks alone, against NVIDIA's content per GW",
            "nvidia_usd_per_gw_bn",
            False,
        ),
        _gw_dollars(catalogue, "one GW all-in against the vendor's 50-60 bn USD per GW", "usd_per_gw_bn", True),
        _quarter(model),
        _hbm_bits(model),
        _cowos_packages(model),
        _rubin_packages(model),
    ]
    return pl.DataFrame(rows).with_columns(ratio=pl.col("model") / pl.col("published")).with_columns(
        off=(pl.col("ratio") - 1).abs() > OFF
    )  # fmt: skip


def _line(
    name: str, statement: str, ends: tuple[float, float, float], published: float, unit: str, reason: str
) -> dict[str, Any]:
    return {
        "id": name, "statement": statement, "model_low": ends[0], "model": ends[1], "model_high": ends[2],
        "published": published, "unit": unit, "reason": reason,
    }  # fmt: skip


def _gw_dollars(catalogue: Catalogue, statement: str, figure: str, with_site: bool) -> dict[str, Any]:
    """Racks of one GW (facility) times rack price, with or without the site."""
    racks = convert("1 GW", catalogue)
    price = catalogue.field(catalogue.reference, "price_usd_m")
    if price is None:
        raise ValueError(f"{catalogue.reference} has no price")
    site = catalogue.figure("site_usd_per_gw_bn")
    counts = (racks.racks_low, racks.racks_base, racks.racks_high)
    prices, sites = (price.low, price.base, price.high), (site.low, site.base, site.high)
    ends = tuple(n * p / 1000 + (s if with_site else 0) for n, p, s in zip(counts, prices, sites, strict=True))
    reason = (
        "below: vendor dollars per GW hold scale-out network, storage, spares and the newer, dearer generation; the model "
        "counts rack price only, at the price of the first generation"
    )
    name = "gw_dollars_all_in" if with_site else "gw_dollars_racks"
    return _line(name, statement, (ends[0], ends[1], ends[2]), catalogue.figure(figure).base, "billion USD", reason)


def _quarter(model: Model) -> dict[str, Any]:
    """Data-centre revenue of FY2026Q3 (August-October 2025) as racks against the shipment estimate of 2025Q3."""
    found = convert("$51.22B of GB200 NVL72 racks", model.c)
    ends = []
    share, content = model.c.figure("rack_share_accelerator"), model.c.figure("nvidia_content_share")
    for racks, s, k in zip(
        (found.racks_low, found.racks_base, found.racks_high), (share.low, share.base, share.high),
        (content.high, content.base, content.low), strict=True,
    ):  # fmt: skip
        ends.append(racks * s / k)
    return _line(
        "quarter_revenue_racks", "data-centre revenue of a quarter (FY2026Q3) as racks against racks shipped in 2025Q3",
        (ends[0], ends[1], ends[2]), model.s("nvl72_rack_shipments", "2025Q3"), "racks",
        "above: the share of revenue that is rack-scale is an assumption (HGX, networking sold apart, GB300 at a higher price), "
        "and NVIDIA books superchips before the ODM ships the rack; quarters are a month apart",
    )  # fmt: skip


def _hbm_bits(model: Model) -> dict[str, Any]:
    """HBM bits of 2026 times price per GB against the market revenue of 2026."""
    exabytes = model.s("hbm_bit_shipments", "2026") / 8  # billion GB
    price = model.c.figure("hbm_usd_per_gb_hbm3e")
    return _line(
        "hbm_bits_revenue", "HBM bits shipped in 2026 at the HBM3E price against HBM revenue of 2026",
        (exabytes * price.low, exabytes * price.base, exabytes * price.high), model.s("hbm_market_revenue", "2026"),
        "billion USD", "mix of HBM3E and dearer HBM4 is not known",
    )  # fmt: skip


def _cowos_packages(model: Model) -> dict[str, Any]:
    """NVIDIA's CoWoS wafers of 2024 times Hopper packages a wafer against the packages its revenue implies."""
    per_wafer = model.c.field("dgx_h100", "good_packages_per_cowos_wafer")
    if per_wafer is None:
        raise ValueError("dgx_h100 has no packages per wafer")
    wafers = model.s("nvidia_cowos_wafers", "2024")
    revenue = sum(model.s("nvda_data_center_revenue", f"FY2025Q{q}") for q in range(1, 5)) * 1e9
    implied = revenue / model.s("price_per_gpu", "H100 card") / 1e6
    return _line(
        "cowos_packages_2024", "CoWoS wafers of NVIDIA in 2024 as Hopper packages against data-centre revenue / card price",
        (wafers * per_wafer.low / 1e6, wafers * per_wafer.base / 1e6, wafers * per_wafer.high / 1e6), implied,
        "million packages", "wafers of the second half went into Blackwell (16 a wafer) and stock; revenue holds networking",
    )  # fmt: skip


def _rubin_packages(model: Model) -> dict[str, Any]:
    """Geometry against the bank's packages per wafer for Rubin."""
    found = model.c.field("vr_nvl72", "packages_per_cowos_wafer")
    if found is None:
        raise ValueError("vr_nvl72 has no packages per wafer")
    return _line(
        "rubin_per_wafer", "interposers of 5.5 reticles on a wafer by geometry against the bank's count",
        (found.low, found.base, found.high), model.s("packages_per_cowos_wafer", "Rubin"), "packages/wafer", "",
    )  # fmt: skip
