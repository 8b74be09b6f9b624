"""CSV tables: monthly revenue and other figures that regulators publish as rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import polars as pl

from tracker.extract.identity import with_fact_ids
from tracker.ingest.formats.types import Item, Parsed
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.dates import parse_date
from tracker.text.identity import document_id
from tracker.text.urls import canonical_url
from tracker.vocabulary import FACTS_SCHEMA, KINDS, SERIES_SCHEMA, conform, empty

TABLE_VERSION: Final = "table-1"
_YEAR_MONTH: Final = re.compile(r"((?:19|20)\d{2})[-/.年]?(\d{1,2})月?")
_ROC_MONTH: Final = re.compile(r"(\d{3})[-/.年]?(\d{2})月?")
FLAT_PCT: Final = 0.5  # a change smaller than this is no direction


def parse(body: bytes, source: Source, *, url: str, fetched_at: datetime, charset: str | None = None) -> Parsed:
    """Figures of a table: a line becomes an item, a row of a series, and a fact of that item (extractor `table`).

    Options: `period` (column with the month or a day of it, 民國 years understood; or `year` and `month`), `value`
    (column), `metric` (kind of fact, default revenue), `unit` (default money), `currency`, `scale` (factor to base
    units, e.g. 1000 for 千元), `yoy` (column with the change on the year in percent; otherwise it is computed from the
    table's own rows), `delimiter`, `entity_column` and `entities` (code → watchlist id) when the table holds many
    issuers, `delay_days` (publication after the end of the month, default 10).
    A line that cannot be read is named and skipped; lines of issuers that are not in `entities` are left out.
    """
    options = source.options
    try:
        header, rows = _rows(decode(body, charset), str(options.get("delimiter", ",")))
    except csv.Error as error:
        return Parsed(problems=[f"{url}: not a table: {error}"])
    wanted = [options.get(key) for key in ("period", "year", "month", "value", "entity_column", "yoy")]
    missing = [column for column in wanted if column and column not in header]
    if missing:
        return Parsed(problems=[f"{url}: there is no column {missing}; there are {header}"])
    figures, problems = [], []
    for number, row in rows:
        entity = _entity(row, source)
        if entity is None:
            continue  # an issuer that is not watched
        try:
            figures.append(_figure(row, source, entity, url, fetched_at))
        except ValueError as error:
            problems.append(f"{url}: line {number}: {error}")
    return _parsed(figures, source, url, problems)


def _rows(text: str, delimiter: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Column names without blanks around them, and the rows with their line numbers."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    return header, [(reader.line_num, dict(zip(header, row, strict=False))) for row in reader if row]


def _entity(row: dict[str, str], source: Source) -> str | None:
    column = source.options.get("entity_column")
    if not column:
        return source.issuer
    found = source.options.get("entities", {}).get(row.get(column, "").strip())
    return str(found) if found else None


def _figure(row: dict[str, str], source: Source, entity: str, url: str, fetched_at: datetime) -> dict[str, Any]:
    """One row of a series, with `yoy` beside it. Raises ValueError telling what cannot be read."""
    options = source.options
    start = _month(row, source)
    end = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    usual = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=int(options.get("delay_days", 10)))
    metric = str(options.get("metric", "revenue"))
    # by the day: a table that is read hourly before the usual date must not look like hourly publications
    seen = fetched_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "series_id": f"monthly_{metric}:{entity}",
        "period": f"CY{start.year}-{start.month:02d}",
        "entity": entity,
        "metric": metric,
        "value": _number(row.get(options["value"])) * float(options.get("scale", 1)),
        "unit": str(options.get("unit", "money")),
        "currency": options.get("currency"),
        "period_start": start,
        "period_end": end,
        "published_at": min(usual, seen),
        "source_url": url,
        "yoy": _growth(row.get(options["yoy"])) if options.get("yoy") else None,
    }


def _growth(cell: str | None) -> float | None:
    """The stated change; none where last year's figure was nothing (the cell is then blank or a dash)."""
    return None if (cell or "").strip() in ("", "-", "--", "N/A", "不適用") else _number(cell)


def _number(cell: str | None) -> float:
    text = (cell or "").replace(",", "").replace("%", "").strip()
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"'{cell or ''}' is not a number") from error


