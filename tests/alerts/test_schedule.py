"""When a reader's mail is due: DST both ways, the leap day, missed runs; never twice, never lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.alerts.small import reader
from tracker.alerts.schedule import digest_due, edition_of, edition_window, window_of

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe")


def days_sent(zone: str, at: str, start: datetime, end: datetime, step: timedelta) -> list[date]:
    """Walk a clock through a stretch of time and note every digest that was due."""
    who, sent, now = reader(zone=zone, at=at), list[date](), start
    last: date | None = start.astimezone(who.zone).date() - timedelta(days=1)
    while now < end:
        day = digest_due(who, last, now)
        if day is not None:
            sent.append(day)
            last = day
        now += step
    return sent


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", ["00:30", "02:30", "07:30", "23:45"])
def test_a_year_has_a_digest_for_every_day_and_none_twice(zone: str, at: str) -> None:
    start = datetime(2024, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = datetime(2025, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    sent = days_sent(zone, at, start, end, timedelta(minutes=15))
    assert sent == sorted(set(sent))
    assert date(2024, 2, 29) in sent
    assert len(sent) == 366


def test_the_hour_that_does_not_exist_is_told_right_after_it() -> None:
    # 2026-03-29 in Berlin: 02:00 becomes 03:00, there is no 02:30
    who = reader(zone="Europe/Berlin", at="02:30")
    before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)  # 01:59
    after = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 03:00
    assert digest_due(who, date(2026, 3, 28), before) is None
    assert digest_due(who, date(2026, 3, 28), after) == date(2026, 3, 29)


def test_the_hour_that_comes_twice_is_told_once() -> None:
    # 2026-10-25 in Berlin: 02:30 comes at 00:30 and again at 01:30 UTC
    who = reader(zone="Europe/Berlin", at="02:30")
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert digest_due(who, date(2026, 10, 24), first) == date(2026, 10, 25)
    assert digest_due(who, date(2026, 10, 25), second) is None


def test_windows_follow_each_other_without_gap_or_overlap_over_a_change_of_clocks() -> None:
    who = reader(zone="America/New_York")
    days = [date(2026, 3, 1) + timedelta(days=n) for n in range(260)]
    windows = [window_of(who, day) for day in days]
    assert all(a[1] == b[0] for a, b in pairwise(windows))
    hours = {round((end - start).total_seconds() / 3600) for start, end in windows}
    assert hours == {23, 24, 25}


def test_missed_days_are_told_by_one_catch_up() -> None:
    who = reader()
    last, now = date(2026, 11, 3), datetime(2026, 11, 9, 12, tzinfo=UTC)
    day = digest_due(who, last, now)
    assert day == date(2026, 11, 9)
    assert day is not None
    start, end = edition_window(who, day, last, "digest")
    assert start == window_of(who, last)[1]
    assert end == window_of(who, day)[1]
    assert digest_due(who, day, now) is None


def test_saturday_is_the_weekly_review_and_a_day_of_results_a_brief() -> None:
    assert edition_of(date(2026, 11, 28), reporting=True) == "weekly"
    assert edition_of(date(2026, 11, 24), reporting=True) == "earnings"
    assert edition_of(date(2026, 11, 24), reporting=False) == "digest"
    start, end = edition_window(reader(), date(2026, 11, 28), date(2026, 11, 27), "weekly")
    assert (end - start).days == 7


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 5 * 365 * 24 * 60),
    st.integers(0, 23),
    st.sampled_from([0, 15, 30, 45]),
)
def test_what_is_due_is_never_of_the_future_and_due_once(zone: str, minutes: int, hour: int, minute: int) -> None:
    who, now = (
        reader(zone=zone, at=f"{hour:02d}:{minute:02d}"),
        datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes),
    )
    day = digest_due(who, None, now)
    assert day is not None
    assert day <= now.astimezone(who.zone).date()
    assert digest_due(who, day, now) is None
