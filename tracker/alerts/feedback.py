"""What a reader's click does: a verdict, a silence, an end to mails. Following a link twice does it once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tracker.alerts import subscriptions
from tracker.alerts.links import SILENCE_FOR, Answer, LinkError
from tracker.alerts.subscriptions import mail_kind
from tracker.store import Store
from tracker.vocabulary import UTC_TIME

if TYPE_CHECKING:
    from tracker.kit import Kit

_SIGNAL: Final = """
SELECT signal_id, rule_id, claim, entity, explanation, explanation_zh FROM signals WHERE signal_id = $id
ORDER BY created_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class Effect:
    """What came of a click: whether it was new, what it is about, and what would take it back."""

    new: bool
    about: str
    undo: str = ""  # target of the link that takes it back


def apply(store: Store, kit: Kit, answer: Answer, now: datetime) -> Effect:
    """Do what a signed link asks for. Raises LinkError when it is about something unknown or over."""
    with store.transaction():
        if answer.action == "unsubscribe":
            new = subscriptions.end(store, answer.recipient, mail_kind(answer.target), answer.issued_at, now)
            return Effect(new, "", f"unsubscribe:{answer.target}")
        if answer.action == "undo":
            return _undo(store, kit, answer, now)
        signal = _signal(store, answer.target)
        if answer.action == "silence":
            new = _added(store, "silences", _silence(answer, signal, now))
        else:
            new = _judge(store, kit, answer, answer.target, answer.action, now)
        return Effect(new, _said(signal, answer), f"{answer.action}:{answer.target}")


def _undo(store: Store, kit: Kit, answer: Answer, now: datetime) -> Effect:
    action, _, target = answer.target.partition(":")
    if action == "unsubscribe":
        taken_back = subscriptions.begin_again(
            store, answer.recipient, now, kind=mail_kind(target), issued_at=answer.issued_at
        )
        return Effect(bool(taken_back), "")
    signal = _signal(store, target)
    if action == "silence":
        params = {"who": answer.recipient, "rule": signal["rule_id"], "entity": signal["entity"], "now": now}
        running = "author = $who AND rule_id = $rule AND entity IS NOT DISTINCT FROM $entity AND until > $now"
        new = bool(store.scalar(f"SELECT count(*) FROM silences WHERE {running}", params))
        store.execute(f"UPDATE silences SET until = $now WHERE {running}", params)
        return Effect(new, _said(signal, answer))
    return Effect(_judge(store, kit, answer, target, "undo", now), _said(signal, answer))


def _judge(store: Store, kit: Kit, answer: Answer, signal_id: str, verdict: str, now: datetime) -> bool:
    from tracker.pipeline import update_conviction  # the pipeline queues alerts, and so imports this room

    row = {
        "review_id": answer.key, "target": "signal", "target_id": signal_id, "verdict": verdict, "correction": None,
        "author": answer.recipient, "reason": "by a link in a mail", "reviewed_at": now,
    }  # fmt: skip
    if not _added(store, "reviews", row):
        return False
    update_conviction(store, kit, now)
    return True


def _silence(answer: Answer, signal: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "silence_id": answer.key, "claim": None, "entity": signal["entity"], "rule_id": signal["rule_id"],
        "until": now + SILENCE_FOR, "author": answer.recipient, "reason": "by a link in a mail", "created_at": now,
        "recipient": answer.recipient,
    }  # fmt: skip


def _signal(store: Store, signal_id: str) -> dict[str, Any]:
    rows = store.read(_SIGNAL, {"id": signal_id})
    if rows.is_empty():
        raise LinkError("gone")
    return rows.row(0, named=True)


def _said(signal: dict[str, Any], answer: Answer) -> str:
    chinese = signal["explanation_zh"] if answer.language == "zh" else None
    return str(chinese or signal["explanation"])


def _added(store: Store, table: str, row: dict[str, Any]) -> bool:
    schema = {k: UTC_TIME if isinstance(v, datetime) else pl.String() for k, v in row.items()}
    return not store.append(table, pl.DataFrame([row], schema=schema)).is_empty()
