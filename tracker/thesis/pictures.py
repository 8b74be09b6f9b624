"""The picture of the historical analogy: growth of one dollar on a logarithmic scale."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from tracker.pictures import new_figure, save


def growth_picture(index: pl.DataFrame, symbols: tuple[str, ...], first: date, last: date, path: Path) -> None:
    """index: (symbol, date, index) of total returns."""
    figure = new_figure(4.6)
    axes = figure.add_subplot()
    for symbol in symbols:
        own = index.filter((pl.col("symbol") == symbol) & pl.col("date").is_between(first, last)).sort("date")
        if own.height > 1:
            weekly = own.gather_every(5)  # a week is finer than the picture
            axes.plot(weekly["date"], weekly["index"] / own["index"][0], linewidth=1.4, label=symbol)
    axes.set_yscale("log")
    axes.set_title(f"One dollar, dividends put back, {first.year} to {last.year}", loc="left", fontsize=10)
    axes.grid(visible=True, alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=9)
    save(figure, path)
