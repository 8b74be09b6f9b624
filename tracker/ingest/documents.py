"""Items become documents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

import polars as pl

from tracker.ingest.formats.types import Item
from tracker.ingest.sources import Source
from tracker.text.identity import document_id
from tracker.text.language import detect_language
from tracker.text.normalise import normalise_text, one_line
from tracker.text.urls import canonical_url
from tracker.vocabulary import DOCUMENTS_SCHEMA


def build_documents(items: Iterable[tuple[Item, str | None]], source: Source, ingested_at: datetime) -> pl.DataFrame:
    """Documents (DOCUMENTS schema) of items with the SHA-256 of the bytes each was read from.

    An item without text keeps its title as text; one with neither is dropped (nothing can be read from it). An item
    without a date counts as published when it was ingested; one dated after that, too (clocks and typos).
    """
    rows = []
    for item, raw_sha256 in items:
        title = one_line(item.title)
        text = normalise_text(item.text) or title
        if not text:
            continue
        canonical = canonical_url(item.url) or f"urn:{source.id}:{item.guid or ''}"
        published = item.published_at if item.published_at and item.published_at <= ingested_at else ingested_at
        rows.append(
            {
                "doc_id": document_id(canonical, text),
                "source_id": source.id,
                "source": urlsplit(item.url).hostname or source.publisher,
                "tier": source.tier,
                "entity": item.entity or source.issuer,
                "url": item.url,
                "canonical_url": canonical,
                "title": title or text[:120],
                "lang": item.lang or detect_language(f"{title}\n{text}"),
                "published_at": published,
                "ingested_at": ingested_at,
                "text": text,
                "raw_sha256": raw_sha256,
                "story_id": None,
            }
        )
    return pl.DataFrame(rows, schema=DOCUMENTS_SCHEMA, orient="row").unique("doc_id", keep="first", maintain_order=True)
