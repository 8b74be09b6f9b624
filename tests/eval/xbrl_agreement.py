"""XBRL against what filings and arithmetic say: `python -m tests.eval.xbrl_agreement`.

Every figure of quarter_pairs.csv, and for each issuer Q1+Q2+Q3+Q4 = FY for revenue and capex. Prints the agreement and
names each miss; exits 1 below 98 %.
"""

from __future__ import annotations

import csv
import gzip
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from tracker.extract.lexicon import load_lexicon
from tracker.ingest.formats import xbrl
from tracker.ingest.sources import Source
from tracker.resources import data_dir

EDGAR = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "edgar"
ENTITY = {"NVDA": "NVDA", "AAPL": "AAPL", "GOOG": "GOOGL", "GOOGL": "GOOGL"}
WANTED = 0.98


def series() -> pl.DataFrame:
    """Series of all stored company facts."""
    issuers = load_lexicon([data_dir("rules")]).issuers
    source = Source("eval", "eval", "xbrl_companyfacts", "http://127.0.0.1/", "en", 1, 60.0)
    frames = []
    for file in sorted((EDGAR / "companyfacts").glob("*.json.gz")):
        body = gzip.decompress(file.read_bytes())
        frames.append(xbrl.parse(body, source, url=file.name, fetched_at=datetime.now(UTC), issuers=issuers).series)
    return pl.concat(frames)


def pairs(known: pl.DataFrame) -> tuple[int, list[str]]:
    """(compared, misses) of the stated quarter figures."""
    misses, count = [], 0
    with (EDGAR / "quarter_pairs.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            count += 1
            found = known.filter(
                (pl.col("entity") == ENTITY[row["symbol"]])
                & pl.col("series_id").str.ends_with(":quarter")
                & pl.col("metric").str.starts_with(row["figure"])
                & (pl.col("period_end") == date.fromisoformat(row["period_end"]))
            )
            if float(row["value_usd"]) not in found["value"].to_list():
                misses.append(
                    f"{row['symbol']} {row['figure']} {row['period_end']}: {row['value_usd']} stated, {found['value'].to_list()} read"
                )
    return count, misses


def identities(known: pl.DataFrame) -> tuple[int, list[str]]:
    """(compared, misses) of four quarters against their year, where all five were reported."""
    flows = known.with_columns(metric=pl.col("metric").str.replace(r" \(by difference\)", "")).filter(
        pl.col("metric").is_in(["revenue", "capex", "gross_profit", "cost_of_revenue"])
    )
    latest = flows.sort("published_at").unique(["series_id", "period"], keep="last", maintain_order=True)
    years = latest.filter(pl.col("series_id").str.ends_with(":year")).select(
        "entity", "metric", year="period", total="value"
    )
    quarters = (
        latest.filter(pl.col("series_id").str.ends_with(":quarter"))
        .with_columns(year=pl.col("period").str.slice(0, 6))
        .group_by("entity", "metric", "year")
        .agg(n=pl.len(), sum=pl.col("value").sum())
        .filter(pl.col("n") == 4)
    )
    both = years.join(quarters, on=["entity", "metric", "year"])
    off = both.filter((pl.col("total") - pl.col("sum")).abs() > 0.005 * pl.col("total").abs())
    return both.height, [
        f"{r['entity']} {r['metric']} {r['year']}: year {r['total']:,.0f}, quarters {r['sum']:,.0f}"
        for r in off.iter_rows(named=True)
    ]


def main() -> int:
    """Print the agreement; exit code 1 below 98 %."""
    if not EDGAR.is_dir():
        print("# xbrl: no company facts beside this checkout, left out")
        return 0
    known = series()
    failed = False
    for name, (count, misses) in (("stated quarters", pairs(known)), ("four quarters = year", identities(known))):
        share = 1 - len(misses) / count if count else 1.0
        print(f"xbrl {name}: {share:.1%} of {count}")
        for miss in misses:
            print(f"  miss: {miss}")
        failed |= share < WANTED
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
