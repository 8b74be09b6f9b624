"""XBRL company facts (data.sec.gov) into series and facts with exact periods.

Filers report quarters, and for cash flows only year-to-date sums: those are taken apart by difference within a fiscal
year (marked in the series' metric). A figure filed again with another value is a restatement: both rows stay, the later
one counts from its filing on. Each filing becomes one document whose text lists the figures it brought, so that facts
from XBRL have a quote and offsets like any other.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from tracker.extract.calendar import quarter_ended, year_ended
from tracker.extract.identity import with_fact_ids
from tracker.ingest.formats.types import Issuers, Item, Parsed
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.identity import document_id
from tracker.text.normalise import normalise_text
from tracker.text.urls import canonical_url
from tracker.vocabulary import FACTS_SCHEMA, SERIES_SCHEMA, conform, empty

XBRL_VERSION: Final = "xbrl-1"
# Concepts in order of preference; the first that a filing has for a period counts.
TAGS: Final[dict[str, tuple[str, ...]]] = {
    "revenue": (
        "Revenues",
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "SalesRevenueNet",
        "Revenue",
    ),
    "cost_of_revenue": ("CostOfRevenue", "CostOfGoodsAndServicesSold", "CostOfSales"),
    "gross_profit": ("GrossProfit",),
    "operating_income": ("OperatingIncomeLoss", "ProfitLossFromOperatingActivities"),
    "capex": (
        "PaymentsToAcquirePropertyPlantAndEquipment",
        "PaymentsToAcquireProductiveAssets",
        "PurchaseOfPropertyPlantAndEquipmentClassifiedAsInvestingActivities",
    ),
    "inventory": ("InventoryNet", "Inventories"),
    "backlog": ("RevenueRemainingPerformanceObligation",),
    "supply_commitment": ("UnrecordedUnconditionalPurchaseObligationBalanceSheetAmount", "PurchaseObligation"),
}
INSTANT: Final = frozenset({"inventory", "backlog", "supply_commitment"})
FACT_METRICS: Final = ("revenue", "operating_income", "capex", "inventory", "backlog", "supply_commitment")
_QUARTER_DAYS: Final = (75, 105)
_YEAR_DAYS: Final = (345, 385)


def parse(
    body: bytes,
    source: Source,
    *,
    url: str,
    fetched_at: datetime,
    charset: str | None = None,
    issuers: Issuers | None = None,
) -> Parsed:
    """Company facts of one filer: one item per filing, series and facts.

    issuers: the watchlist's CIKs. A filer that is not on it and has no source entity is a problem, not an error.
    """
    try:
        answer: dict[str, Any] = json.loads(decode(body, charset))
        cik, taxonomies = int(answer["cik"]), answer["facts"]
    except (ValueError, KeyError, TypeError) as error:
        return Parsed(problems=[f"{url}: not company facts: {error!r}"])
    known = (issuers or {}).get(cik)
    entity, year_end = known or (source.issuer, 12)
    if entity is None:
        return Parsed(problems=[f"{url}: {answer.get('entityName')} (CIK {cik}) is not on the watchlist"])
    reported = _reported(taxonomies)
    if reported.is_empty():
        return Parsed(problems=[f"{url}: none of the concepts this program reads"])
    figures = _figures(reported, entity, year_end, url)
    return _as_parsed(figures, entity, str(answer.get("entityName") or entity), url)


def _reported(taxonomies: dict[str, Any]) -> pl.DataFrame:
    """Rows as filed: metric, rank of the concept, currency, start, end, value, filed, accession, form."""
    rows = []
    for metric, tags in TAGS.items():
        for rank, tag in enumerate(tags):
            for taxonomy in ("us-gaap", "ifrs-full"):
                for unit, entries in taxonomies.get(taxonomy, {}).get(tag, {}).get("units", {}).items():
                    if len(unit) != 3:
                        continue
                    rows += [
                        (
                            metric,
                            rank,
                            unit,
                            e.get("start"),
                            e["end"],
                            float(e["val"]),
                            e["filed"],
                            e["accn"],
                            e["form"],
                        )
                        for e in entries
                        if {"end", "val", "filed", "accn", "form"} <= e.keys()
                    ]
    names = ["metric", "rank", "currency", "start", "end", "value", "filed", "accession", "form"]
    if not rows:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).with_columns(
        pl.col("start", "end", "filed").cast(pl.String).str.to_date(strict=False)
    )
    # one currency a filer: the one most figures are in (some add a convenience translation)
    main = frame.group_by("currency").len().sort("len", "currency", descending=[True, False]).item(0, "currency")
    return frame.filter(pl.col("currency") == main)


def _figures(reported: pl.DataFrame, entity: str, year_end: int, url: str) -> pl.DataFrame:
    """Quarters, years and instants with their period label, each distinct value once per period and filing date."""
    best = (
        reported.sort("filed", "rank", "accession")
        .unique(["metric", "start", "end", "filed"], keep="first", maintain_order=True)
        .with_columns(days=(pl.col("end") - pl.col("start")).dt.total_days())
    )
    instants = best.filter(pl.col("metric").is_in(list(INSTANT)) & pl.col("start").is_null())
    flows = best.filter(~pl.col("metric").is_in(list(INSTANT)) & pl.col("start").is_not_null())
    quarters = flows.filter(pl.col("days").is_between(*_QUARTER_DAYS)).with_columns(derived=pl.lit(False))
    years = flows.filter(pl.col("days").is_between(*_YEAR_DAYS)).with_columns(derived=pl.lit(False))
    derived = _by_difference(flows).join(quarters, on=["metric", "end"], how="anti")
    quarterly = pl.concat([quarters, derived, instants.with_columns(derived=pl.lit(False))], how="diagonal")
    labelled = pl.concat(
        [
            _labelled(quarterly, lambda day: quarter_ended(day, year_end), "quarter"),
            _labelled(years, lambda day: year_ended(day, year_end), "year"),
        ],
        how="diagonal",
    )
    return (
        labelled.sort("filed", "accession")
        .unique(["metric", "span", "period", "value"], keep="first", maintain_order=True)
        .with_columns(entity=pl.lit(entity), url=pl.lit(url))
    )


def _labelled(frame: pl.DataFrame, label: Any, span: str) -> pl.DataFrame:
    ends = frame.select(pl.col("end").unique())
    names = pl.DataFrame(
        {"end": ends["end"], "period": [label(day) for day in ends["end"]]},
        schema={"end": pl.Date, "period": pl.String},
    )
    return frame.join(names, on="end").with_columns(span=pl.lit(span))


def _by_difference(flows: pl.DataFrame) -> pl.DataFrame:
    """Quarters as the difference of consecutive year-to-date sums with the same start, at the later one's filing."""
    sums = (
        flows.sort("metric", "start", "end", "filed")
        .unique(["metric", "start", "end"], keep="first", maintain_order=True)
        .with_columns(
            before=pl.col("value").shift(1).over("metric", "start"),
            before_end=pl.col("end").shift(1).over("metric", "start"),
        )
    )
    return (
        sums.filter((pl.col("end") - pl.col("before_end")).dt.total_days().is_between(*_QUARTER_DAYS))
        .with_columns(
            value=pl.col("value") - pl.col("before"),
            start=pl.col("before_end") + pl.duration(days=1),
            derived=pl.lit(True),
        )
        .drop("before", "before_end")
    )


