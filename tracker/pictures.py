"""One way to draw: matplotlib without a screen, SVG or PNG by the name of the file, the same input the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tracker.errors import UsageError

_WIDTH: Final = 9.0
_SUFFIXES: Final = (".svg", ".png")


def check_name(path: Path) -> None:
    """UsageError unless the name of a picture ends in .svg or .png."""
    if path.suffix not in _SUFFIXES:
        raise UsageError(f"cannot draw into '{path}'", hint=f"the name must end in {' or '.join(_SUFFIXES)}")


def new_figure(height: float) -> Figure:
    """An empty figure of the usual width, inches high."""
    matplotlib.rcParams["svg.hashsalt"] = "tracker"  # the same input gives the same bytes
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure; UsageError for a name that is neither SVG nor PNG."""
    check_name(path)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
