"""Earnings, guidance and segment tables in a document's text -> facts, and the text without them.

One pass over the lines of a document: lines above rows make the header (periods, scale, currency), rows are read in its
columns, and a row whose figures do not fit the header is left alone. A part of revenue is what adds up to a total, in
every column. The quote of a fact is its row; the figure of the cell stands in it, its scale in the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import polars as pl

from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon
from tracker.extract.mentions import find_terms, mentions_of
from tracker.extract.periods import find_periods
from tracker.extract.quantities import find_quantities
from tracker.extract.reading import Document
from tracker.extract.table_columns import MAX_HEADER, Column, columns, is_header
from tracker.extract.table_figures import PART, row_facts
from tracker.extract.table_lines import Cell, Line, lines
from tracker.extract.table_metrics import Metric, bare_name, metric_of
from tracker.extract.table_units import Unit, unit_of

# A document that has neither cells nor a stated unit holds no table worth a walk over its lines.
_MAY_HOLD: Final = r"\|.*\d|\t|(?i:\(in (?:thousands|millions|billions))|[单單]位\s?[:：]|[(（].{0,8}[千仟万萬亿億]元"
_BREAK: Final = 7  # lines that are no rows: the table has ended
_REACH: Final = 40  # lines above a row that can be about its table: more than a break and what outlasts it
_MAX_PARTS: Final = 12
_OUTLOOK_LINE: Final = re.compile(r"outlook|guidance|指引|展望", re.IGNORECASE)
# What is put between parts and total without being anybody's sales.
_NO_PART: Final = re.compile(r"hedg|eliminat|intersegment|reconcil|抵销|抵消|抵銷|对冲", re.IGNORECASE)
_SEGMENT: Final = Metric("segment_revenue", False, False)
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


class Unread(NamedTuple):
    """A row whose name is a metric's and that gave no fact, and why."""

    doc_id: str
    start: int
    end: int
    kind: str
    reason: str


def read_tables(
    documents: pl.DataFrame, by_id: dict[str, Document], lexicon: Lexicon
) -> tuple[list[dict[str, Any]], pl.DataFrame, list[Unread]]:
    """Rows of facts (FACTS fields without id), the documents with their table rows blanked, and what gave no fact.

    documents: at least doc_id and text; by_id: what is known of them, which gets the blanked text, too. Offsets stay
    true, for a blanked row keeps its length. Documents without a table come back as they are.
    """
    holding = documents.filter(has_table(pl.col("text")).fill_null(False))
    if holding.is_empty():
        return [], documents, []
    facts: list[dict[str, Any]] = []
    prose: dict[str, str] = {}
    unread: list[Unread] = []
    for doc_id, text in holding.select("doc_id", "text").iter_rows():
        found, blanked, left = read_text(text, by_id[doc_id], lexicon)
        facts += found
        unread += left
        if blanked is not None:
            prose[doc_id] = by_id[doc_id].text = blanked
    facts = _with_products(facts, lexicon)
    if not prose:
        return facts, documents, unread
    replaced = pl.DataFrame({"doc_id": list(prose), "_prose": list(prose.values())})
    joined = documents.join(replaced, on="doc_id", how="left", maintain_order="left")
    return facts, joined.with_columns(text=pl.coalesce("_prose", "text")).drop("_prose"), unread


def read_text(text: str, document: Document, lexicon: Lexicon) -> tuple[list[dict[str, Any]], str | None, list[Unread]]:
    """Facts of the tables of one text, the text with their rows blanked (None: there are none), and what gave none."""
    rows: list[dict[str, Any]] = []
    blank: list[tuple[int, int]] = []
    unread: list[Unread] = []
    for line, cells, table in _walk(text, document, lexicon):
        start, end = line.start, line.start + len(line.text)
        blank.append((start, end))
        before = len(rows)
        if document.issuer is not None and cells is not None:
            rows += _facts_of(line, cells, table, document, lexicon)
        if len(rows) == before and (metric := metric_of(line.name)) is not None:
            unread.append(Unread(document.doc_id, start, end, metric.kind, _why_not(line, cells, table, document)))
    if not blank:
        return [], None, []
    pieces, at = [], 0
    for start, end in blank:
        pieces += [text[at:start], " " * (end - start)]
        at = end
    return _told_once(rows), "".join([*pieces, text[at:]]), unread


def _why_not(line: Line, cells: list[tuple[Cell, Column]] | None, table: Table, document: Document) -> str:
    if document.issuer is None:
        return "a table of nobody on the watchlist"
    if cells is None:
        return f"the header names no period for each of its {len(line.values)} figures"
    if table.part is not None:
        return f"about a part of the company: {table.part}"
    if table.unit is None and not any(cell.percent for cell, _ in cells):
        return "no unit is stated above the table"
    return "no column of a quarter, half-year or year with a figure of this kind"


