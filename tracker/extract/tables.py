"""Earnings, guidance and segment tables in a document's text -> facts, and the text without them.

One pass over the lines of a document: lines above rows make the header (periods, scale, currency), rows are read in its
columns, and a row whose figures do not fit the header is left alone. A part of revenue is what adds up to a total, in
every column. The quote of a fact is its row; the figure of the cell stands in it, its scale in the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from tracker.extract.lexicon import Lexicon, fold
from tracker.extract.periods import find_periods
from tracker.extract.quantities import find_quantities
from tracker.extract.reading import Document, mentions_of, prepared, term_hits
from tracker.extract.table_columns import MAX_HEADER, UNITS, Column, Unit, columns, is_header, unit_of
from tracker.extract.table_lines import Cell, Line, lines
from tracker.extract.table_metrics import FLOWS, Metric, bare_name, metric_of
from tracker.vocabulary import MAX_QUOTE_CHARS

TABLE_VERSION: Final = "table-1"
# A document that has neither cells nor a stated unit holds no table worth a walk over its lines.
_MAY_HOLD: Final = r"\|.*\d|\t|(?i:\(in (?:thousands|millions|billions))|[单單]位\s?[:：]|[(（].{0,8}[千仟万萬亿億]元"
_BREAK: Final = 7  # lines that are no rows: the table has ended
_COMPARISON: Final = timedelta(days=400)  # a table tells the year before; what is older is history
_MAX_PARTS: Final = 12
_OUTLOOK_LINE: Final = re.compile(r"outlook|guidance|指引|展望", re.IGNORECASE)
_NEVER: Final = date.min
# What is put between parts and total without being anybody's sales.
_NO_PART: Final = re.compile(r"hedg|eliminat|intersegment|reconcil|抵销|抵消|抵銷|对冲", re.IGNORECASE)
_SALES: Final = re.compile(r"revenue|sales|operations|gaap|margin|expenses|收入|营收|營收", re.IGNORECASE)


@dataclass(slots=True)
class Table:
    """What is known while walking down a table."""

    header: list[str] = field(default_factory=list)
    unit: Unit | None = None
    stated: int = -1_000  # line the unit was stated on
    fresh: bool = True  # no row since the header
    idle: int = 0
    parts: list[tuple[Line, list[float]]] = field(default_factory=list)  # rows that may add up to revenue
    section: str = ""  # a heading right above: the row behind it is about that part only
    part: str | None = None  # the part the rows are about
    read: dict[int, list[Column] | None] = field(default_factory=dict)  # columns by how many figures a row has


def has_table(text: pl.Expr) -> pl.Expr:
    """Whether a text may hold a table: a cheap look over whole columns."""
    return text.str.contains(_MAY_HOLD)


def read_tables(documents: pl.DataFrame, lexicon: Lexicon) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """Rows of facts (FACTS fields without id), and the documents with their table rows blanked.

    documents: at least doc_id and text. Offsets stay true, for a blanked row keeps its length. Documents without a
    table come back as they are.
    """
    holding = documents.filter(has_table(pl.col("text")).fill_null(False))
    if holding.is_empty():
        return [], documents
    facts: list[dict[str, Any]] = []
    prose: dict[str, str] = {}
    by_id = prepared(holding, lexicon)
    for doc_id, text in holding.select("doc_id", "text").iter_rows():
        found, blanked = read_text(text, by_id[doc_id], lexicon)
        facts += found
        if blanked is not None:
            prose[doc_id] = blanked
    if not prose:
        return facts, documents
    replaced = pl.DataFrame({"doc_id": list(prose), "_prose": list(prose.values())})
    joined = documents.join(replaced, on="doc_id", how="left", maintain_order="left")
    return facts, joined.with_columns(text=pl.coalesce("_prose", "text")).drop("_prose")


def read_text(text: str, document: Document, lexicon: Lexicon) -> tuple[list[dict[str, Any]], str | None]:
    """Facts of the tables of one text, and the text with their rows blanked (None: there are none)."""
    rows: list[dict[str, Any]] = []
    blank: list[tuple[int, int]] = []
    for line, cells, table in _walk(text, document, lexicon):
        blank.append((line.start, line.start + len(line.text)))
        if document.issuer is not None and cells is not None:
            rows += _facts_of(line, cells, table, document, lexicon)
    if not blank:
        return [], None
    pieces, at = [], 0
    for start, end in blank:
        pieces += [text[at:start], " " * (end - start)]
        at = end
    return _told_once(rows), "".join([*pieces, text[at:]])


def _told_once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each figure where it stands first; the revenue of a whole company is the largest of its period."""
    most: dict[tuple[Any, ...], float] = {}
    for row in rows:
        if row["kind"] == "revenue" and row["unit"] == "money":
            about = (row["period"], row["currency"], row["basis"])
            most[about] = max(most.get(about, 0.0), row["value_high"] or row["value_low"] or 0.0)
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        part = row.pop("_part")
        if row["unit"] == "money" and row["kind"] in ("revenue", "segment_revenue"):
            whole = most.get((row["period"], row["currency"], row["basis"]), 0.0)
            level = row["value_high"] or row["value_low"] or 0.0
            if (row["kind"] == "revenue") != (level >= 0.99 * whole) and whole:
                continue
        key = tuple(row[n] for n in ("kind", "value_low", "value_high", "unit", "period", "basis", "product"))
        kept.setdefault((*key, part), row)
    return list(kept.values())


