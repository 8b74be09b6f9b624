"""The outbox: messages are queued, finished, in the same transaction as what they tell of; `deliver` sends them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tracker.alerts.message import to_message
from tracker.alerts.parts import Digest
from tracker.alerts.recipients import Recipient
from tracker.alerts.render import render
from tracker.config import MailSettings
from tracker.store import Store
from tracker.vocabulary import UTC_TIME

if TYPE_CHECKING:
    from tracker.kit import Kit

_ALERT: Final[dict[str, Any]] = {
    "alert_id": pl.String, "kind": pl.String, "recipient": pl.String, "severity": pl.String,
    "claims": pl.List(pl.String), "signal_ids": pl.List(pl.String), "local_date": pl.Date, "subject": pl.String,
    "message": pl.Binary, "created_at": UTC_TIME, "text": pl.String, "repeat_at": UTC_TIME, "repeats": pl.String,
}  # fmt: skip


def silences(store: Store) -> pl.DataFrame:
    """Silences that are or were asked for."""
    return store.read("SELECT * FROM silences")


def message_id(alert_id: str, sender: str) -> str:
    """Derived from the alert alone: a repeated message carries the same one."""
    return f"<{alert_id}@{sender.rpartition('@')[2] or 'localhost'}>"


def alert_key(*parts: str) -> str:
    """The same news to the same reader is the same alert."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Prepared:
    """A finished message: its row of `alerts`, and the channels it goes out by."""

    alert: Mapping[str, Any]
    channels: tuple[str, ...]
    message_id: str


def prepare(
    kit: Kit,
    mail: MailSettings,
    recipient: Recipient,
    content: Digest,
    alert_id: str,
    now: datetime,
    *,
    signal_ids: Sequence[str] = (),
    severity: str | None = None,
    repeat_at: datetime | None = None,
) -> Prepared:
    """Render a mail as it will be sent."""
    rendered = render(content, recipient=recipient.address, at=now, links=kit.links)
    ident = message_id(alert_id, mail.sender)
    body = to_message(
        rendered, sender=mail.sender, recipient=recipient.address, message_id=ident, at=now, unsubscribe=mail.sender
    )
    row = {
        "alert_id": alert_id,
        "kind": content.kind,
        "recipient": recipient.address,
        "severity": severity,
        "claims": [m.claim for m in content.moves],
        "signal_ids": list(signal_ids),
        "local_date": content.local_date,
        "subject": rendered.subject,
        "message": body,
        "text": rendered.text,
        "repeat_at": repeat_at,
        "created_at": now,
    }
    channels = recipient.channels if content.kind == "immediate" else recipient.digest_channels
    return Prepared(row, channels, ident)


def queue(
    store: Store, kit: Kit, mail: MailSettings, recipient: Recipient, content: Digest, alert_id: str, now: datetime
) -> int:
    """Render a mail and queue it, unless it was queued before; returns how many were (0 or 1)."""
    return enqueue(store, [prepare(kit, mail, recipient, content, alert_id, now)], now)


def enqueue(store: Store, messages: Sequence[Prepared], now: datetime) -> int:
    """Put finished messages into the outbox, one delivery a channel, unless they are there; returns how many are new."""
    if not messages:
        return 0
    with store.transaction():
        new = store.append("alerts", pl.DataFrame([m.alert for m in messages], schema=_ALERT))
        fresh = set(new["alert_id"])
        deliveries = [
            {
                "alert_id": m.alert["alert_id"], "channel": channel, "state": "pending", "attempts": 0, "next_at": now,
                "message_id": m.message_id,
            }
            for m in messages
            if m.alert["alert_id"] in fresh
            for channel in m.channels
        ]  # fmt: skip
        if deliveries:
            store.append("deliveries", pl.DataFrame(deliveries))
    return len(fresh)
