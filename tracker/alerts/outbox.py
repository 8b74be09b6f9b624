"""The outbox: alerts are queued in the same transaction as the signals they tell of, then sent from here.

Claim, send, mark: a delivery is claimed in a short transaction, handed to the server, and marked in another. A crash
before the server's final answer leaves it claimed and it is sent again after the restart, with the same Message-ID;
only a crash between the server's answer and the mark can produce a second copy, and that window is a single update.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl
import structlog

from tracker.alerts import smtp
from tracker.alerts.digest import build_digest, digest_due, window_of
from tracker.alerts.render import render, to_message
from tracker.alerts.route import Group, Recipient
from tracker.config import MailSettings
from tracker.errors import DeliveryError
from tracker.store import Store
from tracker.thesis.schema import Thesis

log = structlog.get_logger("outbox")

CLAIM_TIMEOUT: Final = timedelta(minutes=10)
MAX_ATTEMPTS: Final = 12
FIRST_WAIT_S: Final = 5.0
MAX_WAIT_S: Final = 3600.0
_EVIDENCE: Final = """
SELECT s.signal_id, s.claim, s.direction, s.severity, s.strength, s.confidence,
       (SELECT min(x.created_at) FROM signals x WHERE x.signal_id = s.signal_id) AS created_at, s.explanation,
       s.explanation_zh, s.racks_base, s.entity, s.beneficiaries, s.squeezed, s.review,
       f.quote, coalesce(d.source, 'hardware model') AS source, d.title, d.url, s.effective_at AS published_at
FROM v_signals s
LEFT JOIN facts f ON f.fact_id = s.fact_ids[1]
LEFT JOIN documents d ON d.doc_id = s.doc_ids[1]
WHERE coalesce(s.review, '') <> 'reject' AND s.created_at <= $end
"""
_ALERT: Final[dict[str, Any]] = {
    "alert_id": pl.String, "kind": pl.String, "recipient": pl.String, "severity": pl.String,
    "claims": pl.List(pl.String), "signal_ids": pl.List(pl.String), "local_date": pl.Date, "subject": pl.String,
    "message": pl.Binary, "created_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


@dataclass
class DeliveryReport:
    """What a round of sending did."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


def silences(store: Store) -> pl.DataFrame:
    """Silences that are or were asked for."""
    return store.read("SELECT claim, entity, rule_id, until FROM silences")


def message_id(alert_id: str, sender: str) -> str:
    """Derived from the alert alone: a repeated message carries the same one."""
    return f"<{alert_id}@{sender.rpartition('@')[2] or 'localhost'}>"


