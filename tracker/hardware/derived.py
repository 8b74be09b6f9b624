"""Figures that follow from others: computed here, never typed. A typed total of racks.yaml is only a cross-check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tracker.hardware import geometry
from tracker.hardware.figures import Figure, Interval, as_interval, span

INTERVAL_FIELDS: Final = ("rack_power_kw", "price_usd_m")

# Total of a system -> (count, field per one of it, divisor). The product replaces the typed value.
TOTALS: Final[dict[str, tuple[str, str, float]]] = {
    "scale_up_aggregate_tb_s": ("accelerators", "scale_up_gbytes_per_s_per_accelerator", 1000),
    "hbm_total_tb": ("accelerators", "hbm_gb_per_accelerator", 1000),
    "hbm_bw_total_tb_s": ("accelerators", "hbm_bw_tb_s_per_accelerator", 1),
    "dense_fp8_pflops": ("accelerators", "dense_fp8_pflops_per_accelerator", 1),
    "dense_fp4_pflops": ("accelerators", "dense_fp4_pflops_per_accelerator", 1),
    "dense_bf16_pflops": ("accelerators", "dense_bf16_pflops_per_accelerator", 1),
    "lpddr_total_tb": ("cpus", "lpddr_gb_per_cpu", 1000),
    "switch_asics": ("switch_trays", "switch_asics_per_tray", 1),
    "hbm_physical_total_tb": ("accelerators", "hbm_gb_physical_per_accelerator", 1000),
    "scale_out_total_tbit_s": ("accelerators", "scale_out_gbit_s_per_accelerator", 1000),
    "hbm_stacks": ("accelerators", "hbm_stacks_per_accelerator", 1),
    "dies": ("accelerators", "dies_per_accelerator", 1),
}
# Ratios: numerator, denominator, factor.
RATIOS: Final[dict[str, tuple[str, str, float]]] = {
    "dense_fp8_pflops_per_kw": ("dense_fp8_pflops", "rack_power_kw", 1),
    "dense_fp4_pflops_per_kw": ("dense_fp4_pflops", "rack_power_kw", 1),
    "hbm_tb_per_kw": ("hbm_total_tb", "rack_power_kw", 1),
    "kw_per_accelerator": ("rack_power_kw", "accelerators", 1),
    "price_usd_per_accelerator": ("price_usd_m", "accelerators", 1e6),
    "price_usd_per_kw": ("price_usd_m", "rack_power_kw", 1e6),
    "optical_modules_per_accelerator": ("optical_modules", "accelerators", 1),
    "kw_per_rack": ("rack_power_kw", "racks_per_system", 1),
    "accelerators_per_rack": ("accelerators", "racks_per_system", 1),
}


def total(row: Mapping[str, Any], name: str) -> float | None:
    """One derivable total of a system, or None where an input is missing."""
    count, each, divisor = TOTALS[name]
    if name == "hbm_total_tb":
        divisor = row.get("hbm_gb_per_tb", divisor)  # some vendors count 1,024 GB to the TB
    if row.get(count) is None or row.get(each) is None:
        return None
    return float(row[count] * row[each] / divisor)


def cable_count(row: Mapping[str, Any]) -> float | None:
    """Copper cables of the scale-up spine: accelerators x links x differential pairs per link."""
    factors = [row.get(k) for k in ("accelerators", "scale_up_links_per_accelerator", "pairs_per_link")]
    if any(f is None for f in factors):
        return None
    return float(factors[0] * factors[1] * factors[2])  # type: ignore[operator]


def port_gbytes_per_s(row: Mapping[str, Any]) -> float | None:
    """Scale-up port of one accelerator in GB/s both directions, from links (x lanes x lane rate)."""
    links = row.get("scale_up_links_per_accelerator")
    if links is None:
        return None
    if row.get("gb_s_per_link") is not None:
        return float(links * row["gb_s_per_link"])
    if row.get("lanes_per_link") is None or row.get("scale_up_lane_gbit_s") is None:
        return None
    return float(links * row["lanes_per_link"] * row["scale_up_lane_gbit_s"] / 8 * 2)


def derive(
    row: Mapping[str, Any], packages: Mapping[str, dict[str, Any]], figures: Mapping[str, Figure]
) -> dict[str, Any]:
    """A published row with every derivable field computed; the typed totals move to `published`."""
    out = dict(row)
    published = {n: row[n] for n in (*TOTALS, "copper_cables") if row.get(n) is not None}
    for name in TOTALS:
        if (value := total(out, name)) is not None:
            out[name] = value
        out.setdefault(name, None)
    if (cables := cable_count(out)) is not None:
        out["copper_cables"] = cables
    out["scale_up_port_gbytes_per_s"] = port_gbytes_per_s(out)
    if out.get("rack_power_kw") is None or span(out["rack_power_kw"]) is None:
        per_rack, racks = row.get("rack_power_kw_per_rack"), row.get("racks_per_system")
        out["rack_power_kw"] = as_interval(per_rack * racks) if per_rack and racks else out.get("rack_power_kw")
    for name, (top, bottom, factor) in RATIOS.items():
        a, b = span_of(out.get(top)), span_of(out.get(bottom))
        out[name] = a * factor / b if a and b and b.low > 0 else None
    up, sideways = out.get("scale_up_gbytes_per_s_per_accelerator"), out.get("scale_out_gbit_s_per_accelerator")
    # scale-up counts both directions, scale-out one: compare one direction in Gbit/s
    out["scale_up_to_scale_out_ratio"] = up * 8 / 2 / sideways if up and sideways else None
    out.update(package_figures(packages.get(str(row.get("package"))), figures))
    price = span_of(out.get("price_usd_m"))
    out["price_usd"] = price * 1e6 if price else None
    out["published"] = published
    return out


def span_of(value: object) -> Interval | None:
    """Like `span`, and an interval passes through."""
    return value if isinstance(value, Interval) else span(value)


def package_figures(package: Mapping[str, Any] | None, figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Silicon of one accelerator: gross and good dies a wafer, packages a CoWoS wafer; None where geometry is unknown."""
    names = (
        "compute_dies_per_accelerator",
        "gross_dies_per_wafer",
        "die_yield",
        "good_dies_per_wafer",
        "interposer_mm2",
        "packages_per_cowos_wafer",
        "good_packages_per_cowos_wafer",
        "node",
    )
    if package is None:
        return dict.fromkeys(names)
    w, h = float(package["die_w_mm"]), float(package["die_h_mm"])
    edge, scribe = figures["edge_exclusion_mm"].interval, figures["scribe_mm"].interval
    gross = Interval(
        *(
            float(geometry.gross_dies(w, h, edge_mm=e, scribe_mm=s))
            for e, s in ((edge.high, scribe.high), (edge.base, scribe.base), (edge.low, scribe.low))
        )
    )
    d0, alpha = figures[f"defects_per_cm2_{package['node']}"].interval, figures["defect_cluster_alpha"].interval
    harvest = figures["die_harvest_gain"].interval
    raw = Interval(*(geometry.negative_binomial_yield(w * h, d, alpha.base) for d in (d0.high, d0.base, d0.low)))
    yields = Interval(*(min(1.0, y) for y in ((raw * harvest).low, (raw * harvest).base, (raw * harvest).high)))
    area = geometry.interposer_area(
        float(package["interposer_reticles"]),
        geometry.reticle_area(figures["reticle_w_mm"].base, figures["reticle_h_mm"].base),
    )
    per_wafer = Interval(
        *(
            float(geometry.packages_per_wafer(area, edge_mm=e, scribe_mm=s))
            for e, s in ((edge.high, scribe.high), (edge.base, scribe.base), (edge.low, scribe.low))
        )
    )
    return {
        "compute_dies_per_accelerator": package["compute_dies"],
        "gross_dies_per_wafer": gross,
        "die_yield": yields,
        "good_dies_per_wafer": gross * yields,
        "interposer_mm2": area,
        "packages_per_cowos_wafer": per_wafer,
        "good_packages_per_cowos_wafer": per_wafer * figures["cowos_yield"].interval,
        "node": package["node"],
    }
