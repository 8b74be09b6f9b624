"""What the alerts of one moment are made from, read once for all of them as plain rows: building each needs no frames.

An alert tells its own signals, the strongest that was known on the other side, and how its claims moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tracker.alerts.digest import ALERT_SIDE, HISTORY, Line, Row, by_side
from tracker.store import Store
from tracker.vocabulary import SEVERITIES

# a signal with its first fact and document; `created_at` is when it was first made, even if it was retired in between
EVIDENCE: Final = """
SELECT s.signal_id, s.rule_id, s.claim, s.direction, s.severity, s.strength, s.confidence,
       (SELECT min(x.created_at) FROM signals x WHERE x.signal_id = s.signal_id) AS created_at, s.explanation,
       s.explanation_zh, s.racks_base, s.entity, s.beneficiaries, s.squeezed, s.review, s.story_id,
       f.quote, coalesce(d.source, 'hardware model') AS source, d.title, d.url, s.effective_at AS published_at
FROM v_signals s
LEFT JOIN facts f ON f.fact_id = s.fact_ids[1] AND f.superseded_at IS NULL
LEFT JOIN documents d ON d.doc_id = s.doc_ids[1]
WHERE coalesce(s.review, '') <> 'reject' AND s.created_at <= $end
"""
_STRONG: Final = "rank DESC, weight DESC, effective_at DESC NULLS LAST, signal_id"
_OWN: Final = "SELECT unnest(string_split($ids, chr(31))) AS signal_id"
# what reads the same counts once
_TOLD: Final = f"""
{EVIDENCE} AND s.signal_id IN (
  {_OWN} UNION ALL
  SELECT signal_id FROM (
    SELECT signal_id, claim, direction, rank, weight, effective_at FROM (
      SELECT signal_id, claim, direction, explanation, effective_at, strength * confidence AS weight,
             list_position({list(SEVERITIES)}, severity) AS rank
      FROM v_signals WHERE coalesce(review, '') <> 'reject' AND created_at <= $since AND created_at <= $end
        AND claim IN (SELECT claim FROM signals SEMI JOIN ({_OWN}) USING (signal_id))
    ) ANTI JOIN ({_OWN}) USING (signal_id)
    QUALIFY row_number() OVER (PARTITION BY claim, direction, explanation ORDER BY {_STRONG}) = 1
  )
  QUALIFY row_number() OVER (PARTITION BY claim, direction ORDER BY {_STRONG}) <= $most
)
"""
_LINES: Final = f"""
SELECT claim, as_of, probability FROM conviction
WHERE as_of <= $end
  AND claim IN (SELECT claim FROM signals SEMI JOIN ({_OWN}) USING (signal_id) UNION ALL SELECT 'THESIS')
QUALIFY as_of > $since OR row_number() OVER (PARTITION BY claim, as_of > $since ORDER BY as_of DESC) <= $history
ORDER BY claim, as_of
"""


@dataclass(frozen=True)
class News:
    """Rows of EVIDENCE and the history of conviction, for the alerts of one moment."""

    own: Mapping[str, Row]  # signal -> itself
    known: Mapping[tuple[str, int], Sequence[Row]]  # (claim, direction) -> the strongest known before, strongest first
    lines: Mapping[str, Line]  # claim -> how it moved, oldest first


def news_of(store: Store, signal_ids: Sequence[str], since: datetime, end: datetime) -> News:
    """Read what is told of these signals at `end`; `since`: the moment before the first of them came."""
    ids = "\x1f".join(signal_ids)
    both: dict[str, Any] = {"ids": ids, "since": since, "end": end}
    wanted = set(signal_ids)
    own: dict[str, Row] = {}
    before: list[Row] = []
    for row in store.read(_TOLD, both | {"most": ALERT_SIDE}).iter_rows(named=True):
        if row["signal_id"] in wanted:
            own[row["signal_id"]] = row
        else:
            before.append(row)
    lines: dict[str, Line] = {}
    for claim, at, probability in store.read(_LINES, both | {"history": HISTORY}).iter_rows():
        times, values = lines.setdefault(claim, ([], []))
        times.append(at)
        values.append(probability)
    return News(own, by_side(before), lines)
