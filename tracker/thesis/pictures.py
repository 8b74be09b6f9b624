"""The picture of the historical analogy: growth of one dollar (H1), and gross margins against their bands (H2)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from tracker.pictures import new_figure, save
from tracker.thesis.margins import BANDS, BY_HAND


def history_picture(
    index: pl.DataFrame, symbols: tuple[str, ...], first: date, last: date, margins: pl.DataFrame, path: Path
) -> None:
    """index: (symbol, date, index) of total returns; margins: MARGINS schema."""
    figure = new_figure(8.4)
    growth, profit = figure.subplots(2, 1, height_ratios=[1.15, 1])
    _draw_growth(growth, index, symbols, first, last)
    _draw_margins(profit, margins, symbols)
    save(figure, path)


def _draw_growth(axes: Any, index: pl.DataFrame, symbols: tuple[str, ...], first: date, last: date) -> None:
    for number, symbol in enumerate(symbols):
        own = index.filter((pl.col("symbol") == symbol) & pl.col("date").is_between(first, last)).sort("date")
        if own.height > 1:
            weekly = own.gather_every(5)  # a week is finer than the picture
            axes.plot(
                weekly["date"], weekly["index"] / own["index"][0], linewidth=1.4, label=symbol, color=f"C{number}"
            )
    axes.set_yscale("log")
    axes.set_title(f"H1: one dollar, dividends put back, {first.year} to {last.year}", loc="left", fontsize=10)
    _finish(axes)


def _draw_margins(axes: Any, margins: pl.DataFrame, symbols: tuple[str, ...]) -> None:
    """A line a company in the colour it has above; hollow marks for figures entered by hand, shaded what H2 names."""
    for number, symbol in enumerate(symbols):
        own = margins.filter(pl.col("entity") == symbol).sort("year")
        if own.is_empty():
            continue
        colour = f"C{number}"
        by_hand = (own["origin"] == BY_HAND).any()
        axes.plot(
            own["year"], own["margin"], marker="o", markersize=5, linewidth=1.4, color=colour,
            markerfacecolor="white" if by_hand else colour, label=f"{symbol} (entered by hand)" if by_hand else symbol,
        )  # fmt: skip
        if symbol in BANDS:
            low, high = BANDS[symbol]
            axes.axhspan(low, min(high, 90.0), color=colour, alpha=0.12, label=f"{symbol} as H2 remembers it")
    axes.set_ylim(top=90.0)
    axes.set_title("H2: gross margin of the fiscal year, per cent", loc="left", fontsize=10)
    _finish(axes)


def _finish(axes: Any) -> None:
    axes.grid(visible=True, alpha=0.25)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, ncols=2)
