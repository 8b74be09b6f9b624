"""Pictures of the hardware model, drawn by matplotlib without a screen; SVG or PNG by the name of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from tracker.hardware.derived import span_of
from tracker.hardware.scaling import LEADER, fit
from tracker.pictures import new_figure, save

_COLOURS: Final = {"domain": "#0b6e4f", "accelerator": "#8a5a00"}
_SIDES: Final = {"demand": "#8a5a00", "supply": "#0b6e4f"}
_TRAYS: Final = {"power shelf": "#c9c2b2", "compute tray": "#0b6e4f", "switch tray": "#8a5a00"}


def scaling_plot(points: pl.DataFrame, path: Path, *, metric: str = "hbm_bandwidth_tb_s", leader: str = LEADER) -> None:
    """A figure of every system over its announcement, on a logarithmic scale, with the leader's lines.

    points: as `scaling.points` gives them. The same input gives the same bytes of SVG.
    """
    figure = new_figure(5.2)
    axes = figure.add_subplot()
    for level, colour in _COLOURS.items():
        chosen = points.filter(pl.col("metric") == metric, pl.col("level") == level)
        own = chosen.filter(pl.col("vendor") == leader)
        others = chosen.filter(pl.col("vendor") != leader)
        axes.scatter(own["announced"], own["value"], color=colour, s=46, label=f"{leader}, per {level}")
        axes.scatter(
            others["announced"],
            others["value"],
            edgecolors=colour,
            facecolors="none",
            s=46,
            label=f"others, per {level}",
        )
        if level == "domain":
            for system, day, value in chosen.select("system", "announced", "value").iter_rows():
                axes.annotate(system, (day, value), fontsize=7, xytext=(4, 4), textcoords="offset points")
        line = fit(own["announced"].to_list(), own["value"].to_list())
        if line is not None:
            days = sorted(own["announced"].to_list())
            ends = [days[0], days[-1]]
            axes.plot(ends, [line.project(day)[1] for day in ends], color=colour, linewidth=1.2)
    axes.set_yscale("log")
    axes.set_ylabel(metric.replace("_", " "))
    axes.set_title(f"{metric.replace('_', ' ')}: the scale-up domain against one accelerator")
    axes.grid(visible=True, which="major", alpha=0.25)
    axes.legend(fontsize=8, loc="upper left")
    save(figure, path)


def ledger_bars(ledger: pl.DataFrame, path: Path) -> None:
    """Demand beside supply of every link by quarter, with the band of each; LEDGER_SCHEMA."""
    links = ledger["link"].unique(maintain_order=True).to_list()
    rows = (len(links) + 1) // 2
    figure = new_figure(2.3 * max(1, rows))
    grid = figure.subplots(max(1, rows), 2, squeeze=False, sharex=True)
    quarters = sorted(ledger["quarter"].unique().to_list())
    for place, link in enumerate(links):
        axes = grid[place // 2][place % 2]
        for shift, (side, colour) in zip((-0.2, 0.2), _SIDES.items(), strict=True):
            own = ledger.filter((pl.col("link") == link) & (pl.col("side") == side)).sort("quarter")
            at = [quarters.index(q) + shift for q in own["quarter"]]
            base = own["racks_base"].to_list()
            below = (own["racks_base"] - own["racks_low"]).clip(lower_bound=0).to_list()
            above = (own["racks_high"] - own["racks_base"]).clip(lower_bound=0).to_list()
            axes.bar(at, base, width=0.38, color=colour, label=side)
            axes.errorbar(at, base, yerr=[below, above], fmt="none", ecolor="#333333", elinewidth=0.8)
        axes.set_title(link.replace("_", " "), fontsize=9, loc="left")
        axes.set_xticks(range(len(quarters)), [q[2:] for q in quarters], rotation=60, fontsize=7)
        axes.tick_params(axis="y", labelsize=7)
        axes.grid(visible=True, axis="y", alpha=0.25)
    for place in range(len(links), 2 * max(1, rows)):
        grid[place // 2][place % 2].set_visible(False)
    if links:
        grid[0][0].legend(fontsize=8)
    figure.suptitle("NVL72-equivalent racks per quarter: demand beside supply", fontsize=11)
    save(figure, path)


def tornado_plot(swings: pl.DataFrame, path: Path, *, title: str) -> None:
    """What moves a gap most: one bar an input from its low to its high; `scenario.tornado` gives the frame."""
    figure = new_figure(1.4 + 0.34 * max(1, swings.height))
    axes = figure.add_subplot()
    shown = swings.reverse()
    for at, row in enumerate(shown.iter_rows(named=True)):
        for end, colour in (("at_low", _SIDES["demand"]), ("at_high", _SIDES["supply"])):
            axes.barh(at, row[end] - row["base"], left=row["base"], color=colour, height=0.7)
    axes.set_yticks(range(shown.height), shown["input"].to_list(), fontsize=8)
    if shown.height:
        axes.axvline(shown.item(0, "base"), color="#333333", linewidth=0.8)
    axes.set_xlabel("demand less supply, racks (brown: input at its low end, green: at its high end)", fontsize=8)
    axes.set_title(title, fontsize=10, loc="left")
    axes.grid(visible=True, axis="x", alpha=0.25)
    save(figure, path)


def rack_diagram(system: Mapping[str, Any], path: Path) -> None:
    """The cabinet of a system as its trays, with the counts beside it; a row of the catalogue.

    What was never published is left out and said to be so; nothing is guessed.
    """
    shelves = _stack(system)
    figure = new_figure(5.6)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    _draw_cabinet(left, shelves, system)
    right.axis("off")
    lines = _counts(system)
    for at, (name, value) in enumerate(lines):
        height = 0.95 - at * 0.9 / max(1, len(lines))
        right.text(0.0, height, name, fontsize=9, color="#555555", transform=right.transAxes, va="top")
        right.text(1.0, height, value, fontsize=9, ha="right", transform=right.transAxes, va="top")
    figure.suptitle(str(system["name"]), fontsize=12)
    save(figure, path)


def _stack(system: Mapping[str, Any]) -> list[str]:
    """Shelves of one cabinet from top to bottom: power, upper compute, switches in the middle, lower compute, power."""
    racks = max(1.0, float(system.get("racks_per_system") or 1))

    def count(name: str) -> int:
        return round(float(system.get(name) or 0) / racks)

    compute, switches, power = count("compute_trays"), count("switch_trays"), count("power_shelves")
    upper, top = (compute + 1) // 2, (power + 1) // 2
    return (
        ["power shelf"] * top
        + ["compute tray"] * upper
        + ["switch tray"] * switches
        + ["compute tray"] * (compute - upper)
        + ["power shelf"] * (power - top)
    )


def _draw_cabinet(axes: Axes, shelves: list[str], system: Mapping[str, Any]) -> None:
    axes.axis("off")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.add_patch(Rectangle((0.05, 0.02), 0.9, 0.94, fill=False, edgecolor="#333333", linewidth=1.5))
    known = shelves[:60]
    each = 0.9 / max(1, len(known))
    named: set[str] = set()
    for at, shelf in enumerate(known):
        bottom = 0.94 - (at + 1) * each
        axes.add_patch(Rectangle((0.09, bottom), 0.82, each * 0.82, color=_TRAYS[shelf]))
        if shelf not in named:
            label = f"{shelf} x {shelves.count(shelf)}"
            axes.text(0.5, bottom + each * 0.4, label, color="white", fontsize=8, ha="center", va="center")
            named.add(shelf)
    if not known:
        axes.text(0.5, 0.5, "trays not published", fontsize=9, ha="center", color="#555555")
    racks = system.get("racks_per_system")
    if racks and racks > 1:
        axes.text(0.5, -0.03, f"one of {racks:,.0f} cabinets", fontsize=9, ha="center")


def _counts(system: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The figures beside the diagram; an interval as low - high."""
    wanted = {
        "accelerators": "accelerators", "dies": "accelerator dies", "cpus": "CPUs", "switch_asics": "switch chips",
        "scale_up_domain_size": "scale-up domain", "scale_up_aggregate_tb_s": "scale-up bandwidth, TB/s",
        "scale_up_medium": "scale-up medium", "copper_cables": "copper cables", "optical_modules": "optical modules",
        "hbm_total_tb": "HBM, TB", "hbm_bw_total_tb_s": "HBM bandwidth, TB/s", "dense_fp8_pflops": "dense FP8, PFLOPS",
        "rack_power_kw": "power, kW", "cooling": "cooling", "weight_kg": "weight, kg", "price_usd_m": "price, USD million",
    }  # fmt: skip
    lines = []
    for field, name in wanted.items():
        value = system.get(field)
        if value is None:
            continue
        interval = span_of(value)
        if interval is None:
            if isinstance(value, str):
                lines.append((name, value if len(value) <= 34 else f"{value[:33]}…"))
            continue
        ends = f"{interval.base:,.4g}"
        if interval.low < interval.high:
            ends += f"  ({interval.low:,.4g} - {interval.high:,.4g})"
        lines.append((name, ends))
    return lines
