"""From new signals to queued messages, over a store: waits, folds, budgets, silences, reviews."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tests.alerts.servers import MailBox, mail_server
from tests.alerts.small import NOW, kit
from tracker import yaml_files
from tracker.alerts import deliver, dispatch
from tracker.alerts.content import withheld_from
from tracker.alerts.routing_file import read_routing
from tracker.config import MailSettings
from tracker.kit import Kit, names_of
from tracker.pipeline import Counts, tell
from tracker.store import Store
from tracker.vocabulary import SIGNALS_SCHEMA, conform

MAIL = MailSettings(host="localhost", sender="tracker@example.org", to=("ann@example.org",), max_immediate_per_hour=6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.duckdb") as opened:
        yield opened


def routed(text: str) -> Kit:
    base = kit()
    return replace(
        base, routing=read_routing(yaml_files.loads(text, Path("alerts.yaml")), names_of(base.thesis, base.lexicon))
    )


def signals(*rows: dict[str, Any], now: datetime = NOW) -> pl.DataFrame:
    base = {
        "rule_id": "demand.capex-guidance-raised", "rule_version": "1", "claim": "D1", "pillar": "demand", "direction": 1,
        "severity": "high", "strength": 0.5, "confidence": 0.5, "entity": "META", "effective_at": now, "created_at": now,
        "explanation": "Meta raised capex", "explanation_zh": "Meta上调", "fact_ids": [], "doc_ids": [], "story_id": "s",
        "beneficiaries": [], "squeezed": [],
    }  # fmt: skip
    return conform(pl.DataFrame([base | row for row in rows]), SIGNALS_SCHEMA)


def bring(store: Store, with_kit: Kit, *rows: dict[str, Any], mail: MailSettings = MAIL, now: datetime = NOW) -> int:
    made = signals(*rows, now=now)
    store.append("signals", made)
    return dispatch.take(store, with_kit, made, with_kit.routing.readers(mail), mail, now)


def many(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"signal_id": f"x{n:03d}", "story_id": f"s{n}"} for n in range(start, start + count)]


def test_one_story_is_one_message_and_a_low_signal_is_none(store: Store) -> None:
    rows = [{"signal_id": "a"}, {"signal_id": "b", "claim": "D2"}, {"signal_id": "c", "severity": "low"}]
    assert bring(store, kit(), *rows) == 1
    alert = store.read("SELECT * FROM alerts").row(0, named=True)
    assert alert["signal_ids"] == ["a", "b"]
    assert alert["text"]
    assert store.read("SELECT signal_id, state FROM notices ORDER BY 1").rows() == [("a", "told"), ("b", "told")]


def test_a_flood_is_folded_and_its_rest_counted(store: Store) -> None:
    assert bring(store, kit(), *many(20)) == 6
    sizes = sorted(len(ids) for ids in store.read("SELECT signal_ids FROM alerts")["signal_ids"])
    assert sizes == [1, 1, 1, 1, 1, 15]
    assert bring(store, kit(), *many(3, start=20), now=NOW + timedelta(minutes=5)) == 0
    later = NOW + timedelta(minutes=61)
    assert dispatch.flush(store, kit(), kit().routing.readers(MAIL), MAIL, later) == 1
    told = withheld_from(store, "ann@example.org", (NOW - timedelta(hours=1), later))
    assert told == [("folded: more than 6 messages an hour", 18)]
    assert store.scalar("SELECT count(*) FROM notices WHERE state <> 'told'") == 0


def test_a_large_flood_is_queued_in_rounds_and_none_is_forgotten(store: Store) -> None:
    mail = MAIL.model_copy(update={"max_immediate_per_hour": 1000, "max_immediate_per_day": 1000})
    queued = [bring(store, kit(), *many(230), mail=mail)]
    while made := dispatch.flush(store, kit(), kit().routing.readers(mail), mail, NOW):
        queued.append(made)
    assert queued == [200, 30]
    assert store.scalar("SELECT count(DISTINCT message_id) FROM deliveries") == 230


def test_over_the_daily_budget_is_listed_with_its_reason(store: Store) -> None:
    mail = MAIL.model_copy(update={"max_immediate_per_day": 2})
    assert bring(store, kit(), *many(5), mail=mail) == 2
    told = withheld_from(store, "ann@example.org", (NOW - timedelta(hours=1), NOW))
    assert told == [("over the budget of 2 messages a day", 3)]


def test_the_same_signals_again_queue_nothing(store: Store) -> None:
    assert bring(store, kit(), {"signal_id": "a"}) == 1
    assert bring(store, kit(), {"signal_id": "a"}) == 0


GROUPED = """
recipients:
  - {id: ann, email: ann@example.org, timezone: Europe/Berlin}
  - {id: desk, email: desk@example.org, language: zh, timezone: Asia/Shanghai, pillars: [hbm]}
