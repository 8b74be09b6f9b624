"""Carries out what the stages decide: keeps decisions, and turns what is due into queued messages.

Everything happens in the transaction that stores the signals, so a crash loses nothing; whatever waits (for its group,
for the end of a mute time, for room in the hour) lies in `notices` and is looked at again by the daemon.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tracker.alerts import outbox
from tracker.alerts.content import names_of
from tracker.alerts.digest import Row, build_alert
from tracker.alerts.news import News, news_of
from tracker.alerts.recipients import Recipient
from tracker.alerts.route import Candidate, Decision, Past, candidates, decide, labels_of
from tracker.alerts.stages.group import group_key
from tracker.alerts.stages.match import LABELS
from tracker.alerts.stages.throttle import HOUR, throttle
from tracker.alerts.subscriptions import still_wanted
from tracker.config import MailSettings
from tracker.store import Store
from tracker.vocabulary import SEVERITIES, UTC_TIME

if TYPE_CHECKING:
    from tracker.kit import Kit

FOLD: Final = "fold"
# What is over waits for the next round, so that no transaction grows without bound; a smaller one would fall behind a flood,
# for a round has its fixed cost.
MESSAGES_AT_ONCE: Final = 200
_NOTICE: Final[dict[str, Any]] = {
    **dict.fromkeys(("recipient", "signal_id", "route", "group_key", "severity", "state", "reason"), pl.String),
    **dict.fromkeys(("due_at", "decided_at", "changed_at"), UTC_TIME),
}
_TIERS: Final = "SELECT doc_id, tier FROM documents WHERE doc_id IN (SELECT unnest(string_split($docs, chr(31))))"
_KNOWN: Final = """
SELECT signal_id, rule_id, claim, pillar, direction, severity, entity, doc_ids, story_id, review, effective_at
FROM v_signals WHERE claim IN (SELECT unnest(string_split($claims, chr(31)))) AND effective_at >= $since
"""
_GROUPS: Final = """
SELECT recipient, group_key, min(due_at) FILTER (state = 'waiting') AS waiting, max(changed_at) FILTER (state = 'told') AS told
FROM notices WHERE changed_at >= $since AND group_key IN (SELECT unnest(string_split($groups, chr(31)))) GROUP BY ALL
"""
_DUE: Final = "SELECT * FROM notices WHERE state = 'waiting' AND due_at <= $now ORDER BY due_at, signal_id"
_STANDING: Final = "SELECT signal_id FROM v_signals WHERE coalesce(review, '') <> 'reject'"
_TOLD: Final = """
UPDATE notices SET state = 'told', alert_id = t.alert_id, changed_at = $now
FROM (SELECT unnest(string_split($who, chr(31))) AS recipient, unnest(string_split($signals, chr(31))) AS signal_id,
             unnest(string_split($alerts, chr(31))) AS alert_id) t
