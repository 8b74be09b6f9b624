"""The mail of a day: which edition it is, whether it is due, and queueing it once per reader and local date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from tracker.alerts import outbox
from tracker.alerts.content import compose, reporting
from tracker.alerts.parts import Digest
from tracker.alerts.recipients import Recipient
from tracker.alerts.schedule import digest_due, edition_of, edition_window
from tracker.alerts.subscriptions import still_wanted
from tracker.config import MailSettings
from tracker.kit import Kit
from tracker.model_watch import RESULTS_TOLD, calendar_of
from tracker.store import Store

EDITIONS = ("digest", "weekly", "earnings")
_LAST = """
SELECT recipient, max(local_date) AS last FROM alerts WHERE kind IN ('digest', 'weekly', 'earnings') GROUP BY recipient
"""


def digests_due(
    store: Store, recipients: Sequence[Recipient], now: datetime
) -> list[tuple[Recipient, date, date | None]]:
    """Recipients whose digest is due, with its local date and the date of the one before."""
    told: dict[str, date] = store.kept(
        "digests told", None, dict
    )  # nobody else tells them: looked up when it may matter
    if all(digest_due(r, told.get(r.address), now) is None for r in recipients):
        return []
    told.update(store.read(_LAST).iter_rows())
    due = []
    for recipient in recipients:
        last = told.get(recipient.address)
        day = digest_due(recipient, last, now)
        if day is not None:
            due.append((recipient, day, last))
    if not due:
        return []
    wanted = {r.address for r in still_wanted(store, recipients, "digest")}
    return [one for one in due if one[0].address in wanted]


def enqueue_digests(store: Store, recipients: Sequence[Recipient], kit: Kit, mail: MailSettings, now: datetime) -> int:
    """Queue the editions that are due; the local date is the key, so nobody gets a day twice. Returns how many."""
    queued = 0
    for recipient, day, last in digests_due(store, recipients, now):
        content = edition(store, kit, recipient, day, last=last)
        # one key for all editions: whatever a day is called, it is told once
        alert_id = outbox.alert_key("digest", recipient.address, day.isoformat())
        queued += outbox.queue(store, kit, mail, recipient, content, alert_id, now)
    return queued


def edition(
    store: Store,
    kit: Kit,
    recipient: Recipient,
    day: date,
    *,
    last: date | None = None,
    kind: str | None = None,
    window: tuple[datetime, datetime] | None = None,
) -> Digest:
    """A day's mail as it would be sent: the edition the calendar asks for, or the one named.

    last: the day told before, so that missed days are told too; window: another stretch of time than the edition's own.
    """
    end = window[1] if window else edition_window(recipient, day, last, "digest")[1]
    calendar = calendar_of(store.read(RESULTS_TOLD, {"now": end}), kit, end)
    chosen = kind or edition_of(day, reporting=reporting(calendar, day))
    span = window or edition_window(recipient, day, last, chosen)
    return compose(store, kit, recipient, chosen, day, span, calendar=calendar)