mute_times: [{id: nights, from: "22:00", to: "06:30"}]
routes:
  group_by: [claim]
  group_wait: 60s
  group_interval: 10m
  mute: [nights]
  when_muted: hold
"""


def test_a_group_waits_for_others_then_keeps_its_distance(store: Store) -> None:
    grouped = routed(GROUPED)
    readers = grouped.routing.readers(MAIL)
    assert bring(store, grouped, {"signal_id": "a"}) == 0
    assert bring(store, grouped, {"signal_id": "b", "story_id": "t"}, now=NOW + timedelta(seconds=40)) == 0
    assert dispatch.flush(store, grouped, readers, MAIL, NOW + timedelta(seconds=60)) == 1
    assert store.read("SELECT signal_ids FROM alerts").item().to_list() == ["a", "b"]
    assert bring(store, grouped, {"signal_id": "c", "story_id": "u"}, now=NOW + timedelta(seconds=90)) == 0
    due = store.scalar("SELECT due_at FROM notices WHERE signal_id = 'c'")
    assert due == NOW + timedelta(seconds=60) + timedelta(minutes=10)


def alert_of(store: Store) -> tuple[str, str]:
    subject, text = store.read("SELECT subject, text FROM alerts").row(0)
    return subject, text


def test_a_group_that_waited_tells_what_came_and_how_far_it_moved(store: Store) -> None:
    grouped = routed(GROUPED)
    tell(store, grouped, signals({"signal_id": "a"}), NOW, Counts(), MAIL)
    after = store.scalar("SELECT probability FROM v_latest_conviction WHERE claim = 'D1'")
    later = NOW + timedelta(seconds=60)
    assert dispatch.flush(store, grouped, grouped.routing.readers(MAIL), MAIL, later) == 1
    subject, text = alert_of(store)
    assert subject.endswith("Meta raised capex")
    assert "Meta raised capex" in text
    assert f"{after * 100:.1f} %" in text
    assert "Nothing moved" not in text


def test_an_alert_shows_the_strongest_known_on_the_other_side_and_nothing_newer(store: Store) -> None:
    earlier = NOW - timedelta(days=3)
    against = [
        {"signal_id": f"k{n}", "direction": -1, "story_id": f"k{n}", "explanation": f"Doubt {n}", "strength": n / 10}
        for n in range(1, 6)
    ]
    store.append("signals", signals(*against, now=earlier))
    bring(
        store,
        kit(),
        {"signal_id": "a"},
        {"signal_id": "b", "direction": -1, "claim": "D2", "explanation": "Other claim"},
    )
    told = alert_of(store)[1]
    assert [n for n in range(1, 6) if f"Doubt {n}" in told] == [3, 4, 5]
    assert told.index("Doubt 5") < told.index("Doubt 3")
    assert "known before" in told


def test_what_is_folded_is_told_when_its_hour_comes(store: Store) -> None:
    mail = MAIL.model_copy(update={"max_immediate_per_hour": 1})
    bring(store, kit(), *many(1), mail=mail)
    bring(
        store,
        kit(),
        {"signal_id": "y", "story_id": "y", "explanation": "Later news"},
        mail=mail,
        now=NOW + timedelta(minutes=5),
    )
    hour = NOW + timedelta(minutes=61)
    assert dispatch.flush(store, kit(), kit().routing.readers(mail), mail, hour) == 1
    assert "Later news" in store.scalar("SELECT text FROM alerts ORDER BY created_at DESC LIMIT 1")


def test_what_is_taken_back_while_it_waits_is_not_told(store: Store) -> None:
    grouped = routed(GROUPED)
    bring(store, grouped, {"signal_id": "a"})
    store.supersede("signals", pl.Series(["a"]), at=NOW + timedelta(seconds=5))
    assert dispatch.flush(store, grouped, grouped.routing.readers(MAIL), MAIL, NOW + timedelta(minutes=2)) == 0
    assert store.read("SELECT state, reason FROM notices").row(0) == ("digest", "taken back while it waited")


def test_each_recipient_has_own_pillars_language_and_night(store: Store) -> None:
    grouped = routed(GROUPED)
    evening = NOW.replace(hour=15)  # 16:00 in Berlin, 23:00 in Shanghai
    bring(store, grouped, {"signal_id": "a"}, {"signal_id": "b", "pillar": "hbm", "claim": "S1"}, now=evening)
    due = {(r, s): d for r, s, d in store.read("SELECT recipient, signal_id, due_at FROM notices").rows()}
    assert ("desk@example.org", "a") not in due
    assert due["ann@example.org", "b"] == evening + timedelta(seconds=60)
    shanghai = ZoneInfo("Asia/Shanghai")
    assert due["desk@example.org", "b"].astimezone(shanghai).strftime("%d %H:%M") == "25 06:30"


def test_a_silence_keeps_quiet_and_is_listed(store: Store) -> None:
    row = {
        "silence_id": "q",
        "claim": "D1",
        "until": NOW + timedelta(days=1),
        "author": "ann",
        "reason": "earnings",
        "created_at": NOW,
    }
    store.append("silences", pl.DataFrame([row]))
    assert bring(store, kit(), {"signal_id": "a"}) == 0
    reasons = withheld_from(store, "ann@example.org", (NOW - timedelta(hours=1), NOW))
    assert reasons == [("silenced by ann until 2026-11-25 12:00 UTC: earnings", 1)]


def test_a_rejected_signal_keeps_its_story_quiet(store: Store) -> None:
    assert bring(store, kit(), {"signal_id": "a"}) == 1
    review = {
        "review_id": "r",
        "target": "signal",
        "target_id": "a",
        "verdict": "reject",
        "author": "ann",
        "reviewed_at": NOW,
    }
    store.append("reviews", pl.DataFrame([review]))
    assert bring(store, kit(), {"signal_id": "b"}, now=NOW + timedelta(minutes=1)) == 0
    assert "rejected" in store.scalar("SELECT reason FROM notices WHERE signal_id = 'b'")


def test_a_reader_of_a_channel_gets_a_delivery_there_and_no_mail(store: Store) -> None:
    text = """
