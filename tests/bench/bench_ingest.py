"""The whole path: documents/s into the database, rows/s written, and how time grows with input."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from tracker.kit import Kit
from tracker.pipeline import process
from tracker.resources import data_dir
from tracker.store import Store
from tracker.vocabulary import DOCUMENTS_SCHEMA, conform

NOW = datetime(2026, 11, 24, tzinfo=UTC)
_NAMES = ("Meta", "Amazon", "Alphabet", "Microsoft", "Oracle", "NVIDIA", "AMD", "Micron", "TSMC", "Broadcom")


def documents(count: int, start: int = 0) -> pl.DataFrame:
    """Synthetic news, each with a figure and a page of other words."""
    rows = []
    for i in range(start, start + count):
        name = _NAMES[i % len(_NAMES)]
        filler = " ".join(
            f"Paragraph {i}-{k} speaks of gardens, rivers and the weather in town {i * 7 + k}." for k in range(30)
        )
        rows.append(
            {
                "doc_id": f"{i:016x}",
                "source_id": f"s{i % 40}",
                "source": f"site{i % 40}.example.org",
                "tier": 1 + i % 3,
                "url": f"https://site{i % 40}.example.org/{i}",
                "title": f"{name} note {i}",
                "lang": "en",
                "published_at": NOW - timedelta(hours=i % 20_000),
                "ingested_at": NOW,
                "text": f"{name} raised its 2026 capital expenditure guidance to ${50 + i % 90} billion. {filler}",
            }
        )
    return conform(pl.DataFrame(rows), DOCUMENTS_SCHEMA)


def _seconds(kit: Kit, batches: int, size: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "s.duckdb") as store:
        prepared = [documents(size, n * size) for n in range(batches)]
        started = time.process_time()
        facts = 0
        for batch in prepared:
            facts += process(store, kit, batch, NOW).facts
        return time.process_time() - started, facts


def main() -> None:
    """Print documents/s, the ratio for twice the input, rows/s."""
    kit = Kit.load([data_dir("rules")])
    _seconds(kit, 1, 200)
    small, _ = _seconds(kit, 4, 500)
    large, facts = _seconds(kit, 8, 500)
    print(f"bench ingest_documents {4000 / large:.0f} documents/s of CPU time ({facts} facts)")
    print(f"bench ingest_linear {large / small:.2f} times as long for 2.00 times the input")
    rows = pl.DataFrame({"term": [f"t{i}" for i in range(500_000)], "as_of": [NOW] * 500_000})
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "s.duckdb") as store:
        started = time.perf_counter()
        store.append("candidates", rows)
        print(f"bench store_rows {500_000 / (time.perf_counter() - started):,.0f} rows/s written")


if __name__ == "__main__":
    main()
