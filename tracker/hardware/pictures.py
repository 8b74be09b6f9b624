"""Pictures of the hardware model, drawn by matplotlib without a screen; SVG or PNG by the name of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import matplotlib
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tracker.hardware.scaling import LEADER, fit

_WIDTH: Final = 9.0
_COLOURS: Final = {"domain": "#0b6e4f", "accelerator": "#8a5a00"}


def scaling_plot(points: pl.DataFrame, path: Path, *, metric: str = "hbm_bandwidth_tb_s", leader: str = LEADER) -> None:
    """A figure of every system over its announcement, on a logarithmic scale, with the leader's lines.

    points: as `scaling.points` gives them. The same input gives the same bytes of SVG.
    """
    matplotlib.rcParams["svg.hashsalt"] = "tracker"
    figure = Figure(figsize=(_WIDTH, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
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
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
