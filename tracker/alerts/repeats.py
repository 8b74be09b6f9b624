"""Telling again what nobody acknowledged, and acknowledging.

A repeat is an alert of its own with its own Message-ID that refers to the first, so that a mail program shows both as one
conversation. The repeat carries the next date on; acknowledging any of them ends all.
"""

from __future__ import annotations

import email
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

import polars as pl

from tracker.alerts import outbox
from tracker.config import MailSettings
from tracker.errors import UsageError
from tracker.store import Store

_DUE: Final = "SELECT * FROM alerts WHERE repeat_at <= $now ORDER BY repeat_at, alert_id"
_STANDING: Final = """
SELECT count(*) FROM v_signals WHERE coalesce(review, '') <> 'reject'
AND signal_id IN (SELECT unnest(string_split($ids, chr(31))))
"""
_AGAIN: Final = "Not acknowledged: "


def repeat_due(store: Store, mail: MailSettings, now: datetime) -> int:
    """Queue again what is due to be told again; returns how many."""
    due = store.read(_DUE, {"now": now})
    queued = 0
    for alert in due.iter_rows(named=True):
        with store.transaction():
            queued += _repeat(store, alert, mail, now)
            store.execute("UPDATE alerts SET repeat_at = NULL WHERE alert_id = $id", {"id": alert["alert_id"]})
    return queued


def _repeat(store: Store, alert: dict[str, Any], mail: MailSettings, now: datetime) -> int:
    if alert["signal_ids"] and not store.scalar(_STANDING, {"ids": "\x1f".join(alert["signal_ids"])}):
        return 0  # what it told was taken back
    first = alert["repeats"] or alert["alert_id"]
    alert_id = outbox.alert_key("repeat", first, now.isoformat())
    ident = outbox.message_id(alert_id, mail.sender)
    channels = store.read("SELECT channel FROM deliveries WHERE alert_id = $id", {"id": alert["alert_id"]})["channel"]
    subject = _AGAIN + alert["subject"].removeprefix(_AGAIN)
    row = alert | {
        "alert_id": alert_id,
        "repeats": first,
        "subject": subject,
        "message": _message_again(bytes(alert["message"]), subject, ident, outbox.message_id(first, mail.sender), now),
        "created_at": now,
        "kind": "repeat",
        "repeat_at": now + (alert["repeat_at"] - alert["created_at"]),
    }
    return outbox.enqueue(store, [outbox.Prepared(row, tuple(channels), ident)], now)


def _message_again(message: bytes, subject: str, ident: str, first: str, now: datetime) -> bytes:
    again = email.message_from_bytes(message, policy=SMTP)
    assert isinstance(again, EmailMessage)
    for name, value in (("Subject", subject), ("Message-ID", ident), ("Date", format_datetime(now))):
        again.replace_header(name, value)
    for name in ("In-Reply-To", "References"):
        del again[name]
        again[name] = first
    return again.as_bytes()


def acknowledge(store: Store, alert_id: str, author: str, now: datetime) -> int:
    """Somebody has taken note: nothing of this alert is told again. Returns how many alerts that ends (0: it was done before)."""
    known = store.read("SELECT coalesce(repeats, alert_id) AS first FROM alerts WHERE alert_id = $id", {"id": alert_id})
    if known.is_empty():
        raise UsageError(f"there is no alert '{alert_id}'", hint="'tracker alerts' shows them")
    first = str(known.item())
    family = store.read("SELECT alert_id FROM alerts WHERE alert_id = $id OR repeats = $id", {"id": first})
    rows = family.with_columns(author=pl.lit(author), acked_at=pl.lit(now))
    with store.transaction():
        new = store.append("acks", rows).height
        store.execute("UPDATE alerts SET repeat_at = NULL WHERE alert_id = $id OR repeats = $id", {"id": first})
    return new
