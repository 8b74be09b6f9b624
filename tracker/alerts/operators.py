"""Measures what the watchdogs ask for, and tells operators on their own route: once, again after a while, when it is over."""

from __future__ import annotations

import html
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tracker.alerts import outbox, watchdogs
from tracker.alerts.message import to_message
from tracker.alerts.recipients import Recipient
from tracker.alerts.render import RenderedMail, clean_header, plain
from tracker.alerts.stages.mute import muted
from tracker.alerts.subscriptions import still_wanted
from tracker.alerts.watchdogs import Trouble
from tracker.config import MailSettings
from tracker.store import Store
from tracker.vocabulary import UTC_TIME

if TYPE_CHECKING:
    from tracker.kit import Kit

_HEALTH: Final = "SELECT source_id, name, health, failures, last_error FROM v_source_health WHERE enabled"
_ANSWERS: Final = """
SELECT f.source_id, s.name, f.requested_at, f.items FROM fetches f JOIN sources s USING (source_id)
WHERE s.enabled AND f.items IS NOT NULL AND f.status = 200 AND NOT f.not_modified AND f.requested_at > $since
QUALIFY row_number() OVER (PARTITION BY f.source_id ORDER BY f.requested_at DESC) <= 13
"""
_ACCEPTED: Final = """
SELECT max(a.local_date) FROM alerts a JOIN deliveries d USING (alert_id)
WHERE a.kind IN ('digest', 'weekly', 'earnings') AND a.recipient = $who AND d.state = 'sent'
"""
_DEAD: Final = """
SELECT count(*) AS n, arg_max(last_error, coalesce(claimed_at, next_at)) AS why FROM deliveries WHERE state = 'dead'
"""
SHOWN: Final = 20
_LOOK_BACK: Final = timedelta(days=30)
_TROUBLE: Final[dict[str, Any]] = {
    **dict.fromkeys(("trouble", "kind", "text_en", "text_zh"), pl.String),
    **dict.fromkeys(("first_seen", "last_seen", "told_at", "gone_at"), UTC_TIME),
}
WORDS: Final = {
    "en": {"subject": "Tracker trouble", "over": "Over", "well": "Tracker: all is well again", "more": "and {n} more"},
    "zh": {"subject": "系统故障", "over": "已恢复", "well": "系统已全部恢复", "more": "另有{n}项"},
}


@dataclass(frozen=True)
class Vitals:
    """What only the running process knows."""

    started_at: datetime
    clock_jump_s: float = 0.0


def look(
    store: Store, kit: Kit, mail: MailSettings, vitals: Vitals, calendar: pl.DataFrame, now: datetime
) -> list[Trouble]:
    """Ask every watchdog. calendar: what is due (CALENDAR schema)."""
    asks = kit.routing.operators
    newest: datetime | None = store.scalar("SELECT max(ingested_at) FROM documents")
    ahead_s = max(0.0, (newest - now).total_seconds()) if newest else 0.0
    dead, why = store.read(_DEAD).row(0)
    usage = shutil.disk_usage(store.path.parent)
    readers = still_wanted(store, [r for r in kit.routing.readers(mail) if r.digest_channels], "digest")
    accepted: list[tuple[Recipient, date | None]] = [(r, store.scalar(_ACCEPTED, {"who": r.address})) for r in readers]
    return [
        *watchdogs.dead_sources(store.read(_HEALTH)),
        *watchdogs.shape_changes(store.read(_ANSWERS, {"since": now - _LOOK_BACK})),
        *watchdogs.absent_news(calendar, asks.overdue_days),
        *watchdogs.no_documents(newest, vitals.started_at, now, asks.silent_hours),
        *watchdogs.disk_nearly_full(usage.free / usage.total, asks.disk_free_percent),
        *watchdogs.clock_jump(vitals.clock_jump_s, ahead_s, asks.clock_jump_seconds),
        *watchdogs.late_digests(accepted, vitals.started_at, now, asks.digest_late_minutes),
        *watchdogs.dead_letters(dead, why or ""),
    ]


def operators_of(kit: Kit, mail: MailSettings) -> list[Recipient]:
    """Who hears of trouble: those named in alerts.yaml, else the first recipient there is."""
    readers = kit.routing.readers(mail)
    named = kit.routing.operators.to
    return [r for r in readers if {r.name, r.address} & set(named)] if named else readers[:1]


