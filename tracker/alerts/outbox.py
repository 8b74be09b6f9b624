"""The outbox: alerts are queued in the same transaction as the signals they tell of, then sent from here.

Claim, send, mark: a delivery is claimed in a short transaction, handed to the server, and marked in another. A crash
before the server's final answer leaves it claimed and it is sent again after the restart, with the same Message-ID;
only a crash between the server's answer and the mark can produce a second copy, and that window is a single update.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import structlog

from tracker.alerts import smtp
from tracker.alerts.digest import Digest
from tracker.alerts.message import to_message
from tracker.alerts.recipients import Recipient
from tracker.alerts.render import render
from tracker.config import MailSettings
from tracker.errors import DeliveryError
from tracker.store import Store
from tracker.vocabulary import UTC_TIME

if TYPE_CHECKING:
    from tracker.pipeline import Kit

log = structlog.get_logger("outbox")

CLAIM_TIMEOUT: Final = timedelta(minutes=10)
MAX_ATTEMPTS: Final = 12
FIRST_WAIT_S: Final = 5.0
MAX_WAIT_S: Final = 3600.0
_ALERT: Final[dict[str, Any]] = {
    "alert_id": pl.String, "kind": pl.String, "recipient": pl.String, "severity": pl.String,
    "claims": pl.List(pl.String), "signal_ids": pl.List(pl.String), "local_date": pl.Date, "subject": pl.String,
    "message": pl.Binary, "created_at": UTC_TIME, "text": pl.String, "repeat_at": UTC_TIME, "repeats": pl.String,
}  # fmt: skip


@dataclass
class DeliveryReport:
    """What a round of sending did."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


def silences(store: Store) -> pl.DataFrame:
    """Silences that are or were asked for."""
    return store.read("SELECT * FROM silences")


def message_id(alert_id: str, sender: str) -> str:
    """Derived from the alert alone: a repeated message carries the same one."""
    return f"<{alert_id}@{sender.rpartition('@')[2] or 'localhost'}>"


def alert_key(*parts: str) -> str:
    """The same news to the same reader is the same alert."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def still_wanted(store: Store, recipients: Sequence[Recipient], kind: str) -> list[Recipient]:
    """Recipients who did not end this kind of mail (digest, immediate) with the link in it."""
    ended = set(store.read("SELECT recipient FROM unsubscribed WHERE kind = $kind", {"kind": kind})["recipient"])
    return [r for r in recipients if r.address not in ended]


def queue(
    store: Store,
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
) -> int:
    """Render a mail and queue it, unless it was queued before; returns how many were (0 or 1)."""
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
    return enqueue(store, row, channels, ident, now)


def enqueue(store: Store, alert: Mapping[str, Any], channels: Sequence[str], ident: str, now: datetime) -> int:
    """Put a finished message into the outbox, one delivery a channel, unless it is there; returns how many (0 or 1)."""
    with store.transaction():
        if store.append("alerts", pl.DataFrame([alert], schema=_ALERT)).is_empty():
            return 0
        deliveries = [
            {
                "alert_id": alert["alert_id"], "channel": channel, "state": "pending", "attempts": 0, "next_at": now,
                "message_id": ident,
            }
            for channel in channels
        ]  # fmt: skip
        store.append("deliveries", pl.DataFrame(deliveries))
    return 1


def waiting(store: Store, now: datetime) -> int:
    """Deliveries that could be tried now."""
    return int(store.scalar(f"SELECT count(*) FROM deliveries WHERE {_DUE}", _due_params(now)))


_DUE: Final = "(state IN ('pending', 'failed') AND next_at <= $now) OR (state = 'sending' AND claimed_at <= $stale)"


def _due_params(now: datetime) -> dict[str, Any]:
    return {"now": now, "stale": now - CLAIM_TIMEOUT}


def release_claims(store: Store) -> int:
    """After a start: whatever was being sent when the process died is tried again at once."""
    count = int(store.scalar("SELECT count(*) FROM deliveries WHERE state = 'sending'"))
    store.execute("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
    return count


def deliver_due(store: Store, mail: MailSettings, now: datetime) -> DeliveryReport:
    """Send everything that is due, over one connection where the server allows it."""
    report = DeliveryReport()
    due = store.read(
        "SELECT d.alert_id, d.attempts, a.recipient, a.message FROM deliveries d JOIN alerts a USING (alert_id) "
        f"WHERE d.channel = 'email' AND ({_DUE}) ORDER BY a.created_at, d.alert_id",
        _due_params(now),
    )
    if due.is_empty():
        return report
    with smtp.Session(mail) as session:
        for alert_id, attempts, recipient, message in due.iter_rows():
            _mark(store, alert_id, "state = 'sending', claimed_at = $now, attempts = attempts + 1", {"now": now})
            try:
                session.send(mail.sender, recipient, bytes(message))
            except DeliveryError as error:
                _failed(store, alert_id, attempts + 1, error, now, report)
            else:
                _mark(store, alert_id, "state = 'sent', sent_at = $now, last_error = NULL", {"now": now})
                report.sent += 1
    return report


def _mark(store: Store, alert_id: str, change: str, params: dict[str, Any]) -> None:
    store.execute(
        f"UPDATE deliveries SET {change} WHERE alert_id = $alert AND channel = 'email'", params | {"alert": alert_id}
    )


def _failed(
    store: Store, alert_id: str, attempts: int, error: DeliveryError, now: datetime, report: DeliveryReport
) -> None:
    dead = error.permanent or attempts >= MAX_ATTEMPTS
    wait = timedelta(seconds=min(FIRST_WAIT_S * 2 ** (attempts - 1), MAX_WAIT_S))
    _mark(
        store,
        alert_id,
        "state = $state, next_at = $next, last_error = $error",
        {"state": "dead" if dead else "failed", "next": now + wait, "error": str(error)},
    )
    if dead:
        report.dead += 1
    else:
        report.failed += 1
    log.warning("a delivery failed", alert=alert_id, attempts=attempts, dead=dead, error=str(error))


def retry_dead(store: Store, alert_id: str | None, now: datetime) -> int:
    """Put dead deliveries (one, or all) back into the queue; returns how many."""
    params = {"now": now, "alert": alert_id}
    which = "state = 'dead' AND ($alert IS NULL OR alert_id = $alert)"
    count = int(store.scalar(f"SELECT count(*) FROM deliveries WHERE {which}", {"alert": alert_id}))
    store.execute(f"UPDATE deliveries SET state = 'pending', attempts = 0, next_at = $now WHERE {which}", params)
    return count
