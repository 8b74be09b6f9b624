"""Pictures of the pages: SVG by matplotlib, in tones that stand on a light as on a dark page."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Final

import matplotlib
import polars as pl
from matplotlib.figure import Figure

from tracker.hardware.pictures import ledger_bars

_TONE: Final = "#7a8691"
_LINE: Final = "#2f8f6b"


def conviction_svg(history: pl.DataFrame) -> str:
    """Probability over time as steps: it holds until new evidence comes. history: (as_of, probability)."""
    matplotlib.rcParams["svg.hashsalt"] = "tracker"
    figure = Figure(figsize=(8.4, 2.6), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    if history.height:
        axes.step(history["as_of"].to_list(), (history["probability"] * 100).to_list(), where="post", color=_LINE)
    axes.set_ylabel("%", color=_TONE)
    axes.tick_params(colors=_TONE, labelsize=8)
    axes.grid(visible=True, color=_TONE, alpha=0.25)
    for spine in axes.spines.values():
        spine.set_color(_TONE)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def ledger_svg(ledger: pl.DataFrame) -> str:
    """Demand beside supply of every link by quarter (LEDGER schema)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.svg"
        ledger_bars(ledger, path)
        return path.read_text(encoding="utf-8")