recipients: [{id: room, channels: [hook]}]
channels: [{id: hook, url: "json://127.0.0.1:9"}]
routes: {to: [room]}
"""
    assert bring(store, routed(text), {"signal_id": "a"}) == 1
    assert store.read("SELECT channel FROM deliveries")["channel"].to_list() == ["hook"]


def test_who_ended_such_mails_gets_none(store: Store) -> None:
    store.append(
        "unsubscribed", pl.DataFrame([{"recipient": "ann@example.org", "kind": "immediate", "unsubscribed_at": NOW}])
    )
    assert bring(store, kit(), {"signal_id": "a"}) == 0
    assert deliver.waiting(store, NOW) == 0


HOSTILE = (
    "Meta raised\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script> <a href='javascript:alert(1)'>filing</a> "
    "\u202eevil\u202c 🚀 עברית \x00"
)


@pytest.mark.parametrize("text", [HOSTILE, "x" * 10_000_000, "🚀" * 50_000, "\n.\r\n.\r\n" * 100])
def test_hostile_news_reaches_the_mail_server_as_one_plain_message(store: Store, text: str) -> None:
    with mail_server(MailBox()) as box:
        mail = MAIL.model_copy(update={"host": "127.0.0.1", "port": box.port, "security": "none"})
        assert bring(store, kit(), {"signal_id": "a", "explanation": text}, mail=mail) == 1
        assert deliver.deliver_mail(store, mail, lambda: NOW).sent == 1
    ((sender, recipients, content),) = box.got
    assert (sender, recipients) == ("tracker@example.org", ["ann@example.org"])
    assert max(len(line) for line in content.split(b"\r\n")) <= 998  # RFC 5322
    assert len(content) < 100_000
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["Bcc"] is None
    assert message["To"] == "ann@example.org"
    assert len(str(message["Subject"])) <= 160
    assert "\u202e" not in str(message["Subject"])
    page = message.get_body(("html",)).get_content()
    assert "<script" not in page
    assert "javascript:" not in page
    assert "\u202e" not in page
