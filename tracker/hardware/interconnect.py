"""What joins accelerators: reach, energy and cost by medium, the size of domain copper can hold, and what closeness buys.

Three questions of the thesis get a number here: does bandwidth inside the rack outgrow that outside (R2), how long copper
holds at the next lane rate (S3), and what optics would cost in its place (S4). Figures: `rules/hardware/interconnect.yaml`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tracker.errors import RuleError
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval, as_interval
from tracker.hardware.ledger_rules import check_schema
from tracker.resources import data_dir
from tracker.yaml_files import YamlFile, load

MEDIA_SCHEMA: Final = {
    "medium": pl.String(), "name": pl.String(), "copper": pl.Boolean(), "lane": pl.Float64(),
    **{f"reach_m_{e}": pl.Float64() for e in ("low", "base", "high")},
    **{f"pj_per_bit_{e}": pl.Float64() for e in ("low", "base", "high")},
    **{f"usd_per_gbit_s_{e}": pl.Float64() for e in ("low", "base", "high")},
}  # fmt: skip
STEP_SCHEMA: Final = {
    "workload": pl.String(), "domain": pl.Int64(), "ms_low": pl.Float64(), "ms_base": pl.Float64(),
    "ms_high": pl.Float64(), "inside_share": pl.Float64(), "speedup": pl.Float64(),
}  # fmt: skip
DOMAINS: Final = (8, 16, 32, 64, 72, 144, 576)


@dataclass(frozen=True)
class Workload:
    """Traffic of one step: `layers` collectives of `bytes_per_rank` over `ranks` accelerators."""

    id: str
    name: str
    collective: str
    ranks: int
    layers: int
    bytes_per_rank: Interval


@dataclass(frozen=True)
class Interconnect:
    """Media by lane rate (MEDIA_SCHEMA), rack geometry, latencies and workloads; nothing changes after loading."""

    media: pl.DataFrame
    lanes: tuple[float, ...]
    rack: Mapping[str, Interval]
    latency: Mapping[str, Interval]
    workloads: Mapping[str, Workload]

    def reach(self, medium: str, lane: float) -> Interval | None:
        """Metres a medium carries at a lane rate of Gbit/s; None where it was never built."""
        row = self.media.filter((pl.col("medium") == medium) & (pl.col("lane") == lane))
        if row.is_empty() or row.item(0, "reach_m_base") is None:
            return None
        return Interval(*(row.item(0, f"reach_m_{e}") for e in ("low", "base", "high")))

    def each(self, medium: str, figure: str) -> Interval:
        """`pj_per_bit` or `usd_per_gbit_s` of a medium. RuleError names the media there are."""
        row = self.media.filter(pl.col("medium") == medium)
        if row.is_empty():
            known = ", ".join(self.media["medium"].unique(maintain_order=True))
            raise RuleError(f"unknown medium '{medium}'", hint=f"known: {known}")
        return Interval(*(row.item(0, f"{figure}_{e}") for e in ("low", "base", "high")))


def load_interconnect(path: Path | None = None) -> Interconnect:
    """Read and check interconnect.yaml (the built-in one by default). RuleError names file:line."""
    file = load(path or data_dir("rules") / "hardware" / "interconnect.yaml")
    check_schema(file, "interconnect")
    problems = list(_problems(file))
    if problems:
        raise RuleError("; ".join(problems), where=str(file.path), hint="mend the lines named")
    data = file.data
    return Interconnect(
        media=_media(data),
        lanes=tuple(float(x) for x in data["lane_rates"]),
        rack={r["id"]: _interval(r) for r in data["rack"]},
        latency={r["id"]: _interval(r) for r in data["latency"]},
        workloads={
            w["id"]: Workload(w["id"], w["name"], w["collective"], w["ranks"], w["layers"],
                              _interval(w["megabytes_per_rank"]) * 1e6)
            for w in data["workloads"]
        },
    )  # fmt: skip


def _interval(row: Mapping[str, Any]) -> Interval:
    return Interval(float(row["low"]), float(row["base"]), float(row["high"]))


def _problems(file: YamlFile) -> Iterator[str]:
    known = {m["id"] for m in file.data["media"]}
    for part in ("reach_m", "pj_per_bit", "usd_per_gbit_s", "rack", "latency"):
        seen: set[tuple[Any, ...]] = set()
        for i, row in enumerate(file.data[part]):
            where = file.where(part, i)
            if not row["low"] <= row["base"] <= row["high"]:
                yield f"{where}: low <= base <= high does not hold"
            if "medium" in row and row["medium"] not in known:
                yield f"{where}: unknown medium '{row['medium']}'"
            if "lane" in row and row["lane"] not in file.data["lane_rates"]:
                yield f"{where}: {row['lane']} is not one of lane_rates"
            key = (row.get("id"), row.get("medium"), row.get("lane"))
            if key in seen:
                yield f"{where}: stands twice"
            seen.add(key)
    for part in ("pj_per_bit", "usd_per_gbit_s"):
        for medium in sorted(known - {row["medium"] for row in file.data[part]}):
            yield f"{file.where(part)}: {medium} has no {part}"


def _media(data: Mapping[str, Any]) -> pl.DataFrame:
    reach = {(r["medium"], float(r["lane"])): r for r in data["reach_m"]}
    each = {(part, r["medium"]): r for part in ("pj_per_bit", "usd_per_gbit_s") for r in data[part]}
    rows = []
    for medium in data["media"]:
        for lane in data["lane_rates"]:
            row: dict[str, Any] = {"medium": medium["id"], "name": medium["name"], "copper": medium["copper"]}
            row["lane"] = float(lane)
            found = reach.get((medium["id"], float(lane)), {})
            row |= {f"reach_m_{e}": found.get(e) for e in ("low", "base", "high")}
            for part in ("pj_per_bit", "usd_per_gbit_s"):
                row |= {f"{part}_{e}": each[part, medium["id"]][e] for e in ("low", "base", "high")}
            rows.append(row)
    return pl.DataFrame(rows, schema=MEDIA_SCHEMA)


def domain_within(reach: Interval, rack: Mapping[str, Interval]) -> Interval:
    """Accelerators that cables of a reach can join to switches in the middle of one rack.

    The reach less the way sideways is half the height that can be served, at most the height of the rack.
    """
    return Interval(
        *(
            _domain(length, sideways, units, rack["unit_height_m"].base, share, each)
            for length, sideways, units, share, each in zip(
                _ends(reach), reversed(_ends(rack["sideways_m"])), _ends(rack["rack_units"]),
                _ends(rack["compute_share_of_units"]), _ends(rack["accelerators_per_compute_unit"]), strict=True,
            )
        )
    )  # fmt: skip


def _ends(value: Interval) -> tuple[float, float, float]:
    return value.low, value.base, value.high


def _domain(length: float, sideways: float, units: float, height: float, share: float, each: float) -> float:
    served = min(units, 2 * max(0.0, length - sideways) / height)
    return math.floor(served * share) * each


def copper_boundary(net: Interconnect) -> pl.DataFrame:
    """(lane, medium, reach_m_*, domain_*): what each copper medium can join in one rack at each lane rate."""
    rows = []
    for medium in net.media.filter("copper")["medium"].unique(maintain_order=True):
        for lane in net.lanes:
            reach = net.reach(medium, lane)
            if reach is None:
                continue
            domain = domain_within(reach, net.rack)
            rows.append(
                {"lane": lane, "medium": medium}
                | {f"reach_m_{e}": getattr(reach, e) for e in ("low", "base", "high")}
                | {f"domain_{e}": getattr(domain, e) for e in ("low", "base", "high")}
            )
    return pl.DataFrame(rows).sort("lane", "medium", maintain_order=True)


def step_ms(
    work: Workload, domain: int, *, inside_gb_s: float, outside_gb_s: float, latency: Mapping[str, Interval]
) -> Interval:
    """Milliseconds of a workload's collectives in a step, alpha-beta, for a scale-up domain of a size.

    inside_gb_s, outside_gb_s: one direction of one accelerator's port in GB/s. Traffic inside and outside flows at the
    same time; the slower part counts. The low end has the low latency, high efficiency and little traffic.
    """
    ends = zip(
        _ends(work.bytes_per_rank), _ends(latency["scale_up_us"]), _ends(latency["scale_out_us"]),
        reversed(_ends(latency["efficiency"])), strict=True,
    )  # fmt: skip
    model = _all_to_all if work.collective == "all_to_all" else _all_reduce
    inside = min(domain, work.ranks)
    return Interval(
        *(
            1e3 * work.layers * model(size, inside, work.ranks, up * 1e-6, out * 1e-6,
                                      inside_gb_s * 1e9 * share, outside_gb_s * 1e9 * share)
            for size, up, out, share in ends
        )
    )  # fmt: skip


def _all_to_all(size: float, inside: int, ranks: int, up: float, out: float, fast: float, slow: float) -> float:
    """Each rank keeps 1/ranks, sends (inside-1)/ranks over scale-up and the rest over scale-out."""
    near = up + size * (inside - 1) / ranks / fast if inside > 1 else 0.0
    far = out + size * (ranks - inside) / ranks / slow if ranks > inside else 0.0
    return max(near, far)


def _all_reduce(size: float, inside: int, ranks: int, up: float, out: float, fast: float, slow: float) -> float:
    """Reduce-scatter inside, all-reduce of the shard between domains, all-gather inside; latency as in a tree."""
    groups = ranks / inside
    near = 2 * (size * (inside - 1) / inside / fast + up * math.ceil(math.log2(inside))) if inside > 1 else 0.0
    far = 2 * (size / inside * (groups - 1) / groups / slow + out * math.ceil(math.log2(groups))) if groups > 1 else 0.0
    return near + far


def step_times(net: Interconnect, catalogue: Catalogue, system: str) -> pl.DataFrame:
    """STEP_SCHEMA of every workload over sizes of domain, with the ports of a system; `speedup` is against eight."""
    row = catalogue.system(system)
    up, sideways = row.get("scale_up_gbytes_per_s_per_accelerator"), row.get("scale_out_gbit_s_per_accelerator")
    if not up or not sideways:
        return pl.DataFrame(schema=STEP_SCHEMA)
    rows = []
    for work in net.workloads.values():
        # scale-up is published in both directions, scale-out in one
        times = {
            size: step_ms(work, size, inside_gb_s=up / 2, outside_gb_s=sideways / 8, latency=net.latency)
            for size in DOMAINS
        }
        for size, taken in times.items():
            rows.append(
                {
                    "workload": work.id, "domain": size, "ms_low": taken.low, "ms_base": taken.base,
                    "ms_high": taken.high, "inside_share": (min(size, work.ranks) - 1) / (work.ranks - 1),
                    "speedup": times[DOMAINS[0]].base / taken.base,
                }
            )  # fmt: skip
    return pl.DataFrame(rows, schema=STEP_SCHEMA)


def ratios(catalogue: Catalogue) -> pl.DataFrame:
    """(system, vendor, announced, scale_up_gbit_s, scale_out_gbit_s, ratio): one direction of one accelerator's ports."""
    rows = [
        {
            "system": s, "vendor": row["vendor"], "announced": row["announced"],
            "scale_up_gbit_s": row["scale_up_gbytes_per_s_per_accelerator"] * 4.0,
            "scale_out_gbit_s": float(row["scale_out_gbit_s_per_accelerator"]),
            "ratio": row["scale_up_to_scale_out_ratio"],
        }
        for s, row in catalogue.raw.items()
        if row.get("scale_up_to_scale_out_ratio") is not None
    ]  # fmt: skip
    schema = {
        "system": pl.String, "vendor": pl.String, "announced": pl.String, "scale_up_gbit_s": pl.Float64,
        "scale_out_gbit_s": pl.Float64, "ratio": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema).sort("announced", "system")


