"""Each stage of the routing chain alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.alerts.route import quiet_past
from tracker.alerts.stages.group import due_at, group_key
from tracker.alerts.stages.inhibit import Inhibition, inhibited
from tracker.alerts.stages.match import LABELS, compile_match
from tracker.alerts.stages.mute import MuteTime, known_calendar, muted, muted_until
from tracker.alerts.stages.silence import silenced
from tracker.alerts.stages.throttle import throttle
from tracker.alerts.stages.tree import Route, walk

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def labels(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {
        "rule": "demand.capex", "claim": "D1", "pillar": "demand", "direction": "for", "severity": "high",
        "entity": "META", "layer": "hyperscaler", "tier": 1, "story": "s1", "effective_at": NOW,
    }  # fmt: skip
    return pl.DataFrame([{"signal_id": f"x{n}", **base, **row} for n, row in enumerate(rows)], schema=LABELS)


def route(
    name: str = "all", *, match: dict[str, Any] | None = None, children: tuple[Route, ...] = (), **more: Any
) -> Route:
    values: dict[str, Any] = {
        "to": ("everyone",), "tell": "auto", "group_by": ("story",), "group_wait": timedelta(0),
        "group_interval": timedelta(0), "repeat_interval": None, "mute": (), "when_muted": "digest", **more,
    }  # fmt: skip
    return Route(name=name, where="", match=compile_match(match or {}), children=children, **values)


# --- match ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "row", "meant"),
    [
        ({}, {}, True),
        ({"claim": "D1"}, {}, True),
        ({"claim": "D*"}, {"claim": "D12"}, True),
        ({"claim": "D?"}, {"claim": "D12"}, False),
        ({"claim": ["D2", "D3"]}, {}, False),
        ({"entity": "2330.TW"}, {"entity": "2330xTW"}, False),
        ({"entity": "META"}, {"entity": None}, False),
        ({"direction": "against"}, {"direction": "against"}, True),
        ({"severity": {"at_least": "medium"}}, {"severity": "low"}, False),
        ({"severity": {"at_least": "medium"}}, {"severity": "critical"}, True),
        ({"severity": ["low", "info"]}, {"severity": "info"}, True),
        ({"tier": {"at_most": 2}}, {"tier": 2}, True),
        ({"tier": {"at_most": 2}}, {"tier": None}, False),
        ({"tier": 3}, {"tier": 3}, True),
        ({"layer": "memory"}, {"layer": "memory"}, True),
        ({"not": {"claim": "D1"}}, {}, False),
        ({"not": {"entity": "META"}}, {"entity": None}, True),
        ({"claim": "D1", "entity": "AMD"}, {}, False),
    ],
)
def test_a_match_means_what_it_says(match: dict[str, Any], row: dict[str, Any], meant: bool) -> None:
    assert labels(row).filter(compile_match(match)).height == int(meant)


# --- tree ----------------------------------------------------------------------------------------------------------


def test_a_signal_takes_the_first_child_that_matches_and_stays_with_the_parent_otherwise() -> None:
    tree = route(
        children=(
            route("all/memory", match={"layer": "memory"}),
            route("all/loud", match={"severity": "high"}, children=(route("all/loud/amd", match={"entity": "AMD"}),)),
        )
    )
    signals = labels({"layer": "memory"}, {}, {"entity": "AMD"}, {"severity": "low"})
    ends = {s: r.name for r, part in walk(tree, signals) for s in part["signal_id"]}
    assert ends == {"x0": "all/memory", "x1": "all/loud", "x2": "all/loud/amd", "x3": "all"}


def test_past_a_continue_the_next_sibling_looks_too() -> None:
    tree = route(children=(route("all/a", match={"claim": "D1"}, goes_on=True), route("all/b"), route("all/c")))
    assert [r.name for r, _ in walk(tree, labels({}))] == ["all/a", "all/b"]


def test_a_continue_that_nobody_takes_up_does_not_fall_back_to_the_parent() -> None:
    tree = route(children=(route("all/a", goes_on=True), route("all/b", match={"claim": "D2"})))
    assert [r.name for r, _ in walk(tree, labels({}))] == ["all/a"]


# --- silence -------------------------------------------------------------------------------------------------------


def silence(**conditions: Any) -> pl.DataFrame:
    row = {"author": "ann", "reason": "earnings", "until": NOW + timedelta(hours=1), **conditions}
    return pl.DataFrame([row], schema=quiet_past().silences.schema)


def test_a_silence_covers_what_all_its_conditions_name() -> None:
    signals = labels({}, {"entity": "AMD"}, {"entity": None}, {"claim": "D2"})
    assert set(silenced(signals, silence(claim="D1", entity="META"), NOW)) == {"x0"}
    assert set(silenced(signals, silence(rule_id="demand.capex"), NOW)) == {"x0", "x1", "x2", "x3"}


def test_a_silence_ends_and_tells_its_reason_and_whose_ears_it_spares() -> None:
    one = silence(claim="D1", recipient="ann@example.org")
    (hush,) = silenced(labels({}), one, NOW)["x0"]
    assert "earnings" in hush.text
    assert hush.recipient == "ann@example.org"
    assert silenced(labels({}), one, NOW + timedelta(hours=1)) == {}


# --- inhibition ----------------------------------------------------------------------------------------------------


def rule(**more: Any) -> Inhibition:
    values = {
        "source": {"severity": "critical"}, "target": {}, "same": ("claim", "entity"), "lasts": timedelta(hours=24),
        "louder": True, **more,
    }  # fmt: skip
    values |= {side: compile_match(values[side]) for side in ("source", "target")}
    return Inhibition("parent", **values)


def test_a_louder_signal_on_the_same_claim_and_entity_keeps_others_quiet() -> None:
    known = labels({"signal_id": "parent", "severity": "critical", "effective_at": NOW - timedelta(hours=2)})
    signals = labels({}, {"entity": "AMD"}, {"severity": "critical"})
    assert list(inhibited(signals, known, [rule()], NOW)) == ["x0"]
    assert inhibited(signals, known, [rule(lasts=timedelta(hours=1))], NOW) == {"x0": "inhibited by 'parent': x2"}


def test_labels_that_are_null_never_agree() -> None:
    known = labels({"signal_id": "parent", "severity": "critical", "entity": None})
    assert inhibited(labels({"entity": None}), known, [rule()], NOW) == {}


def test_a_rejected_signal_keeps_the_rest_of_its_story_quiet_but_not_itself() -> None:
    rejected = rule(source={"review": "reject"}, same=("story", "claim"), louder=False)
    known = labels({"signal_id": "wrong", "review": "reject"})
    assert list(inhibited(labels({}, {"story": "s2"}), known, [rejected], NOW)) == ["x0"]
    assert inhibited(labels({"review": "reject"}), labels().clear(), [rejected], NOW) == {}


# --- mute ----------------------------------------------------------------------------------------------------------


def mute(start: str = "00:00", end: str = "00:00", days: tuple[int, ...] = tuple(range(7)), **more: Any) -> MuteTime:
    return MuteTime(
        "m",
        time.fromisoformat(start),
        time.fromisoformat(end),
        frozenset(days),
        more.get("calendars", ()),
        more.get("zone"),
    )


@pytest.mark.parametrize(
    ("one", "local", "holds"),
    [
        (mute("22:00", "06:30"), "2026-11-24 22:00", True),
        (mute("22:00", "06:30"), "2026-11-24 06:29", True),
        (mute("22:00", "06:30"), "2026-11-24 06:30", False),
        (mute("22:00", "06:30"), "2026-11-24 21:59", False),
        (mute("22:00", "06:30", (4,)), "2026-11-28 03:00", True),  # the night that began on Friday
        (mute("22:00", "06:30", (4,)), "2026-11-27 03:00", False),
        (mute(days=(5, 6)), "2026-11-29 23:59", True),
        (mute(days=(5, 6)), "2026-11-30 00:00", False),
        (mute(calendars=("NYSE",)), "2026-11-26 10:00", True),  # Thanksgiving
        (mute(calendars=("NYSE",)), "2026-11-27 10:00", False),
        (mute(calendars=("country:DE",)), "2026-10-03 10:00", True),
    ],
)
def test_mute_times_hold_by_the_readers_clock(one: MuteTime, local: str, holds: bool) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(UTC)
    assert (muted([one], at, BERLIN) is not None) == holds


def test_a_mute_time_with_a_zone_of_its_own_ignores_the_readers() -> None:
    one = mute("22:00", "06:30", zone=ZoneInfo("Asia/Shanghai"))
    assert muted([one], datetime(2026, 11, 24, 15, tzinfo=UTC), BERLIN)  # 23:00 in Shanghai
    assert not muted([one], datetime(2026, 11, 24, 23, tzinfo=UTC), BERLIN)  # 07:00 in Shanghai


def test_a_hold_runs_through_nights_weekends_and_holidays_that_touch() -> None:
    both = [mute("22:00", "06:30"), mute(days=(5, 6))]
    friday_night = datetime(2026, 11, 27, 23, tzinfo=BERLIN)
    assert muted_until(both, friday_night, BERLIN) == datetime(2026, 11, 30, 6, 30, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_night_keeps_its_wall_clock_when_the_offset_changes(day: str) -> None:
    start = datetime.fromisoformat(f"{day} 00:30").replace(tzinfo=BERLIN)
    assert (
        muted_until([mute("22:00", "06:30")], start, BERLIN).astimezone(BERLIN).strftime("%d %H:%M")
        == f"{day[-2:]} 06:30"
    )


@given(
    st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2029-01-01")),
    st.sampled_from(["UTC", "America/New_York", "Asia/Shanghai"]),
)
def test_the_end_of_a_hold_is_never_muted_and_never_earlier(moment: datetime, zone: str) -> None:
    mutes = [mute("22:00", "06:30"), mute("12:00", "13:00", (2,)), mute(days=(6,)), mute(calendars=("NYSE",))]
    at, where = moment.replace(tzinfo=UTC), ZoneInfo(zone)
    until = muted_until(mutes, at, where)
    assert until >= at
    assert muted(mutes, until, where) is None


def test_calendars_are_known_by_name() -> None:
    assert known_calendar("NYSE")
    assert known_calendar("country:DE")
    assert not known_calendar("DE")
    assert not known_calendar("country:NYSE")


# --- group ---------------------------------------------------------------------------------------------------------


def test_signals_that_agree_in_the_labels_of_a_route_share_a_group() -> None:
    rows = labels({}, {"claim": "D2"}, {"story": "s2"}, {"entity": None}).to_dicts()
    assert len({group_key(route(), row) for row in rows}) == 2
    assert len({group_key(route(group_by=("claim", "entity")), row) for row in rows}) == 3
    assert len({group_key(route(group_by=()), row) for row in rows}) == 1


def test_the_first_waits_for_others_and_the_next_message_keeps_its_distance() -> None:
    one = route(group_wait=timedelta(seconds=30), group_interval=timedelta(minutes=10))
    assert due_at(one, NOW, waiting_until=None, told_at=None) == NOW + timedelta(seconds=30)
    assert due_at(one, NOW, waiting_until=NOW + timedelta(seconds=5), told_at=None) == NOW + timedelta(seconds=5)
    told = NOW - timedelta(minutes=4)
    assert due_at(one, NOW, waiting_until=None, told_at=told) == NOW + timedelta(minutes=6)
    assert due_at(one, NOW, waiting_until=None, told_at=NOW - timedelta(hours=1)) == NOW + timedelta(seconds=30)


# --- throttle ------------------------------------------------------------------------------------------------------


def test_what_is_over_the_cap_is_folded_into_the_last_place_of_the_hour() -> None:
    made = throttle(list("abcdefgh"), sent=[], sent_today=0, per_hour=6, per_day=100, now=NOW)
    assert (made.now, made.fold, made.fold_at) == (list("abcde"), list("fgh"), NOW)


def test_with_the_hour_spent_the_fold_waits_for_the_oldest_message_to_leave_it() -> None:
    sent = [NOW - timedelta(minutes=m) for m in (50, 40, 30, 20, 10, 5)]
    made = throttle(["a"], sent=sent, sent_today=6, per_hour=6, per_day=100, now=NOW)
    assert (made.now, made.fold, made.fold_at) == ([], ["a"], NOW + timedelta(minutes=10))


def test_over_the_daily_budget_only_the_digest_tells() -> None:
    made = throttle(list("abc"), sent=[], sent_today=9, per_hour=6, per_day=10, now=NOW)
    assert (made.now, made.fold, made.digest) == (["a"], [], ["b", "c"])


@given(
    st.integers(0, 30),
    st.lists(st.integers(0, 90), max_size=20),
    st.integers(0, 40),
    st.integers(1, 8),
    st.integers(1, 40),
)
def test_no_message_is_lost_and_no_cap_is_broken(
    many: int, ago: list[int], today: int, per_hour: int, per_day: int
) -> None:
    sent = [NOW - timedelta(minutes=m) for m in ago]
    messages = list(range(many))
    made = throttle(messages, sent=sent, sent_today=today, per_hour=per_hour, per_day=per_day, now=NOW)
    assert sorted([*made.now, *made.fold, *made.digest]) == messages
    in_hour = sum(m < 60 for m in ago)
    going_out = len(made.now) + bool(made.fold and made.fold_at == NOW)
    assert going_out == 0 or in_hour + going_out <= per_hour
    assert len(made.now) + len(made.fold) <= max(0, per_day - today)
