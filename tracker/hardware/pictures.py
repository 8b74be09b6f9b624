"""Pictures of the hardware model, drawn by matplotlib without a screen; SVG or PNG by the name of the file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from tracker.hardware.rack_picture import BROWN, GREEN, INK, QUIET, rack_diagram
from tracker.hardware.scaling import CONFIDENCE, LEADER, Fit, fit
from tracker.pictures import new_figure, save

__all__ = ["ledger_bars", "rack_diagram", "scaling_plot", "tornado_plot"]

_COLOURS: Final = {"domain": GREEN, "accelerator": BROWN}
_NEAR_DAYS: Final = 400  # two names side by side need as much
_SIDES: Final = {"demand": BROWN, "supply": GREEN}
_LINKS: Final = {
    "racks": "Racks shipped (an outcome)", "assembly": "Rack assembly", "cowos": "CoWoS packaging", "hbm": "HBM",
    "substrate": "Substrates", "power": "Power online", "liquid_cooling": "Liquid cooling",
}  # fmt: skip
_METRICS: Final = {
    "domain_size": "accelerators in one scale-up domain", "scale_up_bandwidth_tb_s": "scale-up bandwidth, TB/s",
    "hbm_tb": "HBM, TB", "hbm_bandwidth_tb_s": "HBM bandwidth, TB/s", "dense_fp8_pflops": "dense FP8, PFLOPS",
    "power_kw": "power, kW", "price_usd": "price, USD",
}  # fmt: skip
_NAMES: Final = {  # short enough to stand beside a point
    "dgx_a100": "A100 x8", "dgx_h100": "H100 x8", "dgx_b200": "B200 x8", "gb200_nvl72": "GB200 NVL72",
    "gb300_nvl72": "GB300 NVL72", "vr_nvl72": "Vera Rubin NVL72", "kyber_nvl576": "Kyber", "mi355x_8": "MI355X x8",
    "helios": "Helios", "cloudmatrix384": "CloudMatrix 384", "atlas950": "Atlas 950", "atlas960": "Atlas 960",
    "trn2_ultraserver": "Trn2", "trn3_ultraserver": "Trn3", "tpu_v5p_pod": "TPU v5p", "tpu_ironwood_pod": "Ironwood",
    "maia200": "Maia 200",
}  # fmt: skip


def _titled(figure: Figure, title: str, below: str) -> None:
    figure.suptitle(f"{title}\n ", fontsize=13, fontweight="bold", color=INK, x=0.01, ha="left")
    inch = 1 / figure.get_figheight()  # the same distance from the title whatever the height
    figure.text(0.01, 1 - 0.3 * inch, below, fontsize=9, color=QUIET, ha="left", va="top")


def _quiet(axes: Axes, grid: str) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#b9c0bc")
    axes.tick_params(colors=QUIET, labelsize=8)
    axes.grid(visible=True, axis=grid, alpha=0.25)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def scaling_plot(points: pl.DataFrame, path: Path, *, metric: str = "hbm_bandwidth_tb_s", leader: str = LEADER) -> None:
    """A figure of every system over its first volume shipment, logarithmic, with the leader's lines and their bands.

    points: as `scaling.points` gives them. The same input gives the same bytes of SVG.
    """
    figure = new_figure(6.0)
    axes = figure.add_subplot()
    shown = points.filter((pl.col("metric") == metric) & pl.col("shipped").is_not_null())
    for level, colour in _COLOURS.items():
        chosen = shown.filter(pl.col("level") == level)
        own = chosen.filter((pl.col("vendor") == leader) & pl.col("generation"))
        others = chosen.filter((pl.col("vendor") != leader) | ~pl.col("generation"))
        line = fit(own["shipped"].to_list(), own["value"].to_list())
        told = f"{leader}, one {level}"
        if line is not None and line.slope > 0:
            _line(axes, line, own, colour)
            months, low, high = line.doubling_months()
            ends = " to ".join(f"{x:.0f}" if x is not None else "never" for x in (low, high))
            told = f"{leader}, one {level}: doubles in {months:.0f} months ({ends})"
        axes.scatter(others["shipped"], others["value"], edgecolors=colour, facecolors="white", s=34, alpha=0.75,
                     label=f"others, one {level}")  # fmt: skip
        solid, hollow = (own.filter(pl.col("planned") == p) for p in (False, True))
        axes.scatter(solid["shipped"], solid["value"], color=colour, s=58, zorder=3, label=told)
        axes.scatter(hollow["shipped"], hollow["value"], edgecolors=colour, facecolors="white", linewidths=2, s=58,
                     zorder=3)  # fmt: skip
        if level == "domain":
            _name_points(axes, chosen.filter(pl.col("generation")))
    axes.set_yscale("log")
    axes.margins(x=0.12)
    _quiet(axes, "both")
    axes.set_xlabel("first volume shipment (hollow: still to come)", fontsize=9, color=QUIET)
    axes.legend(fontsize=8.5, loc="upper left", frameon=False)
    what = _METRICS.get(metric, metric.replace("_", " "))
    _titled(figure, f"System-level scaling: {what}",
            f"One scale-up domain against one accelerator, a point a generation, {CONFIDENCE:.0%} band of a new one")  # fmt: skip
    save(figure, path)


def _line(axes: Axes, line: Fit, own: pl.DataFrame, colour: str) -> None:
    days = sorted(own["shipped"].to_list())
    first, last = days[0], days[-1] + timedelta(days=180)
    along = [first + (last - first) * i / 40 for i in range(41)]
    bands = [line.project(day) for day in along]
    axes.plot(along, [b[1] for b in bands], color=colour, linewidth=1.6)
    axes.fill_between(along, [b[0] for b in bands], [b[2] for b in bands], color=colour, alpha=0.08, linewidth=0)


def _name_points(axes: Axes, rows: pl.DataFrame) -> None:
    """Names beside the points: to the left where another follows soon, below where one stands higher on the same day."""
    places = rows.sort("shipped", "value").select("system", "shipped", "value").rows()
    for i, (system, day, value) in enumerate(places):
        later = [(d, v) for _, d, v in places[i + 1 :] if (d - day).days < _NEAR_DAYS and 0.4 < v / value < 2.5]
        below = any(d == day for d, _ in later)
        left = bool(later) and not below
        axes.annotate(_NAMES.get(system, system), (day, value), fontsize=8, color=INK, textcoords="offset points",
                      xytext=(-7 if left else 7, -12 if below else 5), ha="right" if left else "left")  # fmt: skip


def ledger_bars(ledger: pl.DataFrame, path: Path) -> None:
    """Demand beside supply of every link by quarter, each bar with its band; LEDGER_SCHEMA.

    A link without limit of its own comes last. Bands end at the top of the picture when they reach beyond it.
    """
    links = [n for n in _LINKS if n != "racks" and n in set(ledger["link"])]
    links += sorted(set(ledger["link"]) - set(_LINKS)) + [n for n in ("racks",) if n in set(ledger["link"])]
    rows = max(1, (len(links) + 1) // 2)
    figure = new_figure(1.1 + 1.9 * rows)
    grid = figure.subplots(rows, 2, squeeze=False, sharex=True)
    both = ledger.group_by("quarter").agg(pl.col("side").n_unique())
    quarters = sorted(both.filter(pl.col("side") == 2)["quarter"].to_list())
    shown = ledger.filter(pl.col("quarter").is_in(quarters))
    for place, link in enumerate(links):
        _link_bars(grid[place // 2][place % 2], shown.filter(pl.col("link") == link), quarters, link)
    for place in range(len(links), 2 * rows):
        grid[place // 2][place % 2].set_visible(False)
    if links:
        handles = [Patch(color=colour, label=side) for side, colour in _SIDES.items()]
        handles.append(Patch(color=INK, alpha=0.55, label="low to high"))
        figure.legend(handles=handles, fontsize=9, loc="upper right", ncols=3, frameon=False)
    _titled(figure, "Demand beside supply", "thousand NVL72-equivalent racks a quarter, link by link")
    save(figure, path)


def _link_bars(axes: Axes, own: pl.DataFrame, quarters: list[str], link: str) -> None:
    for shift, (side, colour) in zip((-0.2, 0.2), _SIDES.items(), strict=True):
        rows = own.filter(pl.col("side") == side).sort("quarter")
        at = [quarters.index(q) + shift for q in rows["quarter"]]
        low, base, high = ((rows[f"racks_{e}"] / 1000).to_list() for e in ("low", "base", "high"))
        axes.bar(at, base, width=0.36, color=colour, alpha=0.85)
        band = [h - lo for lo, h in zip(low, high, strict=True)]
        axes.bar(at, band, bottom=low, width=0.07, color=INK, alpha=0.55, linewidth=0)
    top = 1.7 * float(own["racks_base"].max() or 1) / 1000  # type: ignore[arg-type]
    axes.set_ylim(0, top)
    axes.set_title(_LINKS.get(link, link.replace("_", " ")), fontsize=9.5, loc="left", color=INK, fontweight="bold")
    axes.set_xticks(range(len(quarters)), [f"{q[6:]}\n{q[2:6]}" if q[7] == "1" else q[6:] for q in quarters])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(axis="x", length=0)
    axes.tick_params(labelbottom=True)
    _quiet(axes, "y")


def tornado_plot(swings: pl.DataFrame, path: Path, *, title: str) -> None:
    """What moves a gap most: one bar an input from its low to its high; `scenario.tornado` gives the frame."""
    figure = new_figure(1.9 + 0.36 * max(1, swings.height))
    axes = figure.add_subplot()
    shown = swings.reverse()
    for at, row in enumerate(shown.iter_rows(named=True)):
        for end, colour in (("at_low", BROWN), ("at_high", GREEN)):
            axes.barh(at, row[end] - row["base"], left=row["base"], color=colour, height=0.66)
    axes.set_yticks(range(shown.height), [_input_name(name) for name in shown["input"]])
    if shown.height:
        base = shown.item(0, "base")
        axes.axvline(base, color=INK, linewidth=1)
        axes.annotate(f"{base:+,.0f}", (base, shown.height - 0.4), fontsize=8, color=INK, ha="center")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,.0f}"))
    _quiet(axes, "x")
    axes.set_xlabel("demand less supply, racks", fontsize=9, color=QUIET)
    handles = [Patch(color=BROWN, label="input at its low end"), Patch(color=GREEN, label="at its high end")]
    axes.legend(handles=handles, fontsize=8.5, loc="lower right", frameon=False)
    _titled(figure, title, "How far the gap swings when one input moves and the others stay")
    save(figure, path)


def _input_name(name: str) -> str:
    """`ledger:ai_share_of_new_power` as a reader would say it."""
    kind, _, key = name.partition(":")
    return f"{key.replace('_', ' ').replace(':', ' ')} ({kind})" if key else name
