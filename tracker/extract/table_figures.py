"""A row of a table in its columns -> facts: value and unit, period, basis, direction, growth of columns of change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from tracker.extract.lexicon import Lexicon
from tracker.extract.quantities import find_quantities
from tracker.extract.reading import Document
from tracker.extract.table_columns import Column
from tracker.extract.table_lines import Cell, Line
from tracker.extract.table_metrics import FLOWS, Metric
from tracker.extract.table_units import Unit
from tracker.vocabulary import MAX_QUOTE_CHARS

TABLE_VERSION: Final = "tables-1"
PART: Final = "_part"  # key of a row's part of revenue, for whoever names its product
_COMPARISON: Final = timedelta(days=400)  # a table tells the year before; what is older is history
_NEVER: Final = date.min
_SIGNS: Final = (("NT$", "TWD"), ("HK$", "HKD"), ("RMB", "CNY"), ("€", "EUR"), ("₩", "KRW"), ("£", "GBP"))


def row_facts(
    line: Line,
    metric: Metric,
    cells: list[tuple[Cell, Column]],
    unit: Unit | None,
    part: str | None,
    document: Document,
    lexicon: Lexicon,
) -> Iterator[dict[str, Any]]:
    """Facts of a row, one a column that is not history (FACTS fields without id, and `PART`).

    unit: of amounts of money, None where none is stated (then they are no facts). part: the part of revenue a row is
    about, None for a whole company.
    """
    newest = max((column.end for _, column in cells if column.end is not None), default=None)
    for index, (cell, column) in enumerate(cells):
        if newest is not None and column.end is not None and newest - column.end > _COMPARISON:
            continue
        figure = _figure(index, metric, cells, unit, document, lexicon)
        if figure is None:
            continue
        quote = _quote(line, cell)
        if quote is None:
            continue
        start, text = quote
        yield {
            "doc_id": document.doc_id,
            "kind": metric.kind,
            "entity": document.issuer,
            "counterparty": None,
            "product": None,
            **figure,
            "quote": text,
            "start": start,
            "end": start + len(text),
            PART: part,
            "extractor": "table",
            "extractor_version": TABLE_VERSION,
        }


def _figure(
    index: int,
    metric: Metric,
    cells: list[tuple[Cell, Column]],
    unit: Unit | None,
    document: Document,
    lexicon: Lexicon,
) -> dict[str, Any] | None:
    """Value, unit, period, basis and direction of a cell, or None where it is no fact."""
    cell, column = cells[index]
    if column.growth is not None:
        return _growth(cell, column, metric, cells)
    if column.period is None or (column.months == 0) == (metric.kind in FLOWS):
        return None
    basis = "actual"
    if column.outlook or (column.end is not None and column.end > document.published + timedelta(days=5)):
        basis = "guidance"
    about: dict[str, Any] = {"period": column.period, "basis": basis, "direction": "none"}
    if cell.value is None:
        return None if cell.nil else _stated(cell, metric, about, lexicon, document)
    about["direction"] = _direction(index, cells, outflow=metric.kind == "capex")
    if metric.ratio:
        if not (cell.percent or (metric.stated_ratio and abs(cell.value) <= 100)):
            return None
        return {"value_low": cell.value, "value_high": cell.high or cell.value, "unit": "pct", "currency": None} | about
    if cell.percent or cell.points or unit is None:
        return None
    low, high = cell.value * unit.scale, (cell.high or cell.value) * unit.scale
    if metric.kind == "capex":
        low, high = abs(low), abs(high)
    currency = unit.currency or _sign_currency(cell.text) or lexicon.currencies.get(document.issuer or "") or "USD"
    return {"value_low": low, "value_high": high, "unit": "money", "currency": currency} | about


def _stated(
    cell: Cell, metric: Metric, about: dict[str, Any], lexicon: Lexicon, document: Document
) -> dict[str, Any] | None:
    """A figure in words of its own: "$54.0 billion, plus or minus 2%"."""
    found = find_quantities(cell.text, currency=lexicon.currencies.get(document.issuer or ""))
    if len(found) != 1 or found[0].unit != ("pct" if metric.ratio else "money"):
        return None
    q = found[0]
    return {"value_low": q.low, "value_high": q.high, "unit": q.unit, "currency": q.currency} | about


def _growth(cell: Cell, column: Column, metric: Metric, cells: list[tuple[Cell, Column]]) -> dict[str, Any] | None:
    """A column of change: growth of the newest period left of it, in per cent, or in points for a ratio."""
    if cell.value is None or not (cell.points if metric.ratio else cell.percent) or metric.kind not in FLOWS:
        return None
    at = next(i for i, (c, _) in enumerate(cells) if c is cell)
    before = [c for _, c in cells[:at] if c.growth is None and c.end is not None]
    if column.growth == "change":
        before = before[-2:]
    if not before:
        return None
    newest = max(before, key=lambda c: (c.end or _NEVER, -c.months))
    unit = column.growth
    if unit == "change":
        apart = [abs((newest.end - c.end).days) for c in before if c is not newest and newest.end and c.end]
        unit = "pct_yoy" if apart and 350 <= apart[0] <= 380 else None
    if unit is None or newest.period is None:
        return None
    direction = "up" if cell.value > 0 else "down" if cell.value < 0 else "flat"
    return {
        "value_low": cell.value, "value_high": cell.value, "unit": "pct_pt" if metric.ratio else unit, "currency": None,
        "period": newest.period, "basis": "actual", "direction": direction,
    }  # fmt: skip


def _direction(index: int, cells: list[tuple[Cell, Column]], *, outflow: bool) -> str:
    """Change of the newest column against the same span a year before, or else the column it is shown beside."""
    cell, column = cells[index]
    others = [
        (c, o)
        for c, o in cells
        if o.growth is None and o.months == column.months and o.end is not None and c.value is not None
    ]
    if column.end is None or cell.value is None or any(o.end > column.end for _, o in others if o.end):
        return "none"
    ago = [c for c, o in others if o.end is not None and 350 <= (column.end - o.end).days <= 380]
    beside = ago or [c for c, o in others if o.end is not None and o.end < column.end][:1]
    if not beside or beside[0].value is None:
        return "none"
    change, base = cell.value - beside[0].value, abs(beside[0].value)
    if outflow:  # money paid stands in brackets: more of it is a larger negative number
        change = abs(cell.value) - base
    return "flat" if abs(change) < 0.005 * base else "up" if change > 0 else "down"


def _quote(line: Line, cell: Cell) -> tuple[int, str] | None:
    """(offset, text) of the row up to the end of the cell; the whole row where it fits."""
    last = max(line.cells[-1].end, cell.end) - line.start
    first = line.cells[0].start - line.start
    if last - first > MAX_QUOTE_CHARS:
        last = cell.end - line.start
    return (line.start + first, line.text[first:last]) if last - first <= MAX_QUOTE_CHARS else None


def _sign_currency(text: str) -> str | None:
    return next((code for sign, code in _SIGNS if sign in text), None)
