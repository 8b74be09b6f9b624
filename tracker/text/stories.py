"""Near-duplicates become one story: a wire text printed by ten sites is one piece of evidence.

MinHash signatures and banded lookup (datasketch); a document joins the story of the most similar earlier one within two
weeks. Deterministic, and linear in the documents: each is compared only with those that share a band.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import numpy as np
import polars as pl
from datasketch import MinHash, MinHashLSH

STORY_WINDOW_DAYS: Final = 14
PERMUTATIONS: Final = 64
SCHEME: Final = "affine32"  # how hash values are permuted; stored signatures depend on it
THRESHOLD: Final = 0.6
_SAMPLE_CHARS: Final = 12_000  # a reprint shares its beginning; the rest of a long transcript adds cost, not certainty
_WORDS: Final = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?|[\u3400-\u9fff\uac00-\ud7af\u3040-\u30ff]")
_SHINGLE: Final = 4


def shingles(text: str) -> list[bytes]:
    """Runs of four words (Latin) or characters (CJK) of a text's beginning; short texts give what they have."""
    words = _WORDS.findall(text[:_SAMPLE_CHARS].lower())
    if len(words) <= _SHINGLE:
        return [" ".join(words).encode()]
    return list({" ".join(words[i : i + _SHINGLE]).encode() for i in range(len(words) - _SHINGLE + 1)})


def signatures(texts: list[str]) -> np.ndarray:
    """MinHash signatures, one row of 64 hashes a text."""
    # crc32 is three times faster than the default SHA-1, and a collision only costs a shingle
    hashes = MinHash.bulk(
        [shingles(text) for text in texts], num_perm=PERMUTATIONS, seed=1, scheme=SCHEME, hashfunc=zlib.crc32
    )
    return np.stack([one.hashvalues for one in hashes]) if hashes else np.zeros((0, PERMUTATIONS), np.uint32)


def assign_stories(documents: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Add `story_id` and `signature` to documents (doc_id, title, text, published_at).

    known: doc_id, story_id, published_at, signature (binary) of earlier documents, at least those of the last two
    weeks. A story is named after its first document. The result does not depend on the order of rows.
    """
    if documents.is_empty():
        return documents.with_columns(
            pl.lit(None, dtype=pl.String).alias("story_id"), pl.lit(None, dtype=pl.Binary).alias("signature")
        )
    documents = documents.sort("published_at", "doc_id")
    lsh = MinHashLSH(num_perm=PERMUTATIONS, params=_bands())
    members: dict[str, tuple[np.ndarray, str, datetime]] = {}
    window = timedelta(days=STORY_WINDOW_DAYS)
    made = signatures((documents["title"].fill_null("") + "\n" + documents["text"]).to_list())
    for doc_id, story_id, published_at, packed in _near(known, made).iter_rows():
        values = np.frombuffer(packed, np.uint32)
        members[doc_id] = (values, story_id, published_at)
        lsh.insert(doc_id, _minhash(values), check_duplication=False)
    stories: list[str] = []
    for (doc_id, published_at), values in zip(
        documents.select("doc_id", "published_at").iter_rows(), made, strict=True
    ):
        minhash = _minhash(values)
        best, best_key = 0.0, ""
        for other in lsh.query(minhash):
            theirs, _, when = members[other]
            if abs(published_at - when) > window:
                continue
            likeness = float(np.mean(theirs == values))
            if likeness >= THRESHOLD and (likeness, other) > (best, best_key):
                best, best_key = likeness, other
        story = members[best_key][1] if best_key else doc_id
        members[doc_id] = (values, story, published_at)
        lsh.insert(doc_id, minhash, check_duplication=False)
        stories.append(story)
    return documents.with_columns(
        pl.Series("story_id", stories, dtype=pl.String),
        pl.Series("signature", [values.tobytes() for values in made], dtype=pl.Binary),
    )


def _near(known: pl.DataFrame, made: np.ndarray) -> pl.DataFrame:
    """(doc_id, story_id, published_at, signature) of the known documents that share a band with one of `made`.

    The others cannot be found, and putting thousands of them into the tables takes longer than all the rest.
    """
    usable = known.select("doc_id", "story_id", "published_at", "signature").drop_nulls(["story_id", "signature"])
    theirs = np.frombuffer(b"".join(usable["signature"]), np.uint32).reshape(-1, PERMUTATIONS)
    bands, rows = _bands()
    near = np.zeros(usable.height, np.bool_)
    for start in range(0, bands * rows, rows):
        near |= np.isin(_packed(theirs[:, start : start + rows]), _packed(made[:, start : start + rows]))
    return usable.filter(pl.Series(near, dtype=pl.Boolean))


def _packed(band: np.ndarray) -> np.ndarray:
    """Each row of hashes as one value that can be compared."""
    return np.ascontiguousarray(band).view(np.dtype((np.void, band.itemsize * band.shape[1]))).ravel()


def _minhash(values: np.ndarray) -> MinHash:
    return MinHash(num_perm=PERMUTATIONS, seed=1, hashvalues=values, scheme=SCHEME, permutations=_permutations())


@cache
def _permutations() -> np.ndarray:
    """Those of the seed: datasketch draws them anew for every signature it is not told of."""
    return np.asarray(MinHash(num_perm=PERMUTATIONS, seed=1, scheme=SCHEME).permutations)


@cache
def _bands() -> tuple[int, int]:
    """Bands and rows for the threshold, found by numerical integration, which takes a while."""
    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    return lsh.b, lsh.r