def _as_parsed(figures: pl.DataFrame, entity: str, name: str, url: str) -> Parsed:
    figures = pl.concat([figures, _margins(figures)], how="diagonal").sort("filed", "accession", "period", "metric")
    figures = _with_direction(figures)
    items: list[Item] = []
    facts: list[dict[str, Any]] = []
    for (accession, filed), rows in figures.group_by(["accession", "filed"], maintain_order=True):
        item, found = _filing(rows, str(accession), filed, entity, name, url)
        items.append(item)
        facts += found
    return Parsed(items=items, series=_series(figures), facts=_facts(facts))


def _margins(figures: pl.DataFrame) -> pl.DataFrame:
    """Gross margin in percent where a filing gives revenue and gross profit (or cost) of the same period."""
    wide = (
        figures.filter(pl.col("metric").is_in(["revenue", "gross_profit", "cost_of_revenue"]))
        .unique(["metric", "span", "period"], keep="first", maintain_order=True)
        .pivot(on="metric", index=["span", "period", "entity", "url"], values="value", aggregate_function="first")
    )
    for column in ("revenue", "gross_profit", "cost_of_revenue"):
        if column not in wide.columns:
            wide = wide.with_columns(pl.lit(None, dtype=pl.Float64).alias(column))
    when = figures.filter(pl.col("metric") == "revenue").unique(["span", "period"], keep="first", maintain_order=True)
    profit = pl.coalesce("gross_profit", pl.col("revenue") - pl.col("cost_of_revenue"))
    return (
        wide.filter((pl.col("revenue") > 0) & profit.is_not_null())
        .select("span", "period", "entity", "url", value=(100 * profit / pl.col("revenue")).round(2))
        .join(
            when.select("span", "period", "start", "end", "filed", "accession", "form", "derived"),
            on=["span", "period"],
        )
        .with_columns(metric=pl.lit("gross_margin"))
    )


