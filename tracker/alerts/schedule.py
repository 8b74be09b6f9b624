"""When a reader's mail is due, by the reader's own calendar. Pure.

Keyed by the local day: on the day a clock hour repeats nothing is sent twice, on the day it is skipped the mail goes out
at the next moment that exists, and a run missed while the machine was off goes out once, for all of the days missed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from tracker.alerts.recipients import Recipient

WEEKLY_ON: Final = 5  # Saturday: markets are closed, and the week's news is in
DAY: Final = timedelta(days=1)


def digest_due(recipient: Recipient, last_date: date | None, now: datetime) -> date | None:
    """The local date whose digest is due now, or None."""
    local = now.astimezone(recipient.zone)
    hour, minute = _clock(recipient)
    day = local.date() if (local.hour, local.minute) >= (hour, minute) else local.date() - DAY
    return day if last_date is None or last_date < day else None


def window_of(recipient: Recipient, day: date, *, days: int = 1) -> tuple[datetime, datetime]:
    """The time a digest tells of: from the digest `days` days before to its own, both by the reader's clock."""
    return _moment(recipient, day - days * DAY), _moment(recipient, day)


def edition_of(day: date, *, reporting: bool) -> str:
    """Which edition a day gets: `weekly` on Saturdays, `earnings` when somebody reports, else the plain `digest`."""
    if day.weekday() == WEEKLY_ON:
        return "weekly"
    return "earnings" if reporting else "digest"


def edition_window(recipient: Recipient, day: date, last: date | None, edition: str) -> tuple[datetime, datetime]:
    """The window of a day's edition; after missed days it reaches back to the last one that went out."""
    start, end = window_of(recipient, day, days=7 if edition == "weekly" else 1)
    if last is not None and last < day - DAY:
        start = min(start, window_of(recipient, last)[1])
    return start, end


def _clock(recipient: Recipient) -> tuple[int, int]:
    hour, minute = recipient.digest_at.split(":")
    return int(hour), int(minute)


def _moment(recipient: Recipient, day: date) -> datetime:
    """UTC of the reader's digest time on a day: in UTC, because a zone's own arithmetic ignores changes of offset."""
    return datetime.combine(day, time(*_clock(recipient)), tzinfo=recipient.zone).astimezone(UTC)
