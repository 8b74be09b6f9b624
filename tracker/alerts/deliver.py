"""Sending what lies in the outbox: claim, send, mark.

Deliveries are claimed together in one short transaction and handed over one by one. As soon as the other side has answered,
a line in a journal says so; the database is told of many at once, in the transaction that claims the next. A crash before the
final answer leaves a delivery claimed and it is sent again after the restart, with the same Message-ID; only a crash between
the answer and its line can produce a second copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from tracker.alerts import channels as chats
from tracker.alerts import smtp
from tracker.alerts.journal import SENDERS, Journal, Taken
from tracker.alerts.recipients import EMAIL
from tracker.alerts.routing import Channel
from tracker.config import MailSettings
from tracker.errors import DeliveryError
from tracker.store import Store

log = structlog.get_logger("deliver")

CLAIM_TIMEOUT: Final = timedelta(minutes=10)
CLAIMED_AT_ONCE: Final = 200
MAX_ATTEMPTS: Final = 12
FIRST_WAIT_S: Final = 5.0
MAX_WAIT_S: Final = 3600.0
_DUE: Final = "((state IN ('pending', 'failed') AND next_at <= $now) OR (state = 'sending' AND claimed_at <= $stale))"
_READ: Final = f"""
SELECT d.alert_id, d.channel, d.attempts, a.* EXCLUDE (alert_id) FROM deliveries d JOIN alerts a USING (alert_id)
WHERE {{which}} AND {_DUE} ORDER BY a.created_at, d.alert_id, d.channel LIMIT {CLAIMED_AT_ONCE}
"""
_TAKEN: Final = """
UPDATE deliveries SET state = 'sent', sent_at = t.at, attempts = attempts + 1, last_error = NULL
FROM (SELECT unnest(string_split($alerts, chr(31))) AS alert_id, unnest(string_split($channels, chr(31))) AS channel,
             unnest(string_split($times, chr(31)))::TIMESTAMPTZ AS at) t
WHERE deliveries.alert_id = t.alert_id AND deliveries.channel = t.channel AND deliveries.state = 'sending'
"""
_CLAIM: Final = f"""
UPDATE deliveries SET state = 'sending', claimed_at = $now
WHERE {_DUE} AND channel || ' ' || alert_id IN (SELECT unnest(string_split($keys, chr(31))))
"""
Send = Callable[[Mapping[str, Any]], None]


@dataclass
class DeliveryReport:
    """What a round of sending did."""

    sent: int = 0
    failed: int = 0
    dead: int = 0

    def add(self, other: DeliveryReport) -> None:
        """Sum up."""
        self.sent, self.failed, self.dead = self.sent + other.sent, self.failed + other.failed, self.dead + other.dead


def waiting(store: Store, now: datetime) -> int:
    """Deliveries that could be tried now."""
    return int(store.scalar(f"SELECT count(*) FROM deliveries WHERE {_DUE}", _due_params(now)))


def _due_params(now: datetime) -> dict[str, Any]:
    return {"now": now, "stale": now - CLAIM_TIMEOUT}


def release_claims(store: Store) -> int:
    """After a start: what was taken before the process died is sent, what else was under way is tried again at once."""
    with ExitStack() as open_files:
        journals = [open_files.enter_context(Journal(store.path, sender)) for sender in SENDERS]
        with store.transaction():
            _mark_taken(store, [taken for journal in journals for taken in journal.left()])
            count = int(store.scalar("SELECT count(*) FROM deliveries WHERE state = 'sending'"))
            store.execute("UPDATE deliveries SET state = 'pending' WHERE state = 'sending'")
        for journal in journals:  # only now: until the transaction is through they are all that is known
            journal.clear()
    return count


def deliver_mail(store: Store, mail: MailSettings, clock: Callable[[], datetime]) -> DeliveryReport:
    """Send every mail that is due, over one connection where the server allows it."""
    if not mail.host:
        return DeliveryReport()
    with smtp.Session(mail) as session:

        def send(row: Mapping[str, Any]) -> None:
            session.send(mail.sender, row["recipient"], bytes(row["message"]))

        return _rounds(store, "mail", f"d.channel = '{EMAIL}'", send, clock)


def deliver_channels(store: Store, channels: Mapping[str, Channel], clock: Callable[[], datetime]) -> DeliveryReport:
    """Send everything that is due on other channels; one that hangs or fails is its own affair."""

    def send(row: Mapping[str, Any]) -> None:
        channel = channels.get(row["channel"])
        if channel is None:
            raise DeliveryError(f"there is no channel '{row['channel']}' any more", permanent=True)
        chats.send(channel, _note(row), clock())

    return _rounds(store, "channels", f"d.channel <> '{EMAIL}'", send, clock)


def _note(row: Mapping[str, Any]) -> chats.Note:
    return chats.Note(
        row["alert_id"], row["kind"], row["severity"] or "info", row["subject"], row["text"] or row["subject"],
        tuple(row["claims"] or ()), tuple(row["signal_ids"] or ()), row["created_at"],
    )  # fmt: skip


def _rounds(store: Store, sender: str, which: str, send: Send, clock: Callable[[], datetime]) -> DeliveryReport:
    """Claim, send and mark until nothing is due; what was taken in one round is marked with the next one's claims."""
    report = DeliveryReport()
    with Journal(store.path, sender) as journal:
        taken = journal.left()  # of a round the database did not hear of to its end
        while True:
            with store.transaction():
                _mark_taken(store, taken)
                # after a failure the rest waits for the next round: the server may be in trouble
                due = [] if report.failed else _claimed(store, which, clock())
            if taken:
                journal.clear()
            if not due:
                return report
            taken = _sent(store, due, send, journal, clock, report)


