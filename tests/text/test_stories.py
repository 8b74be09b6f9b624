"""Reprints become one story, and what is kept from the search cannot have been found."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tracker.text.stories import STORY_WINDOW_DAYS, THRESHOLD, _bands, assign_stories, signatures

START = datetime(2026, 5, 1, tzinfo=UTC)
WORDS = [a + b for a in ("val", "gar", "mus", "win", "pen", "cor") for b in ("ley", "den", "ic", "ter", "cil", "ner")]


def some_documents(count: int, seed: int) -> pl.DataFrame:
    """Texts of which every third prints the one before again with some words changed."""
    rng = random.Random(seed)
    texts: list[list[str]] = []
    for i in range(count):
        words = list(texts[-1]) if i % 3 == 2 else rng.choices(WORDS, k=120)
        for at in rng.sample(range(120), rng.randint(0, 12)):
            words[at] = rng.choice(WORDS)
        texts.append(words)
    return pl.DataFrame(
        {
            "doc_id": [f"d{i:03}" for i in range(count)], "title": "", "text": [" ".join(t) for t in texts],
            "published_at": [START + timedelta(hours=7 * i) for i in range(count)],
        }
    )  # fmt: skip


def by_hand(documents: pl.DataFrame) -> dict[str, str]:
    """The story of each document, every pair compared."""
    made = signatures(("\n" + documents["text"]).to_list())
    bands, rows = _bands()
    stories: dict[str, str] = {}
    told = list(documents.select("doc_id", "published_at").iter_rows())
    for i, (doc_id, at) in enumerate(told):
        best = (THRESHOLD, "")
        for j in range(i):
            same = made[i] == made[j]
            shares = any(same[b * rows : (b + 1) * rows].all() for b in range(bands))
            if shares and at - told[j][1] <= timedelta(days=STORY_WINDOW_DAYS):
                best = max(best, (float(np.mean(same)), told[j][0]))
        stories[doc_id] = stories[best[1]] if best[1] else doc_id
    return stories


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_meets_its_stories_as_if_every_pair_were_compared(seed: int) -> None:
    documents = some_documents(60, seed)
    expected = by_hand(documents)
    nothing = assign_stories(documents.clear(), documents.clear())
    known = assign_stories(documents[:40], nothing)
    found = assign_stories(documents[40:], known)
    assert len(set(expected.values())) < documents.height
    assert dict(pl.concat([known, found]).select("doc_id", "story_id").iter_rows()) == expected
