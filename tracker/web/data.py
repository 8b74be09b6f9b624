"""What the pages show, read from the published snapshot. Every function takes a connection and returns plain rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from tracker.errors import StoreError
from tracker.store import open_snapshot, query

MOST_ROWS: Final = 500
QUESTION_S: Final = 10.0  # a question that takes longer is cut off
Rows = list[dict[str, Any]]

_SIGNALS: Final = """
SELECT s.signal_id, s.claim, s.direction, s.severity, s.strength, s.confidence, s.racks_base, s.entity, s.explanation,
       s.explanation_zh, s.rule_id, s.effective_at, s.created_at, s.review, d.url, d.source, f.quote
FROM v_signals s LEFT JOIN facts f ON f.fact_id = s.fact_ids[1] AND f.superseded_at IS NULL
LEFT JOIN documents d ON d.doc_id = s.doc_ids[1]
WHERE ($claim = '' OR s.claim = $claim) AND ($entity = '' OR s.entity = $entity) AND ($rule = '' OR s.rule_id = $rule)
  AND ($direction = 0 OR s.direction = $direction) AND ($words = '' OR contains(lower(s.explanation), lower($words)))
ORDER BY s.effective_at DESC, s.signal_id LIMIT $limit
"""
_CLAIMS: Final = """
SELECT claim, arg_max(probability, as_of) AS now, max(as_of) AS as_of, arg_max(stage, as_of) AS stage,
       arg_max(evidence_for, as_of) AS evidence_for, arg_max(evidence_against, as_of) AS evidence_against,
       list(probability ORDER BY as_of) AS line,
       arg_max(probability, as_of) FILTER (as_of <= (SELECT max(as_of) FROM conviction) - INTERVAL 7 DAY) AS week_ago
FROM conviction GROUP BY claim ORDER BY claim
"""
_EVIDENCE: Final = """
SELECT f.fact_id, f.kind, f.entity, f.product, f.value_low, f.value_high, f.unit, f.currency, f.period, f.basis, f.quote,
       f.start, f."end" AS stop, f.racks_base, f.racks_method, d.doc_id, d.title, d.source, d.url, d.published_at, d.text
FROM (SELECT unnest(fact_ids) AS fact_id FROM v_signals WHERE signal_id = $id) s
JOIN facts f ON f.fact_id = s.fact_id AND f.superseded_at IS NULL LEFT JOIN documents d ON d.doc_id = f.doc_id LIMIT 20
"""
_RULES: Final = """
SELECT rule_id, count(*) AS signals, count(*) FILTER (created_at > (SELECT max(created_at) FROM signals) - INTERVAL 30 DAY) AS month,
       count(*) FILTER (review IN ('confirm', 'correct')) AS confirmed, count(*) FILTER (review = 'reject') AS rejected
FROM v_signals GROUP BY rule_id
"""
AROUND: Final = 700  # characters of a document shown on either side of a quote


@contextmanager
def snapshot(store_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published snapshot for the time of one page."""
    connection = open_snapshot(store_path)
    try:
        yield connection
    finally:
        connection.close()


def claims(connection: duckdb.DuckDBPyConnection) -> Rows:
    """Latest conviction of every claim, pillar and the thesis, with its line and where it stood a week ago."""
    return query(connection, _CLAIMS).to_dicts()


def history(connection: duckdb.DuckDBPyConnection, claim: str) -> pl.DataFrame:
    """(as_of, probability) of a claim, oldest first."""
    return query(
        connection,
        "SELECT as_of, probability FROM conviction WHERE claim = $claim ORDER BY as_of",
        {"claim": claim},
    )


def signals(
    connection: duckdb.DuckDBPyConnection,
    *,
    claim: str = "",
    entity: str = "",
    rule: str = "",
    direction: int = 0,
    words: str = "",
    limit: int = 100,
) -> Rows:
    """Standing signals, newest first."""
    params = {
        "claim": claim, "entity": entity, "rule": rule, "direction": direction, "words": words,
        "limit": max(1, min(limit, MOST_ROWS)),
    }  # fmt: skip
    return query(connection, _SIGNALS, params).to_dicts()


def signal(connection: duckdb.DuckDBPyConnection, signal_id: str) -> dict[str, Any] | None:
    """A signal with its facts, each with the stretch of its document around the quote (before, quote, after)."""
    rows = query(connection, "SELECT * FROM v_signals WHERE signal_id = $id", {"id": signal_id})
    if rows.is_empty():
        return None
    facts = [_in_document(row) for row in query(connection, _EVIDENCE, {"id": signal_id}).iter_rows(named=True)]
    return rows.row(0, named=True) | {"facts": facts}


def _in_document(row: dict[str, Any]) -> dict[str, Any]:
    """Add before, marked and after: the document around the sentence, and the sentence as it stands there."""
    text, start, stop = row.pop("text") or "", row["start"], row["stop"]
    if start is None or stop is None or not 0 <= start < stop <= len(text):
        return row | {"before": "", "marked": row["quote"] or "", "after": ""}
    first, last = max(0, start - AROUND), min(len(text), stop + AROUND)
    return row | {
        "before": ("… " if first else "") + text[first:start],
        "marked": text[start:stop],
        "after": text[stop:last] + (" …" if last < len(text) else ""),
    }


def sources(connection: duckdb.DuckDBPyConnection) -> Rows:
    """Sources, the ailing ones first."""
    return query(
        connection,
        "SELECT * FROM v_source_health ORDER BY array_position(['dead', 'failing', 'new', 'ok', 'off'], health), name",
    ).to_dicts()


def ledger(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The latest ledger."""
    return query(connection, "SELECT * FROM v_ledger ORDER BY quarter, link, side")


def rule_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Per rule: signals, signals of the last month, confirmed and rejected ones."""
    return {row["rule_id"]: row for row in query(connection, _RULES).iter_rows(named=True)}


def ask(connection: duckdb.DuckDBPyConnection, question: str) -> pl.DataFrame:
    """The first rows of a question; StoreError when DuckDB does not like it or it takes too long."""
    late = threading.Timer(QUESTION_S, connection.interrupt)
    late.start()
    try:
        # wrapped, so that no result larger than a page is built; statements that cannot be wrapped (SHOW) run as they are
        bare = question.strip().rstrip(";")
        wrapped = bare.lower().startswith(("select", "with", "from"))
        return query(connection, f"SELECT * FROM ({bare}\n) LIMIT {MOST_ROWS}" if wrapped else bare).head(MOST_ROWS)
    except StoreError as error:
        if "interrupt" in str(error).lower():
            raise StoreError(f"the question took longer than {QUESTION_S:.0f} s", hint="narrow it down") from error
        raise
    finally:
        late.cancel()
