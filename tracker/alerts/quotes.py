"""Short quotes told as the sentence they stand in: the words a fact was read from can be as few as "sold out"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import polars as pl

from tracker.alerts.parts import Digest
from tracker.store import Store

_AROUND: Final = """
SELECT s.signal_id, substr(d.text, greatest(1, f.start - 239), f."end" - f.start + 480) AS stretch,
       least(f.start, 240) AS start, f."end" - f.start AS long
FROM (SELECT signal_id, fact_ids, doc_ids FROM v_signals WHERE signal_id IN (SELECT unnest(string_split($ids, chr(31))))) s
JOIN facts f ON f.fact_id = s.fact_ids[1] AND f.superseded_at IS NULL
JOIN (
  SELECT doc_id, text FROM documents WHERE doc_id IN (
    SELECT unnest(doc_ids) FROM v_signals WHERE signal_id IN (SELECT unnest(string_split($ids, chr(31))))
  )
) d ON d.doc_id = f.doc_id
WHERE f.start IS NOT NULL AND len(f.quote) < $short
"""
_SHORT: Final = 60  # a quote of fewer characters is told as the sentence it stands in
_ENDS: Final = re.compile(r"(?<=[.!?])\s+|(?<=[。！？\n])|\n")


def with_quotes(evidence: pl.DataFrame, quotes: Mapping[str, str]) -> pl.DataFrame:
    """Evidence with other quotes for some signals."""
    ids = evidence["signal_id"].to_list()
    told = [quotes.get(key) or quote for key, quote in zip(ids, evidence["quote"], strict=True)]
    return evidence.with_columns(quote=pl.Series(told, dtype=pl.String))


def whole_sentences(store: Store, digest: Digest) -> dict[str, str]:
    """Signal -> the sentence its short quote stands in, of what a mail tells."""
    told = [e for m in digest.moves for e in (*m.evidence_for, *m.evidence_against)]
    told += [e for r in digest.reporters for e in r.said]
    if not told:
        return {}
    rows = store.read(_AROUND, {"ids": "\x1f".join(sorted({e.signal_id for e in told})), "short": _SHORT})
    return {key: sentence_at(text, start, start + long) for key, text, start, long in rows.iter_rows()}


def sentence_at(text: str, start: int, stop: int) -> str:
    """The sentence around a stretch of a text; a cut one begins or ends with an ellipsis."""
    before, after = _ENDS.split(text[:start])[-1], _ENDS.split(text[stop:])[0]
    cut_front, cut_back = before == text[:start] and start >= 240, after == text[stop:] and len(after) >= 240
    return ("…" if cut_front else "") + before + text[start:stop] + after + ("…" if cut_back else "")