def fabric(net: Interconnect, catalogue: Catalogue, system: str) -> pl.DataFrame:
    """(medium, kw_*, share_of_power, usd_*, share_of_price): the scale-up links of a system if they were of each medium.

    The links from the accelerators to the switches, whose bits are counted one way, as energy and cost are.
    """
    row = catalogue.system(system)
    total = row.get("scale_up_aggregate_tb_s")
    if not total:
        raise RuleError(f"{system} has no scale-up bandwidth in the catalogue", hint="tracker model show lists them")
    gbit = as_interval(float(total) * 1000 * 8 / 2)
    power, price = catalogue.field(catalogue.resolve(system), "rack_power_kw"), row.get("price_usd")
    rows = []
    for medium in net.media["medium"].unique(maintain_order=True):
        kw = gbit * net.each(medium, "pj_per_bit") * 1e-6  # Gbit/s x pJ/bit = mW
        usd = gbit * net.each(medium, "usd_per_gbit_s")
        rows.append(
            {"medium": medium}
            | {f"kw_{e}": getattr(kw, e) for e in ("low", "base", "high")}
            | {"share_of_power": kw.base / power.base if power and power.base else None}
            | {f"usd_{e}": getattr(usd, e) for e in ("low", "base", "high")}
            | {"share_of_price": usd.base / price.base if price and price.base else None}
        )
    return pl.DataFrame(rows, infer_schema_length=None)
