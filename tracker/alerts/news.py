"""What the alerts of one moment are made from, read once for all of them as plain rows: building each needs no frames.

An alert tells its own signals, the strongest that was known on the other side, and how its claims moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracker.alerts.digest import ALERT_SIDE, HISTORY, Line, Row, by_side
from tracker.store import Store
from tracker.vocabulary import SEVERITIES

WHOLE: Final = "THESIS"  # stands in conviction beside the claims
_SEPARATOR: Final = "\x1f"

# a signal with its first fact and document; `created_at` is when it was first made, even if it was retired in between
_READ: Final = """
SELECT s.signal_id, s.rule_id, s.claim, s.direction, s.severity, s.strength, s.confidence,
       (SELECT min(x.created_at) FROM signals x WHERE x.signal_id = s.signal_id) AS created_at, s.explanation,
       s.explanation_zh, s.racks_base, s.entity, s.beneficiaries, s.squeezed, s.review, s.story_id,
       f.quote, coalesce(d.source, 'hardware model') AS source, d.title, d.url, s.effective_at AS published_at
FROM (SELECT * FROM v_signals WHERE {which}) s
LEFT JOIN facts f ON f.fact_id = s.fact_ids[1] AND f.superseded_at IS NULL
LEFT JOIN documents d ON d.doc_id = s.doc_ids[1]
WHERE coalesce(s.review, '') <> 'reject' AND s.created_at <= $end
"""
EVIDENCE: Final = _READ.format(which="true")
_CHOSEN: Final = _READ.format(which="signal_id IN (SELECT unnest(string_split($ids, chr(31))))")
_CLAIMS: Final = "SELECT DISTINCT claim FROM signals WHERE signal_id IN (SELECT unnest(string_split($ids, chr(31))))"
# aggregates, not windows: this is asked for every alert, and a window costs three times as much on any number of rows
_STRONGEST: Final = f"""
SELECT unnest(arg_max(signal_id, {{
         'rank': list_position({list(SEVERITIES)}, severity), 'weight': strength * confidence, 'at': effective_at, 'id': signal_id
       }}, $most)) AS signal_id
FROM v_signals
WHERE coalesce(review, '') <> 'reject' AND created_at <= $since AND claim IN (SELECT unnest(string_split($claims, chr(31))))
  AND signal_id NOT IN (SELECT unnest(string_split($ids, chr(31))))
GROUP BY claim, direction
"""
_LINES: Final = """
SELECT claim, unnest(arg_max({'at': as_of, 'probability': probability}, as_of, $history), recursive := true) FROM conviction
WHERE as_of <= $since AND claim IN (SELECT unnest(string_split($claims, chr(31)))) GROUP BY claim
UNION ALL
SELECT claim, as_of, probability FROM conviction
WHERE as_of > $since AND as_of <= $end AND claim IN (SELECT unnest(string_split($claims, chr(31))))
"""
# what reads the same counts once: some more are read than are shown
_READ_PER_SIDE: Final = 4 * ALERT_SIDE


@dataclass(frozen=True)
class News:
    """Rows of EVIDENCE and the history of conviction, for the alerts of one moment."""

    own: Mapping[str, Row]  # signal -> itself
    known: Mapping[tuple[str, int], Sequence[Row]]  # (claim, direction) -> the strongest known before, strongest first
    lines: Mapping[str, Line]  # claim -> how it moved, oldest first


def news_of(store: Store, signal_ids: Sequence[str], since: datetime, end: datetime) -> News:
    """Read what is told of these signals at `end`; `since`: the moment before the first of them came."""
    ids = _SEPARATOR.join(signal_ids)
    claims = store.read(_CLAIMS, {"ids": ids})["claim"].to_list()
    about = {"claims": _SEPARATOR.join([*claims, WHOLE]), "since": since}
    others = store.read(_STRONGEST, about | {"ids": ids, "most": _READ_PER_SIDE})["signal_id"]
    rows = store.read(_CHOSEN, {"ids": _SEPARATOR.join([*signal_ids, *others]), "end": end}).rows(named=True)
    wanted = set(signal_ids)
    own = {row["signal_id"]: row for row in rows if row["signal_id"] in wanted}
    before = [row for row in rows if row["signal_id"] not in wanted]
    lines: dict[str, Line] = {}
    for claim, at, probability in sorted(store.read(_LINES, about | {"end": end, "history": HISTORY}).iter_rows()):
        times, values = lines.setdefault(claim, ([], []))
        times.append(at)
        values.append(probability)
    return News(own, by_side(before), lines)