def _walk(
    text: str, document: Document, lexicon: Lexicon
) -> Iterator[tuple[Line, list[tuple[Cell, Column]] | None, Table]]:
    """Rows of tables in order, each with its cells and their columns (None where they do not fit)."""
    table = Table()
    month = lexicon.fiscal_year_ends.get(document.issuer or "", 12)
    for number, line in enumerate(lines(text)):
        metric = metric_of(line.name) if line.is_row else None
        if line.is_row and (metric is not None or not is_header(line.text)):
            table.fresh, table.idle = False, 0
            if metric is not None and metric.kind == "revenue":
                table.part = table.section or None
            table.section = ""
            yield line, _in_columns(line, table, month, document), table
            continue
        if not line.text.strip(" |-:\t"):
            continue
        if len(line.cells) > 1 and metric_of(line.name) is not None and find_quantities(line.text):
            yield line, _worded(line, table, month, document), table  # "Revenue | $54.0 billion, plus or minus 2%"
            table.idle = 0
            continue
        _above(line, number, table)


def _above(line: Line, number: int, table: Table) -> None:
    """Take in a line that is no row: part of a header, a caption, or what ends a table."""
    stated = unit_of(line.text) if UNITS.search(line.text) else None
    header = is_header(line.text)
    if (header or stated is not None) and not table.fresh:
        keep = (table.unit, table.stated)
        _restart(table)
        table.unit, table.stated = keep if header and stated is None else (None, number)
    if stated is not None:
        table.unit, table.stated = stated, number
    caption = _OUTLOOK_LINE.search(line.text) is not None and len(line.text) < 200
    if header or caption:
        table.header = [*table.header[1 - MAX_HEADER :], line.text]
        table.read = {}
        table.idle = 0
        return
    bare = bare_name(line.text)
    if line.text.rstrip().endswith((":", "：")) and len(bare) < 60:
        table.parts = []
        table.section = "" if _SALES.search(bare) else bare
    table.idle += 1 + len(line.text) // 300
    if table.idle > _BREAK:
        unit = (table.unit, table.stated) if number - table.stated <= 2 * _BREAK else (None, -1_000)
        _restart(table)
        table.unit, table.stated = unit


def _restart(table: Table) -> None:
    table.header, table.parts, table.fresh, table.idle = [], [], True, 0
    table.section, table.part, table.read = "", None, {}
    table.unit, table.stated = None, -1_000


def _in_columns(line: Line, table: Table, month: int, document: Document) -> list[tuple[Cell, Column]] | None:
    found = _columns(len(line.values), table, month, document)
    return list(zip(line.values, found, strict=True)) if found is not None else None


def _columns(count: int, table: Table, month: int, document: Document) -> list[Column] | None:
    if count not in table.read:
        table.read[count] = columns(table.header, count, month, document.period)
    return table.read[count]


def _worded(line: Line, table: Table, month: int, document: Document) -> list[tuple[Cell, Column]] | None:
    """Cells of a row whose figures carry their own unit: an outlook, one column a period."""
    found = _columns(len(line.cells) - 1, table, month, document)
    if found is None:
        text = "\n".join(table.header)
        named = find_periods(text, fiscal_year_end_month=month, published=document.published, reference=document.period)
        labels = list(dict.fromkeys(p.label for p in named))
        if len(labels) != 1 or len(line.cells) != 2 or not _OUTLOOK_LINE.search(text):
            return None
        found = [Column(labels[0], None, 3, outlook=True)]
    return list(zip(line.cells[1:], found, strict=True))


def _facts_of(
    line: Line, cells: list[tuple[Cell, Column]], table: Table, document: Document, lexicon: Lexicon
) -> Iterator[dict[str, Any]]:
    metric = metric_of(line.name)
    if metric is not None and metric.kind == "revenue" and all(c.value is not None for c, _ in cells):
        for part in _parts_of(line, cells, table):
            if metric_of(part.name) is None and not _NO_PART.search(part.name):
                fitting = list(zip(part.values, [column for _, column in cells], strict=True))
                yield from _row_facts(part, Metric("segment_revenue", False, False), fitting, table, document, lexicon)
        table.parts = []
    elif metric is None and not any(c.percent for c, _ in cells):
        _remember(line, cells, table)
    if metric is None or (table.part is not None and metric.kind != "revenue"):
        return
    if table.part is not None:
        metric = Metric("segment_revenue", False, False)
    yield from _row_facts(line, metric, cells, table, document, lexicon)


def _remember(line: Line, cells: list[tuple[Cell, Column]], table: Table) -> None:
    """Keep a row that may be a part of revenue; rows that a later one sums up are kept beside it."""
    values = [c.value or 0.0 for c, column in cells if column.growth is None]
    table.parts = [*table.parts[-_MAX_PARTS:], (line, values)]


