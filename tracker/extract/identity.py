"""The identity of a fact: the same reading of the same place keeps its id, whichever version of the program made it."""

from __future__ import annotations

import hashlib
from typing import Final

import polars as pl

from tracker.vocabulary import FACTS_SCHEMA

# `extractor_version` is left out on purpose: reprocessing with a better extractor must not rename what it agrees with.
_IDENTITY: Final = [name for name in FACTS_SCHEMA if name not in ("fact_id", "quote", "extractor", "extractor_version")]


def with_fact_ids(facts: pl.DataFrame) -> pl.DataFrame:
    """Fill `fact_id` (FACTS schema); rows that say the same of the same place become one."""
    if facts.is_empty():
        return facts
    joined = facts.select(pl.concat_str([pl.col(n).cast(pl.String).fill_null("") for n in _IDENTITY], separator="\x1f"))
    ids = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in joined.to_series()]
    return facts.with_columns(pl.Series("fact_id", ids, dtype=pl.String)).unique(
        "fact_id", keep="first", maintain_order=True
    )
