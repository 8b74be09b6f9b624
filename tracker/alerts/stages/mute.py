"""Mute times: hours, weekdays and holidays of exchanges or countries when nobody is told at once. Pure.

Everything is by a wall clock in a time zone, so a night keeps its hours over a change of offset. A stretch such as
22:00-07:00 belongs to the day it begins on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STEPS: Final = 400  # days a hold may look ahead: longer than any run of holidays
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class MuteTime:
    """Muted when the day fits (weekday among `days`, or a holiday of one of `calendars`) and the clock is in `start`-`end`."""

    name: str
    start: time
    end: time  # equal to start: the whole day
    days: frozenset[int]  # 0 is Monday
    calendars: tuple[str, ...]  # when given, only their holidays count
    zone: ZoneInfo | None  # None: the recipient's


def muted(mutes: Sequence[MuteTime], at: datetime, zone: ZoneInfo) -> MuteTime | None:
    """The mute time that holds at a moment, for a reader in `zone`."""
    return next((m for m in mutes if _holds(m, at.astimezone(m.zone or zone))), None)


def muted_until(mutes: Sequence[MuteTime], at: datetime, zone: ZoneInfo) -> datetime:
    """The first moment from `at` on that is not muted; `at` itself when it is not. UTC."""
    moment = at.astimezone(UTC)
    for _ in range(_STEPS):
        mute = muted(mutes, moment, zone)
        if mute is None:
            return moment
        moment = max(_end_of(mute, moment.astimezone(mute.zone or zone)).astimezone(UTC), moment + timedelta(minutes=1))
    return moment


def _holds(mute: MuteTime, local: datetime) -> bool:
    clock = local.time().replace(tzinfo=None)
    if mute.start == mute.end:
        return _fits(mute, local.date())
    if mute.start < mute.end:
        return mute.start <= clock < mute.end and _fits(mute, local.date())
    if clock >= mute.start:
        return _fits(mute, local.date())
    return clock < mute.end and _fits(mute, local.date() - _DAY)


def _end_of(mute: MuteTime, local: datetime) -> datetime:
    """When the stretch that holds at `local` ends."""
    if mute.start == mute.end:
        return datetime.combine(local.date() + _DAY, time(0), tzinfo=local.tzinfo)
    clock = local.time().replace(tzinfo=None)
    day = local.date() + _DAY if mute.start > mute.end and clock >= mute.start else local.date()
    return datetime.combine(day, mute.end, tzinfo=local.tzinfo)


def _fits(mute: MuteTime, day: date) -> bool:
    if mute.calendars:
        return any(day in _holidays(name, day.year) for name in mute.calendars)
    return day.weekday() in mute.days


def known_calendar(name: str) -> bool:
    """Whether there is a calendar of this name: an exchange (NYSE, XTAI) or `country:XX`."""
    kind, _, code = name.rpartition(":")
    if kind == "country":
        return code in holidays.list_supported_countries(include_aliases=False)
    return not kind and code in holidays.list_supported_financial()


@lru_cache(maxsize=64)
def _holidays(name: str, year: int) -> frozenset[date]:
    kind, _, code = name.rpartition(":")
    if kind == "country":
        return frozenset(holidays.country_holidays(code, years=year))
    return frozenset(holidays.financial_holidays(code, years=year))
