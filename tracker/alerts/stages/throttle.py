"""How much a reader bears: over the hourly cap messages fold into one, over the daily budget they wait for the digest. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

HOUR: Final = timedelta(hours=1)
Message = TypeVar("Message")


@dataclass(frozen=True)
class Throttled(Generic[Message]):
    """What goes out now, what is folded into one message at `fold_at`, what only the digest tells."""

    now: list[Message]
    fold: list[Message]
    fold_at: datetime | None
    digest: list[Message]


def throttle(
    messages: Sequence[Message],
    *,
    sent: Sequence[datetime],
    sent_today: int,
    per_hour: int,
    per_day: int,
    now: datetime,
) -> Throttled[Message]:
    """Spend what is left of the hour and of the day on messages, loudest first as given.

    sent: when the recipient's immediate messages of the last hour went out. One place of each hour is kept for the folded
    message, so that a flood ends in `per_hour` messages and not in one more.
    """
    recent = sorted(at for at in sent if at > now - HOUR)
    left_day = max(0, per_day - sent_today)
    left_hour = max(0, per_hour - len(recent))
    here, over_day = list(messages[:left_day]), list(messages[left_day:])
    if len(here) <= left_hour:
        return Throttled(here, [], None, over_day)
    single = max(0, left_hour - 1) if per_hour > 1 else 0
    # with nothing left the fold waits until the oldest message of the hour is an hour old
    at = now if left_hour else recent[0] + HOUR
    return Throttled(here[:single], here[single:], at, over_day)