def _alert_id(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def enqueue_groups(store: Store, groups: Sequence[Group], thesis: Thesis, mail: MailSettings, now: datetime) -> int:
    """Queue one immediate message per group; beyond the hourly limit further ones wait for the digest. Returns how many."""
    queued = 0
    for group in groups:
        if _recent(store, group.recipient, now) >= mail.max_immediate_per_hour:
            log.warning(
                "hourly limit of immediate alerts reached, the digest will tell", recipient=group.recipient.address
            )
            continue
        ids = sorted(group.signals["signal_id"])
        alert_id = _alert_id("immediate", group.recipient.address, *ids)
        window = (now - timedelta(microseconds=1), now)
        queued += _queue(
            store,
            thesis,
            mail,
            group.recipient,
            alert_id,
            "immediate",
            now.astimezone(group.recipient.zone).date(),
            window,
            now,
            ids,
            group.severity,
        )
    return queued


def _recent(store: Store, recipient: Recipient, now: datetime) -> int:
    return int(
        store.scalar(
            "SELECT count(*) FROM alerts WHERE kind = 'immediate' AND recipient = $who AND created_at > $since",
            {"who": recipient.address, "since": now - timedelta(hours=1)},
        )
    )


def digests_due(
    store: Store, recipients: Sequence[Recipient], now: datetime
) -> list[tuple[Recipient, date, date | None]]:
    """Recipients whose digest is due, with its local date and the date of the one before."""
    due = []
    for recipient in recipients:
        last: date | None = store.scalar(
            "SELECT max(local_date) FROM alerts WHERE kind = 'digest' AND recipient = $who", {"who": recipient.address}
        )
        day = digest_due(recipient, last, now)
        if day is not None:
            due.append((recipient, day, last))
    return due


def enqueue_digests(
    store: Store, recipients: Sequence[Recipient], thesis: Thesis, mail: MailSettings, now: datetime
) -> int:
    """Queue the digests that are due; the local date is the key, so nobody gets a day twice."""
    queued = 0
    for recipient, day, last in digests_due(store, recipients, now):
        start, end = window_of(recipient, day)
        if last is not None and last < day - timedelta(days=1):
            start = window_of(recipient, last)[1]  # the machine was off: one catch-up for all of it
        alert_id = _alert_id("digest", recipient.address, day.isoformat())
        window = (start, max(end, start))
        queued += _queue(store, thesis, mail, recipient, alert_id, "digest", day, window, now, [], None)
    return queued


def preview(
    store: Store,
    recipient: Recipient,
    thesis: Thesis,
    kind: str,
    day: date,
    window: tuple[datetime, datetime],
    only: Sequence[str] = (),
) -> Any:
    """The digest of a window as it would be sent now."""
    start, end = window
    evidence = store.read(_EVIDENCE, {"end": end})
    if only:
        evidence = evidence.filter(pl.col("signal_id").is_in(list(only)) | (pl.col("created_at") <= start))
    history = store.read("SELECT claim, as_of, probability FROM conviction WHERE as_of <= $end", {"end": end})
    documents = int(
        store.scalar(
            "SELECT count(*) FROM documents WHERE ingested_at > $start AND ingested_at <= $end",
            {"start": start, "end": end},
        )
    )
    sources = store.read("SELECT name, health, last_error FROM v_source_health WHERE enabled")
    return build_digest(
        kind=kind,
        recipient=recipient,
        local_date=day,
        thesis=thesis,
        evidence=evidence,
        conviction=history,
        start=start,
        end=end,
        documents=documents,
        sources=sources,
        tightest=_tightest(store, end),
    )


def _tightest(store: Store, now: datetime) -> str:
    """The link of the current quarter in which supply falls furthest short of demand, by the latest ledger."""
    rows = store.read(
        """
        SELECT link, sum(CASE side WHEN 'demand' THEN racks_base ELSE -racks_base END) AS gap
        FROM ledger WHERE quarter = $quarter AND as_of = (SELECT max(as_of) FROM ledger WHERE as_of <= $now)
        GROUP BY link HAVING count(DISTINCT side) = 2 ORDER BY gap DESC LIMIT 1
        """,
        {"quarter": f"CY{now.year}Q{(now.month + 2) // 3}", "now": now},
    )
    if rows.is_empty():
        return ""
    link, gap = rows.row(0)
    return f"{link.replace('_', ' ')} ({now.year} Q{(now.month + 2) // 3}): {gap:+,.0f} racks"


def _queue(
    store: Store,
    thesis: Thesis,
    mail: MailSettings,
    recipient: Recipient,
    alert_id: str,
    kind: str,
    day: date,
    window: tuple[datetime, datetime],
    now: datetime,
    signal_ids: Sequence[str],
    severity: str | None,
) -> int:
    digest = preview(store, recipient, thesis, kind, day, window, signal_ids)
    rendered = render(digest)
    ident = message_id(alert_id, mail.sender)
    body = to_message(
        rendered, sender=mail.sender, recipient=recipient.address, message_id=ident, at=now, unsubscribe=mail.sender
    )
    row = {
        "alert_id": alert_id,
        "kind": kind,
        "recipient": recipient.address,
        "severity": severity,
        "claims": [m.claim for m in digest.moves],
        "signal_ids": list(signal_ids),
        "local_date": day,
        "subject": rendered.subject,
        "message": body,
        "created_at": now,
    }
    with store.transaction():
        if store.append("alerts", pl.DataFrame([row], schema=_ALERT)).is_empty():
            return 0
        delivery = {
            "alert_id": alert_id,
            "channel": "email",
            "state": "pending",
            "attempts": 0,
            "next_at": now,
            "message_id": ident,
        }
        store.append("deliveries", pl.DataFrame([delivery]))
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