def report(store: Store, kit: Kit, mail: MailSettings, found: Sequence[Trouble], now: datetime) -> int:
    """Keep troubles, and queue one message per operator with what is new, stands for long, or is over; returns how many."""
    with store.transaction():
        known = {row["trouble"]: row for row in store.read("SELECT * FROM troubles").iter_rows(named=True)}
        repeat = kit.routing.operators.repeat_interval
        rows = [_row(t, known.get(t.id), now, repeat) for t in found]
        fresh = [
            t for t, row in zip(found, rows, strict=True) if row["told_at"] is None or row["told_at"] + repeat <= now
        ]
        standing = {t.id for t in found}
        over = [row for key, row in known.items() if row["gone_at"] is None and key not in standing]
        # the end is news to who heard of the beginning; a jump of the clock has no end
        news_of_end = [r for r in over if r["told_at"] and r["told_at"] >= r["first_seen"] and r["kind"] != "clock"]
        queued = 0
        told = {t.id for t in fresh}
        if fresh or news_of_end:
            hearing = [r for r in operators_of(kit, mail) if not _muted(kit, r, now)]
            for operator in hearing:
                queued += _tell(store, mail, operator, fresh, news_of_end, len(found) - len(fresh), now)
            told = told if hearing else set()
        rows = [row | ({"told_at": now} if row["trouble"] in told else {}) for row in rows]
        rows += [row | {"gone_at": now} for row in over]
        store.upsert("troubles", pl.DataFrame(rows, schema=_TROUBLE))
    return queued


def _row(trouble: Trouble, known: dict[str, Any] | None, now: datetime, repeat: timedelta) -> dict[str, Any]:
    """A trouble's row; one that comes and goes is not told again with every coming."""
    stands = known is not None and known["gone_at"] is None
    recent = known is not None and (known["gone_at"] is None or known["gone_at"] > now - repeat)
    return {
        "trouble": trouble.id, "kind": trouble.kind, "text_en": trouble.text_en, "text_zh": trouble.text_zh,
        "first_seen": known["first_seen"] if stands and known else now, "last_seen": now,
        "told_at": known["told_at"] if recent and known else None, "gone_at": None,
    }  # fmt: skip


def _muted(kit: Kit, operator: Recipient, now: datetime) -> bool:
    return muted(kit.routing.mutes(kit.routing.operators.mute), now, operator.zone) is not None


def _tell(
    store: Store,
    mail: MailSettings,
    operator: Recipient,
    fresh: Sequence[Trouble],
    over: Sequence[dict[str, Any]],
    others: int,
    now: datetime,
) -> int:
    words = WORDS[operator.language]
    field = f"text_{operator.language}"
    others += max(0, len(fresh) - SHOWN)
    lines = [plain(getattr(t, field), 500) for t in fresh[:SHOWN]]
    ended = [plain(row[field], 500) for row in over]
    subject = (
        f"{words['subject']}: {lines[0]}" if lines else words["well"] if not others else f"{words['over']}: {ended[0]}"
    )
    if len(lines) > 1:
        subject = f"{words['subject']} ({len(fresh)}): {lines[0]}"
    text = "\n".join([*(f"- {line}" for line in lines), *(f"- {words['over']}: {line}" for line in ended)])
    if others:
        text += "\n" + words["more"].format(n=others)
    page = "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines())
    rendered = RenderedMail(clean_header(subject), f"<!doctype html><html><body>{page}</body></html>", text + "\n")
    alert_id = outbox.alert_key("operator", operator.address, now.isoformat())
    ident = outbox.message_id(alert_id, mail.sender)
    row = {
        "alert_id": alert_id, "kind": "operator", "recipient": operator.address, "severity": "high", "claims": [],
        "signal_ids": [], "local_date": now.astimezone(operator.zone).date(), "subject": rendered.subject,
        "message": to_message(
            rendered, sender=mail.sender, recipient=operator.address, message_id=ident, at=now, unsubscribe=mail.sender
        ),
        "text": text, "created_at": now,
    }  # fmt: skip
    return outbox.enqueue(store, [outbox.Prepared(row, operator.channels, ident)], now)
