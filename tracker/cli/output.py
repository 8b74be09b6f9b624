"""Frames as tables for people, JSON and CSV for programs; progress bars for long work."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

console = Console()
errors = Console(stderr=True)


def plain(value: Any) -> Any:
    """A value JSON can carry: times as ISO 8601 in UTC, series and frames as lists."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, pl.Series):
        return value.to_list()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=plain, allow_nan=False) + "\n")


def cell(value: Any) -> str:
    """A value the way a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list):
        return ", ".join(cell(item) for item in value)
    return str(value)


def show(
    frame: pl.DataFrame,
    *,
    title: str = "",
    as_json: bool = False,
    as_csv: bool = False,
    wrap: Sequence[str] = (),
    empty: str = "nothing to show",
) -> None:
    """Print a frame: a table, or one JSON array, or CSV. `wrap` names the columns that may take several lines."""
    if as_json:
        print_json(frame.to_dicts())
        return
    if as_csv:
        nested = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
        sys.stdout.write(frame.with_columns(pl.col(nested).list.join(";")).write_csv())
        return
    if frame.is_empty():
        console.print(empty)
        return
    table = Table(title=title or None, title_justify="left", header_style="bold", expand=False)
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", no_wrap=name not in wrap)
    for row in frame.iter_rows():
        table.add_row(*(escape(cell(value)) for value in row))
    console.print(table)


def lines(rows: Iterable[Any]) -> None:
    """JSON Lines on standard output."""
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=False, default=plain) + "\n")


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error; silent when that is not a terminal or when asked."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=quiet or not errors.is_terminal,
    )
    with bar:
        yield bar
