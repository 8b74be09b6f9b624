"""Trouble of the tracker itself: found when it is there, not found when it is not, told once, again, and when it is over."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.alerts.servers import Hook, http_server
from tests.alerts.small import NOW, kit, reader
from tracker.alerts import operators, watchdogs
from tracker.alerts.operators import Vitals
from tracker.alerts.watchdogs import Trouble
from tracker.config import MailSettings
from tracker.errors import SourceError
from tracker.ingest.client import ping
from tracker.store import Store
from tracker.thesis.calendar import CALENDAR_SCHEMA

MAIL = MailSettings(host="localhost", sender="t@example.org", to=("op@example.org", "b@example.org"))
LONG_AGO = NOW - timedelta(days=30)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.duckdb") as opened:
        yield opened


def answers(*items: int) -> pl.DataFrame:
    rows = [("s", "Site", NOW + timedelta(hours=n), count) for n, count in enumerate(items)]
    return pl.DataFrame(rows, schema=["source_id", "name", "requested_at", "items"], orient="row")


@pytest.mark.parametrize(
    ("items", "changed"),
    [
        ([20] * 10 + [0, 0, 0], True),
        ([20] * 10 + [3, 2, 3], True),  # a fragment of the page still reads
        ([20] * 10 + [0, 0, 20], False),
        ([20] * 10 + [0, 0], False),
        ([20] * 10 + [15, 12, 18], False),
        ([3] * 10 + [1, 1, 1], False),  # few were few before
        ([0] * 13, False),  # never had any: not a change
        ([0, 0, 0], False),
        ([1] * 3 + [0, 0, 0], True),
    ],
)
def test_a_page_that_changed_its_shape_is_told_from_a_quiet_one(items: list[int], changed: bool) -> None:
    assert bool(watchdogs.shape_changes(answers(*items))) == changed


def test_only_dead_sources_are_told_with_their_reason() -> None:
    rows = [("a", "A", "dead", 7, "HTTP 404"), ("b", "B", "failing", 2, "timeout"), ("c", "C", "ok", 0, None)]
    health = pl.DataFrame(rows, schema=["source_id", "name", "health", "failures", "last_error"], orient="row")
    (trouble,) = watchdogs.dead_sources(health)
    assert trouble.id == "dead_source:a"
    assert "7 times in a row: HTTP 404" in trouble.text_en


def due(days: int, last: date | None = date(2026, 10, 10)) -> pl.DataFrame:
    row = {
        "due": NOW.date() - timedelta(days=days),
        "entity": "2330.TW",
        "what": "monthly_revenue",
        "last": last,
        "overdue_days": days,
    }
    return pl.DataFrame([row], schema={k: CALENDAR_SCHEMA[k] for k in row})


def test_expected_news_that_did_not_come_is_trouble_for_a_while() -> None:
    assert [bool(watchdogs.absent_news(due(days), 5)) for days in (0, 4, 5, 60, 61)] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert watchdogs.absent_news(due(10, last=None), 5) == []


def test_silence_counts_from_the_last_document_or_the_start() -> None:
    def silent(last: datetime | None, started: datetime) -> bool:
        return bool(watchdogs.no_documents(last, started, NOW, 24))

    assert silent(NOW - timedelta(hours=25), LONG_AGO)
    assert not silent(NOW - timedelta(hours=23), LONG_AGO)
    assert silent(None, LONG_AGO)
    assert not silent(NOW - timedelta(days=9), NOW - timedelta(hours=1))  # just started: it may still come


def test_disk_and_clock_have_limits() -> None:
    assert watchdogs.disk_nearly_full(0.049, 5)
    assert not watchdogs.disk_nearly_full(0.05, 5)
    assert "forward by 3,600 s" in watchdogs.clock_jump(3600, 0, 90)[0].text_en
    assert "back by 120 s" in watchdogs.clock_jump(-120, 0, 90)[0].text_en
    assert "back by 500 s" in watchdogs.clock_jump(0, 500, 90)[0].text_en  # records of a time that is still to come
    assert not watchdogs.clock_jump(-89, 89, 90)


def test_a_digest_is_late_only_after_its_grace_and_while_it_is_not_accepted() -> None:
    one = reader(zone="UTC", at="07:30")
    today = NOW.date()

    def late(hour: int, minute: int, last: date | None, started: datetime = LONG_AGO) -> bool:
        return bool(watchdogs.late_digests([(one, last)], started, NOW.replace(hour=hour, minute=minute), 60))

    yesterday = today - timedelta(days=1)
    assert not late(8, 29, yesterday)
    assert late(8, 30, yesterday)
    assert not late(8, 30, today)
    assert late(8, 30, None)
    assert not late(8, 30, None, started=NOW.replace(hour=8))


# --- telling -------------------------------------------------------------------------------------------------------


def trouble(name: str = "disk", text: str = "only 1 % of the disk is free") -> Trouble:
    return Trouble(name, name, text, "磁盘将满")


def mails(store: Store) -> list[Any]:
    rows = store.read("SELECT message FROM alerts WHERE kind = 'operator' ORDER BY created_at")["message"]
    return [email.message_from_bytes(bytes(m), policy=email.policy.default) for m in rows]


def test_trouble_is_told_once_again_after_a_day_and_when_it_is_over(store: Store) -> None:
    def report(*found: Trouble, after: timedelta) -> int:
        return operators.report(store, kit(), MAIL, found, NOW + after)

    minute, day = timedelta(minutes=1), timedelta(days=1)
    assert report(trouble(), after=0 * minute) == 1
    assert report(trouble(), after=minute) == 0
    assert report(trouble(), trouble("dead_letter", "3 deliveries"), after=2 * minute) == 1
    assert report(trouble(), trouble("dead_letter"), after=day + minute) == 1
    assert report(after=day + 3 * minute) == 1
    assert report(after=day + 4 * minute) == 0
    subjects = [str(m["Subject"]) for m in mails(store)]
    assert subjects[0] == "Tracker trouble: only 1 % of the disk is free"
    assert subjects[-1] == "Tracker: all is well again"
    assert {str(m["To"]) for m in mails(store)} == {"op@example.org"}
    assert store.scalar("SELECT count(*) FROM troubles WHERE gone_at IS NULL") == 0


def test_trouble_that_comes_and_goes_is_not_told_with_every_coming(store: Store) -> None:
    queued = [
        operators.report(store, kit(), MAIL, [trouble()] if n % 2 == 0 else [], NOW + timedelta(minutes=n))
        for n in range(10)
    ]
    assert sum(queued) == 2


def test_what_a_server_said_cannot_write_headers_or_markup(store: Store) -> None:
    hostile = "x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script><img src=x onerror=y> \u202e evil"
    operators.report(store, kit(), MAIL, [trouble(text=hostile)], NOW)
    (mail,) = mails(store)
    assert mail["Bcc"] is None
    assert "\n" not in str(mail["Subject"])
    page = mail.get_body(("html",)).get_content()
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page


def test_the_watchdogs_of_a_healthy_young_store_are_quiet(store: Store) -> None:
    quiet = pl.DataFrame(schema=CALENDAR_SCHEMA)
    found = operators.look(store, kit(), MAIL, Vitals(NOW - timedelta(minutes=5)), quiet, NOW)
    assert [t for t in found if t.kind != "disk"] == []


def test_the_watchdogs_see_what_the_store_holds(store: Store) -> None:
    source = {
        "source_id": "a", "name": "A", "kind": "rss", "url": "https://a.example.org", "lang": "en", "tier": 1, "enabled": True,
        "poll_minutes": 60.0, "failures": 6, "last_error": "HTTP 500", "updated_at": NOW,
    }  # fmt: skip
    store.append("sources", pl.DataFrame([source, source | {"source_id": "b", "name": "B", "failures": 0}]))
    rows = [
        {"fetch_id": f"f{n}", "source_id": "b", "url": "u", "requested_at": NOW - timedelta(hours=20 - n), "status": 200,
         "not_modified": False, "items": 12 if n < 10 else 0}
        for n in range(13)
    ]  # fmt: skip
    store.append("fetches", pl.DataFrame(rows))
    delivery = {
        "alert_id": "x",
        "channel": "email",
        "state": "dead",
        "attempts": 12,
        "next_at": NOW,
        "message_id": "m",
        "last_error": "550 gone",
    }
    store.append("deliveries", pl.DataFrame([delivery]))
    found = operators.look(store, kit(), MAIL, Vitals(LONG_AGO, 7200.0), due(10), NOW)
    kinds = {t.kind for t in found} - {"disk"}
    assert kinds == {
        "dead_source",
        "shape_change",
        "news_absent",
        "no_documents",
        "clock",
        "digest_late",
        "dead_letter",
    }
    assert all(t.text_en and t.text_zh for t in found)


def test_the_dead_mans_switch_is_asked_and_its_silence_is_an_error() -> None:
    with http_server(Hook()) as hook:
        assert ping(hook.url + "/alive", timeout_s=5) == 200
    assert hook.got[0][0] == "/alive"
    with pytest.raises(SourceError):
        ping(hook.url, timeout_s=1)