def _with_direction(figures: pl.DataFrame) -> pl.DataFrame:
    """up/down/flat against the same period a year earlier, `none` where that is not known."""
    year_ago = (
        figures.sort("filed")
        .unique(["metric", "span", "period"], keep="last", maintain_order=True)
        .select(
            "metric",
            "span",
            period=pl.col("period").str.slice(0, 2)
            + (pl.col("period").str.slice(2, 4).cast(pl.Int32) + 1).cast(pl.String)
            + pl.col("period").str.slice(6),
            year_ago=pl.col("value"),
        )
    )
    change = pl.col("value") - pl.col("year_ago")
    return figures.join(year_ago, on=["metric", "span", "period"], how="left", maintain_order="left").with_columns(
        direction=pl.when(change.is_null())
        .then(pl.lit("none"))
        .when(change.abs() < 0.005 * pl.col("year_ago").abs())
        .then(pl.lit("flat"))
        .when(change > 0)
        .then(pl.lit("up"))
        .otherwise(pl.lit("down"))
    )


def _filing(
    rows: pl.DataFrame, accession: str, filed: Any, entity: str, name: str, url: str
) -> tuple[Item, list[dict[str, Any]]]:
    """The document of one filing and its facts, offsets into exactly that document."""
    first = rows.row(0, named=True)
    title = f"{name} {first['form']} filed {filed}: figures from XBRL"
    lines = [title]
    spans: list[tuple[int, int, dict[str, Any]]] = []
    length = len(title) + 1
    for row in rows.iter_rows(named=True):
        unit = f"{row['value']:.2f}%" if row["metric"] == "gross_margin" else f"{row['currency']} {row['value']:,.0f}"
        span = f"{row['start']} to {row['end']}" if row["start"] else f"at {row['end']}"
        line = f"{row['metric']} {row['period']} ({span}): {unit}"
        spans.append((length, length + len(line), row | {"quote": line}))
        lines.append(line)
        length += len(line) + 1
    text = normalise_text("\n".join(lines))
    address = f"{url}?accn={accession}"  # a fragment would be dropped from the canonical address
    doc_id = document_id(canonical_url(address), text)
    item = Item(
        url=address,
        title=title,
        published_at=datetime(filed.year, filed.month, filed.day, tzinfo=UTC),
        text=text,
        lang="en",
        entity=entity,
        guid=accession,
    )
    return item, [_fact(row, doc_id, start, end, entity) for start, end, row in spans if _is_fact(row)]


def _is_fact(row: dict[str, Any]) -> bool:
    return row["metric"] in FACT_METRICS or row["metric"] == "gross_margin"


def _fact(row: dict[str, Any], doc_id: str, start: int, end: int, entity: str) -> dict[str, Any]:
    margin = row["metric"] == "gross_margin"
    return {
        "doc_id": doc_id,
        "kind": row["metric"],
        "entity": entity,
        "value_low": row["value"],
        "value_high": row["value"],
        "unit": "pct" if margin else "money",
        "currency": None if margin else row["currency"],
        "period": row["period"],
        "basis": "actual",
        "direction": row["direction"],
        "quote": row["quote"],
        "start": start,
        "end": end,
        "extractor": "xbrl",
        "extractor_version": XBRL_VERSION,
    }


def _facts(rows: list[dict[str, Any]]) -> pl.DataFrame:
    if not rows:
        return empty(FACTS_SCHEMA)
    return with_fact_ids(conform(pl.DataFrame(rows, infer_schema_length=None), FACTS_SCHEMA))


def _series(figures: pl.DataFrame) -> pl.DataFrame:
    return conform(
        figures.select(
            series_id=pl.format("xbrl:{}:{}:{}", "entity", "metric", "span"),
            period="period",
            entity="entity",
            metric=pl.when("derived").then(pl.col("metric") + " (by difference)").otherwise(pl.col("metric")),
            value="value",
            unit=pl.when(pl.col("metric") == "gross_margin").then(pl.lit("pct")).otherwise(pl.lit("money")),
            currency=pl.when(pl.col("metric") == "gross_margin").then(None).otherwise(pl.col("currency")),
            period_start="start",
            period_end="end",
            published_at=pl.col("filed").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            source_url=pl.col("url") + "?accn=" + pl.col("accession"),
        ),
        SERIES_SCHEMA,
    )