def _with_products(rows: list[dict[str, Any]], lexicon: Lexicon) -> list[dict[str, Any]]:
    """Parts of revenue with the product they are named after."""
    names = list({row[PART] for row in rows} - {None})
    if not names:
        return [{key: value for key, value in row.items() if key != PART} | {"product": None} for row in rows]
    folded = [fold(name) for name in names]
    hits = find_terms(folded, lexicon)
    products = {
        name: found[0].term.value
        for i, (name, low) in enumerate(zip(names, folded, strict=True))
        if (found := mentions_of(name, low, hits, i, lexicon).get("product"))
    }
    return [
        {key: value for key, value in row.items() if key != PART} | {"product": products.get(row[PART])} for row in rows
    ]


def _told_once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each figure where it stands first; the revenue of a whole company is the largest of its period."""
    most: dict[tuple[Any, ...], float] = {}
    for row in rows:
        if row["kind"] == "revenue" and row["unit"] == "money":
            about = (row["period"], row["currency"], row["basis"])
            most[about] = max(most.get(about, 0.0), row["value_high"] or row["value_low"] or 0.0)
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        part = row[PART]
        if row["unit"] == "money" and row["kind"] in ("revenue", "segment_revenue"):
            whole = most.get((row["period"], row["currency"], row["basis"]), 0.0)
            level = row["value_high"] or row["value_low"] or 0.0
            if (row["kind"] == "revenue") != (level >= 0.99 * whole) and whole:
                continue
        key = tuple(row[n] for n in ("kind", "value_low", "value_high", "unit", "period", "basis"))
        kept.setdefault((*key, part), row)
    return list(kept.values())


def _walk(
    text: str, document: Document, lexicon: Lexicon
) -> Iterator[tuple[Line, list[tuple[Cell, Column]] | None, Table]]:
    """Rows of tables in order, each with its cells and their columns (None where they do not fit)."""
    table = Table()
    month = lexicon.fiscal_year_ends.get(document.issuer or "", 12)
    near = list(_near_rows(list(lines(text))))
    metrics = [metric_of(line.name) if len(line.cells) > 1 else None for _, line in near]
    last = max((i for i, metric in enumerate(metrics) if metric is not None), default=-1)
    for i, ((number, line), metric) in enumerate(zip(near, metrics, strict=True)):
        if i > last:  # rows are hidden from the reader of sentences; a header matters only to the metrics below it
            if line.is_row and not is_header(line.text):
                yield line, None, table
            continue
        if line.is_row and (metric is not None or not is_header(line.text)):
            table.fresh, table.idle = False, 0
            if metric is not None and metric.kind == "revenue":
                table.part = table.section or None
            table.section = ""
            yield line, _in_columns(line, table, month, document), table
            continue
        if not line.text.strip(" |-:\t"):
            continue
        if metric is not None and find_quantities(line.text):
            yield line, _worded(line, table, month, document), table  # "Revenue | $54.0 billion, plus or minus 2%"
            table.idle = 0
            continue
        _above(line, number, table)


def _near_rows(every: list[Line]) -> Iterator[tuple[int, Line]]:
    """Lines with cells and the ones close above them, with their numbers: a line further up has no say in a table."""
    last = -1
    wanted: list[int] = []
    for number, line in enumerate(every):
        if len(line.cells) > 1:
            wanted += range(max(last + 1, number - _REACH), number + 1)
            last = number
    return ((number, every[number]) for number in wanted)


def _above(line: Line, number: int, table: Table) -> None:
    """Take in a line that is no row: part of a header, a caption, or what ends a table."""
    stated = unit_of(line.text)
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
    if metric is None:
        if not any(c.percent for c, _ in cells):
            _remember(line, cells, table)
        return
    if metric.kind == "revenue" and all(c.value is not None for c, _ in cells):
        for part in _parts_of(cells, table):
            if metric_of(part.name) is None and not _NO_PART.search(part.name):
                fitting = list(zip(part.values, [column for _, column in cells], strict=True))
                yield from row_facts(part, _SEGMENT, fitting, table.unit, bare_name(part.name), document, lexicon)
        table.parts = []
    if table.part is None:
        yield from row_facts(line, metric, cells, table.unit, None, document, lexicon)
    elif metric.kind == "revenue":
        yield from row_facts(line, _SEGMENT, cells, table.unit, table.part, document, lexicon)


def _remember(line: Line, cells: list[tuple[Cell, Column]], table: Table) -> None:
    """Keep a row that may be a part of revenue; rows that a later one sums up are kept beside it."""
    values = [c.value or 0.0 for c, column in cells if column.growth is None]
    table.parts = [*table.parts[-_MAX_PARTS:], (line, values)]


def _parts_of(cells: list[tuple[Cell, Column]], table: Table) -> list[Line]:
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