def _month(row: dict[str, str], source: Source) -> date:
    """First day of the month a row is about: '11507', '115/07', '2026-07', '202607', or any day of it."""
    options = source.options
    if options.get("year"):
        text = f"{row.get(options['year'], '').strip()}/{row.get(options['month'], '').strip().zfill(2)}"
    else:
        text = row.get(options["period"], "").strip()
    for shape, offset in ((_ROC_MONTH, 1911), (_YEAR_MONTH, 0)):
        if (found := shape.fullmatch(text)) and 1 <= int(found[2]) <= 12:
            return date(int(found[1]) + offset, int(found[2]), 1)
    moment = None if text.isdigit() and len(text) < 7 else parse_date(text)
    if moment is None:
        raise ValueError(f"'{text}' is not a month")
    return date(moment.year, moment.month, 1)


def _parsed(figures: list[dict[str, Any]], source: Source, url: str, problems: list[str]) -> Parsed:
    year_ago = {(f["entity"], f["period_start"]): f["value"] for f in figures}
    items, facts, series = [], [], []
    for figure in figures:
        start: date = figure["period_start"]
        before = year_ago.get((figure["entity"], start.replace(year=start.year - 1)))
        if figure["yoy"] is None and before and before > 0:
            figure["yoy"] = (figure["value"] / before - 1) * 100
        item, told = _told(figure, source, url)
        items.append(item)
        facts += told
        series.append(figure | {"doc_id": told[0]["doc_id"] if told else None})
    return Parsed(items=items, series=_frame(series), facts=_facts(facts), problems=problems)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return conform(pl.DataFrame(rows, infer_schema_length=None), SERIES_SCHEMA) if rows else empty(SERIES_SCHEMA)


def _facts(rows: list[dict[str, Any]]) -> pl.DataFrame:
    if not rows:
        return empty(FACTS_SCHEMA)
    return with_fact_ids(conform(pl.DataFrame(rows, infer_schema_length=None), FACTS_SCHEMA))


def _told(figure: dict[str, Any], source: Source, url: str) -> tuple[Item, list[dict[str, Any]]]:
    """A figure as a document a person can read, and its facts with offsets into exactly that text."""
    money = figure["unit"] == "money"
    amount = f"{figure['currency'] or ''} {figure['value']:,.0f}" if money else f"{figure['value']:,g} {figure['unit']}"
    lines = [f"{figure['entity']} {figure['metric']} {figure['period']}: {amount.strip()}"]
    if figure["yoy"] is not None:
        lines.append(f"change on the year: {figure['yoy']:+.2f}%")
    text = "\n".join(lines)
    item = Item(
        url=url,  # many rows, one address: the text makes the difference in the document's id
        title=lines[0],
        published_at=figure["published_at"],
        text=text,
        lang=source.lang,
        entity=figure["entity"],
        guid=f"{figure['series_id']}:{figure['period']}",
    )
    if figure["metric"] not in KINDS:
        return item, []
    return item, list(_figure_facts(figure, lines, document_id(canonical_url(url), text)))


def _figure_facts(figure: dict[str, Any], lines: list[str], doc_id: str) -> Iterable[dict[str, Any]]:
    yoy = figure["yoy"]
    direction = "none" if yoy is None else "flat" if abs(yoy) < FLAT_PCT else "up" if yoy > 0 else "down"
    values = [(figure["value"], figure["unit"], figure["currency"])]
    if yoy is not None:
        values.append((round(yoy, 2), "pct_yoy", None))
    start = 0
    for line, (value, unit, currency) in zip(lines, values, strict=True):
        yield {
            "doc_id": doc_id,
            "kind": figure["metric"],
            "entity": figure["entity"],
            "value_low": value,
            "value_high": value,
            "unit": unit,
            "currency": currency,
            "period": figure["period"],
            "basis": "actual",
            "direction": direction,
            "quote": line,
            "start": start,
            "end": start + len(line),
            "extractor": "table",
            "extractor_version": TABLE_VERSION,
        }
        start += len(line) + 1