def _parts_of(total: Line, cells: list[tuple[Cell, Column]], table: Table) -> list[Line]:
    """The rows above a total that add up to it in every column; rows that sum up others stand beside their parts."""
    wanted = [c.value or 0.0 for c, column in cells if column.growth is None]
    rows = [(line, values) for line, values in table.parts if len(values) == len(wanted) == len(line.values)]
    stack: list[tuple[list[Line], list[float]]] = []
    for line, values in rows:
        for size in range(2, min(len(stack), _MAX_PARTS) + 1):
            if _adds_up([v for _, v in stack[-size:]], values):
                inner = [one for names, _ in stack[-size:] for one in names]
                stack = [*stack[:-size], ([*inner, line], values)]
                break
        else:
            stack.append(([line], values))
    for size in range(2, len(stack) + 1):
        if _adds_up([v for _, v in stack[-size:]], wanted):
            found = [line for names, _ in stack[-size:] for line in names]
            return [*_sum_above(stack, size), *found]
    return []


def _sum_above(stack: list[tuple[list[Line], list[float]]], size: int) -> list[Line]:
    """A row that stands above the parts it sums up ("Data Center" above "Compute" and "Networking")."""
    if len(stack) == size:
        return []
    lines_above, values = stack[-size - 1]
    for count in range(2, size):
        if _adds_up([v for _, v in stack[-size : len(stack) - size + count]], values):
            return lines_above
    return []


def _adds_up(parts: list[list[float]], total: list[float]) -> bool:
    slack = len(parts) * 0.51 if all(v == int(v) for v in total) else len(parts) * 0.06
    return any(total) and all(
        abs(sum(column) - value) <= min(slack, abs(value) * 0.01 + 1e-9) or abs(sum(column) - value) < 1e-6
        for column, value in zip(zip(*parts, strict=True), total, strict=True)
    )


def _row_facts(
    line: Line,
    metric: Metric,
    cells: list[tuple[Cell, Column]],
    table: Table,
    document: Document,
    lexicon: Lexicon,
) -> Iterator[dict[str, Any]]:
    """One fact a column that is not history."""
    newest = max((column.end for _, column in cells if column.end is not None), default=None)
    part = (table.part or line.name) if metric.kind == "segment_revenue" else None
    product = _product(part, lexicon) if part is not None else None
    for index, (cell, column) in enumerate(cells):
        if newest is not None and column.end is not None and newest - column.end > _COMPARISON:
            continue
        figure = _figure(cell, column, index, metric, cells, table, document, lexicon)
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
            "product": product,
            **figure,
            "quote": text,
            "start": start,
            "end": start + len(text),
            "_part": bare_name(part) if part is not None else None,
            "extractor": "table",
            "extractor_version": TABLE_VERSION,
        }


def _figure(
    cell: Cell,
    column: Column,
    index: int,
    metric: Metric,
    cells: list[tuple[Cell, Column]],
    table: Table,
    document: Document,
    lexicon: Lexicon,
) -> dict[str, Any] | None:
    """Value, unit, period, basis and direction of a cell, or None where it is no fact."""
    if column.growth is not None:
        return _growth(cell, column, metric, cells)
    if column.period is None or (column.months == 0) == (metric.kind in FLOWS):
        return None
    basis = "actual"
    if column.outlook or (column.end is not None and column.end > document.published + timedelta(days=5)):
        basis = "guidance"
    about: dict[str, Any] = {"period": column.period, "basis": basis, "direction": "none"}
    if cell.value is None:
        return (
            _stated(cell, metric, lexicon, document) | about
            if not cell.nil and _stated(cell, metric, lexicon, document)
            else None
        )
    about["direction"] = _direction(index, cells, outflow=metric.kind == "capex")
    if metric.ratio:
        if not (cell.percent or (metric.stated_ratio and abs(cell.value) <= 100)):
            return None
        return {"value_low": cell.value, "value_high": cell.value, "unit": "pct", "currency": None} | about
    if cell.percent or cell.points or table.unit is None:
        return None
    value = cell.value * table.unit.scale
    value = abs(value) if metric.kind == "capex" else value
    currency = (
        table.unit.currency or _sign_currency(cell.text) or lexicon.currencies.get(document.issuer or "") or "USD"
    )
    return {"value_low": value, "value_high": value, "unit": "money", "currency": currency} | about


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
    for sign, code in (("NT$", "TWD"), ("HK$", "HKD"), ("RMB", "CNY"), ("€", "EUR"), ("₩", "KRW"), ("£", "GBP")):
        if sign in text:
            return code
    return None


def _product(name: str, lexicon: Lexicon) -> str | None:
    """The product a part of revenue is named after."""
    bare = bare_name(name)
    folded = fold(bare)
    found = [m for m in mentions_of(bare, folded, term_hits([folded], lexicon)[0], lexicon) if m.term.role == "product"]
    return found[0].term.value if found else None