def _claimed(store: Store, which: str, now: datetime) -> list[dict[str, Any]]:
    """Rows of what is due, claimed; call within a transaction."""
    due = store.read(_READ.format(which=which), _due_params(now))
    if due.height:
        keys = "\x1f".join(f"{channel} {alert}" for channel, alert in due.select("channel", "alert_id").iter_rows())
        store.execute(_CLAIM, _due_params(now) | {"keys": keys})
    return due.rows(named=True)


def _sent(
    store: Store,
    due: Sequence[Mapping[str, Any]],
    send: Send,
    journal: Journal,
    clock: Callable[[], datetime],
    report: DeliveryReport,
) -> list[Taken]:
    """Hand over claimed deliveries; returns those that were taken, each with its line in the journal."""
    taken = []
    for row in due:
        try:
            send(row)
        except DeliveryError as error:
            _failed(store, row, error, clock(), report)
        except Exception as error:  # a channel's own mistake: recorded, tried again like any failure, no claim is left
            log.error("a channel broke", alert=row["alert_id"], channel=row["channel"], exc_info=error)
            _failed(store, row, DeliveryError(f"unexpected: {error!r}"), clock(), report)
        else:
            taken.append(Taken(row["alert_id"], row["channel"], clock()))
            journal.note(taken[-1])
            report.sent += 1
    return taken


def _mark_taken(store: Store, taken: Sequence[Taken]) -> None:
    if taken:
        alerts, channels, times = ("\x1f".join(map(str, column)) for column in zip(*taken, strict=True))
        store.execute(_TAKEN, {"alerts": alerts, "channels": channels, "times": times})


def _mark(store: Store, row: Mapping[str, Any], change: str, params: dict[str, Any]) -> None:
    store.execute(
        f"UPDATE deliveries SET {change} WHERE alert_id = $alert AND channel = $channel",
        params | {"alert": row["alert_id"], "channel": row["channel"]},
    )


def _failed(store: Store, row: Mapping[str, Any], error: DeliveryError, now: datetime, report: DeliveryReport) -> None:
    attempts = row["attempts"] + 1
    dead = error.permanent or attempts >= MAX_ATTEMPTS
    wait = timedelta(seconds=min(FIRST_WAIT_S * 2 ** (attempts - 1), MAX_WAIT_S))
    _mark(
        store, row,
        "state = $state, next_at = $next, attempts = attempts + 1, last_error = $error",
        {"state": "dead" if dead else "failed", "next": now + wait, "error": str(error)},
    )  # fmt: skip
    if dead:
        report.dead += 1
    else:
        report.failed += 1
    log.warning("a delivery failed", alert=row["alert_id"], channel=row["channel"], attempts=attempts, dead=dead, error=str(error))  # fmt: skip


def retry_dead(store: Store, alert_id: str | None, now: datetime) -> int:
    """Put dead deliveries (one, or all) back into the queue; returns how many."""
    params = {"now": now, "alert": alert_id}
    which = "state = 'dead' AND ($alert IS NULL OR alert_id = $alert)"
    count = int(store.scalar(f"SELECT count(*) FROM deliveries WHERE {which}", {"alert": alert_id}))
    store.execute(f"UPDATE deliveries SET state = 'pending', attempts = 0, next_at = $now WHERE {which}", params)
    return count