WHERE notices.recipient = t.recipient AND notices.signal_id = t.signal_id AND notices.state = 'waiting'
"""
_REMEMBERED: Final = timedelta(days=7)
_INSTANT: Final = timedelta(microseconds=1)
Group = list[Row]  # notices that share a message


def take(
    store: Store, kit: Kit, signals: pl.DataFrame, recipients: Sequence[Recipient], mail: MailSettings, now: datetime
) -> int:
    """Route new signals (SIGNALS schema) and queue what is due at once; returns how many messages were queued."""
    labels = labels_of(signals, kit.lexicon.layers, tiers(store, signals))
    wanted = still_wanted(store, recipients, "immediate")
    called = [c for c in candidates(labels, kit.routing, wanted, now) if c.told]
    if not called:
        return 0
    decisions = decide(called, kit.routing, past(store, kit, called, now), now)
    remember(store, decisions, now)
    return flush(store, kit, recipients, mail, now)


def tiers(store: Store, signals: pl.DataFrame) -> pl.DataFrame:
    """(doc_id, tier) of the documents behind signals."""
    docs = signals["doc_ids"].explode().drop_nulls().unique().sort()
    return store.read(_TIERS, {"docs": "\x1f".join(docs)})


def past(store: Store, kit: Kit, called: Sequence[Candidate], now: datetime) -> Past:
    """What the stages must know of before, for these candidates."""
    since = now - max((rule.lasts for rule in kit.routing.inhibitions), default=timedelta(0))
    known = pl.DataFrame(schema=LABELS)
    if kit.routing.inhibitions:
        claims = "\x1f".join(sorted({str(c.labels["claim"]) for c in called}))
        rows = store.read(_KNOWN, {"claims": claims, "since": since})
        known = labels_of(rows, kit.lexicon.layers, tiers(store, rows))
    keys = sorted({group_key(c.route, c.labels) for c in called})
    groups = store.read(_GROUPS, {"since": now - _REMEMBERED, "groups": "\x1f".join(keys)})
    return Past(
        outbox.silences(store),
        known,
        {(r, g): at for r, g, at, _ in groups.iter_rows() if at is not None},
        {(r, g): at for r, g, _, at in groups.iter_rows() if at is not None},
    )


def remember(store: Store, decisions: Sequence[Decision], now: datetime) -> None:
    """Keep decisions; a signal is decided once per recipient, whatever happens later."""
    rows = [
        {
            "recipient": d.recipient.address, "signal_id": d.signal_id, "route": d.route.name, "group_key": d.group,
            "severity": d.severity, "state": "digest" if d.how == "digest" else "waiting", "reason": d.reason,
            "due_at": d.due_at, "decided_at": now, "changed_at": now,
        }
        for d in decisions
    ]  # fmt: skip
    store.append("notices", pl.DataFrame(rows, schema=_NOTICE))


def flush(store: Store, kit: Kit, recipients: Sequence[Recipient], mail: MailSettings, now: datetime) -> int:
    """Queue a message for groups whose time has come; returns how many. Call again until it is none."""
    if not waiting(store, now):  # as almost always: a count costs a quarter of reading the rows
        return 0
    due = store.read(_DUE, {"now": now})
    by_address = {r.address: r for r in recipients}
    with store.transaction():
        due = _without_withdrawn(store, due, now)
        chosen: list[tuple[Recipient, Group]] = []
        for (address,), part in due.group_by("recipient", maintain_order=True):
            recipient = by_address.get(str(address))
            if recipient is None:
                _change(store, str(address), part["signal_id"], now, state="digest", reason="no recipient any more")
            else:
                groups = _affordable(store, recipient, part.rows(named=True), now)
                chosen += [(recipient, group) for group in groups[: MESSAGES_AT_ONCE - len(chosen)]]
        if not chosen:
            return 0
        told = [notice for _, group in chosen for notice in group]
        since = min(notice["decided_at"] for notice in told) - _INSTANT
        news = news_of(store, sorted({notice["signal_id"] for notice in told}), since, now)
        messages = [_message(kit, recipient, group, mail, news, now) for recipient, group in chosen]
        _told(store, messages, now)
        return outbox.enqueue(store, messages, now)


def _without_withdrawn(store: Store, due: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """What was retired or rejected while it waited is not told."""
    if due["decided_at"].min() == now:
        return due  # decided this moment: nothing can have been taken back
    gone = due.join(store.read(_STANDING), on="signal_id", how="anti")
    for (address,), part in gone.group_by("recipient"):
        _change(store, str(address), part["signal_id"], now, state="digest", reason="taken back while it waited")
    return due.join(gone.select("recipient", "signal_id"), on=["recipient", "signal_id"], how="anti")


def _affordable(store: Store, recipient: Recipient, due: Sequence[Row], now: datetime) -> list[Group]:
    """The groups that go out now; what is folded or left to the digest is marked so."""
    by_key: dict[str, Group] = {}
    for notice in due:
        by_key.setdefault(notice["group_key"], []).append(notice)
    groups = sorted(by_key.values(), key=lambda g: -_loudest(g))  # stable: among equals the one due first
    sent, today = _spent(store, recipient, now)
    spread = throttle(
        groups, sent=sent, sent_today=today, per_hour=recipient.per_hour, per_day=recipient.per_day, now=now
    )
    if over := [notice["signal_id"] for part in spread.digest for notice in part]:
        reason = f"over the budget of {recipient.per_day} messages a day"
        _change(store, recipient.address, over, now, state="digest", reason=reason)
    if not spread.fold or spread.fold_at is None:
        return spread.now
    folded = [notice for part in spread.fold for notice in part]
    reason = f"folded: more than {recipient.per_hour} messages an hour"
    _change(
        store, recipient.address, [notice["signal_id"] for notice in folded], now,
        state="waiting", reason=reason, group_key=FOLD, due_at=spread.fold_at,
    )  # fmt: skip
    return [*spread.now, folded] if spread.fold_at <= now else spread.now


def _loudest(part: Group) -> int:
    return max(SEVERITIES.index(notice["severity"]) for notice in part)


def _spent(store: Store, recipient: Recipient, now: datetime) -> tuple[list[datetime], int]:
    """When the immediate messages of the last hour were queued, and how many of this local day."""
    midnight = datetime.combine(now.astimezone(recipient.zone).date(), time(0), tzinfo=recipient.zone).astimezone(UTC)
    rows = store.read(
        "SELECT created_at FROM alerts WHERE kind = 'immediate' AND recipient = $who AND created_at > $since",
        {"who": recipient.address, "since": min(midnight, now - HOUR)},
    )
    times: list[datetime] = rows["created_at"].to_list()
    return [t for t in times if t > now - HOUR], sum(t >= midnight for t in times)


def _message(
    kit: Kit, recipient: Recipient, group: Group, mail: MailSettings, news: News, now: datetime
) -> outbox.Prepared:
    """The message of a group; it tells what came since before the first of its signals, however long it waited."""
    ids = sorted(notice["signal_id"] for notice in group)
    content = build_alert(
        recipient=recipient,
        local_date=now.astimezone(recipient.zone).date(),
        thesis=kit.thesis,
        own=[news.own[signal] for signal in ids if signal in news.own],
        known=news.known,
        lines=news.lines,
        start=min(notice["decided_at"] for notice in group) - _INSTANT,
        names=names_of(kit.lexicon, recipient.language),
    )
    routes = {notice["route"] for notice in group}
    repeats = [at for route in kit.routing.root.every() if route.name in routes and (at := route.repeat_interval)]
    return outbox.prepare(
        kit, mail, recipient, content, outbox.alert_key("immediate", recipient.address, *ids), now,
        signal_ids=ids, severity=SEVERITIES[_loudest(group)], repeat_at=now + min(repeats) if repeats else None,
    )  # fmt: skip


def _told(store: Store, messages: Sequence[outbox.Prepared], now: datetime) -> None:
    """Mark what the messages tell."""
    rows = [(m.alert["recipient"], signal, m.alert["alert_id"]) for m in messages for signal in m.alert["signal_ids"]]
    if rows:
        who, signals, alerts = ("\x1f".join(column) for column in zip(*rows, strict=True))
        store.execute(_TOLD, {"now": now, "who": who, "signals": signals, "alerts": alerts})


def _change(store: Store, address: str, signal_ids: Iterable[str], now: datetime, **values: Any) -> None:
    assignments = ", ".join(f"{name} = ${name}" for name in values)
    store.execute(
        f"UPDATE notices SET {assignments}, changed_at = $changed WHERE recipient = $who AND state = 'waiting' "
        "AND signal_id IN (SELECT unnest(string_split($ids, chr(31))))",
        {**values, "changed": now, "who": address, "ids": "\x1f".join(signal_ids)},
    )


def waiting(store: Store, now: datetime) -> int:
    """Notices whose time has come."""
    return int(store.scalar("SELECT count(*) FROM notices WHERE state = 'waiting' AND due_at <= $now", {"now": now}))


def explain(
    store: Store, kit: Kit, labels: pl.DataFrame, recipients: Sequence[Recipient], now: datetime
) -> list[Decision]:
    """Where signals (LABELS) would go if they came now, for every recipient; nothing is kept."""
    found = candidates(labels, kit.routing, recipients, now)
    return decide(found, kit.routing, past(store, kit, found, now), now)
