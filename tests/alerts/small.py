"""A small store for tests of mails and pages: a few documents in own words through the real path."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from tracker.alerts.recipients import Recipient
from tracker.kit import Kit
from tracker.pipeline import process
from tracker.resources import data_dir
from tracker.store import Store
from tracker.vocabulary import DOCUMENTS_SCHEMA, conform

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TEXTS = (
    ("Alpha Wire", "Meta raised its 2026 capital expenditure guidance to $72 billion from $65 billion."),
    ("Beta Wire", "Amazon raised its 2026 capital expenditure guidance to $220 billion."),
    ("Gamma Wire", "TrendForce says Vera Rubin shipments are delayed by HBM4 validation."),
    ("Delta Wire", "Micron says HBM for 2026 is sold out."),
)


@cache
def kit() -> Kit:
    """The built-in thesis."""
    return Kit.load([data_dir("rules")])


def reader(language: str = "en", *, zone: str = "Europe/Berlin", at: str = "07:30") -> Recipient:
    """A reader."""
    return Recipient("reader@example.org", language, ZoneInfo(zone), at, "high")


def documents(texts: tuple[tuple[str, str], ...] = TEXTS, *, now: datetime = NOW, url: str = "") -> pl.DataFrame:
    """DOCUMENTS rows, an hour old."""
    rows = [
        {
            "doc_id": hashlib.sha256(f"{source}{text}".encode()).hexdigest()[:16], "source_id": "test", "source": source, "tier": 2,
            "url": url or f"https://news.example.org/{number}", "canonical_url": f"https://news.example.org/{number}",
            "title": text[:60], "lang": "en", "published_at": now - timedelta(hours=1), "ingested_at": now, "text": text,
        }
        for number, (source, text) in enumerate(texts)
    ]  # fmt: skip
    return conform(pl.DataFrame(rows), DOCUMENTS_SCHEMA)


def filled(folder: Path, texts: tuple[tuple[str, str], ...] = TEXTS, *, now: datetime = NOW, url: str = "") -> Store:
    """A store that holds them, scored."""
    store = Store.open(folder / "store.duckdb")
    process(store, kit(), documents(texts, now=now, url=url), now)
    return store
