"""CSV tables: monthly revenue and other figures that regulators publish as rows."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from tracker.ingest.formats.types import Item, Parsed
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.dates import parse_date
from tracker.vocabulary import SERIES_SCHEMA


def parse(body: bytes, source: Source, *, url: str, fetched_at: datetime, charset: str | None = None) -> Parsed:
    """Figures of a table, one item and one row of a series per line.

    Options: `period` (column with the month or day, 民國 years understood), `value` (column), `metric`, `unit`,
    `currency`, `scale` (factor to base units, e.g. 1000 for 千元), `entity_column` and `entities` (code → watchlist id)
    when the table holds many issuers, `delay_days` (publication after the end of the period, default 10).
    A line that cannot be read is named and skipped.
    """
    options = source.options
    rows = list(csv.DictReader(io.StringIO(decode(body, charset)), delimiter=str(options.get("delimiter", ","))))
    missing = [c for c in (options.get("period"), options.get("value")) if rows and c not in rows[0]]
    if missing:
        return Parsed(problems=[f"{url}: there is no column {missing}; there are {list(rows[0])}"])
    items, series, problems = [], [], []
    for number, row in enumerate(rows, start=2):
        entity = _entity(row, source)
        if entity is None:
            continue  # an issuer that is not watched
        try:
            figure = _figure(row, source, entity, url, fetched_at)
        except ValueError as error:
            problems.append(f"{url}: line {number}: {error}")
            continue
        series.append(figure)
        items.append(_item(figure, source, url))
    return Parsed(items=items, series=pl.DataFrame(series, schema=SERIES_SCHEMA, orient="row"), problems=problems)


def _entity(row: dict[str, str], source: Source) -> str | None:
    column = source.options.get("entity_column")
    if not column:
        return source.issuer
    found = source.options.get("entities", {}).get(str(row.get(column, "")).strip())
    return str(found) if found else None


def _figure(row: dict[str, str], source: Source, entity: str, url: str, fetched_at: datetime) -> dict[str, Any]:
    options = source.options
    moment = parse_date(_month_first(row[options["period"]]))
    if moment is None:
        raise ValueError(f"'{row[options['period']]}' is not a month")
    try:
        value = float(row[options["value"]].replace(",", "").strip()) * float(options.get("scale", 1))
    except ValueError as error:
        raise ValueError(f"'{row[options['value']]}' is not a number") from error
    start = date(moment.year, moment.month, 1)
    end = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    published = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=int(options.get("delay_days", 10)))
    metric = str(options.get("metric", "revenue"))
    return {
        "series_id": f"{source.id}:{entity}:{metric}",
        "period": f"CY{start.year}-{start.month:02d}",
        "entity": entity,
        "metric": metric,
        "value": value,
        "unit": str(options.get("unit", "money")),
        "currency": options.get("currency"),
        "period_start": start,
        "period_end": end,
        "published_at": min(published, fetched_at),
        "source_url": url,
        "doc_id": None,
    }


def _month_first(text: str) -> str:
    """'11505' and '115/05' name a month: read them as its first day."""
    text = text.strip()
    if text.isdigit() and len(text) == 5:
        return f"{text[:3]}/{text[3:]}/01"
    return f"{text}/01" if len(text) in (6, 7) and "/" in text else text


def _item(figure: dict[str, Any], source: Source, url: str) -> Item:
    start: date = figure["period_start"]
    text = (
        f"{figure['entity']} {figure['metric']} {start.year}-{start.month:02d}: "
        f"{figure['currency'] or ''} {figure['value']:,.0f}"
    )
    return Item(
        url=f"{url}#{hashlib.sha256(text.encode()).hexdigest()[:12]}",
        title=text,
        published_at=figure["published_at"],
        text=text,
        lang=source.lang,
        entity=figure["entity"],
    )
