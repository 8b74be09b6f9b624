"""Links in a mail: signed, good for what they say, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.alerts.small import NOW, filled, kit, reader
from tracker.alerts.feedback import apply
from tracker.alerts.links import LinkError, Links, link_key
from tracker.alerts.subscriptions import begin_again, still_wanted
from tracker.errors import UsageError
from tracker.store import Store

LINKS = Links("https://tracker.example.org", b"a secret of this test")
WHO = "reader@example.org"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path) as made:
        yield made


def signal_of(store: Store, claim: str) -> str:
    return str(store.scalar("SELECT min(signal_id) FROM v_signals WHERE claim = $c", {"c": claim}))


def token(action: str, target: str, at: object = NOW) -> str:
    return LINKS.url(action, target, WHO, at).rpartition("/a/")[2]  # type: ignore[arg-type]


def conviction(store: Store, claim: str) -> float:
    return float(store.scalar("SELECT probability FROM v_latest_conviction WHERE claim = $c", {"c": claim}))


def test_a_rejection_moves_conviction_once_however_often_it_is_clicked(store: Store) -> None:
    signal, before = signal_of(store, "S1"), conviction(store, "S1")
    answer = LINKS.read(token("reject", signal), NOW)
    assert apply(store, kit(), answer, NOW + timedelta(seconds=1)).new
    after = conviction(store, "S1")
    assert after < before
    for later in range(1, 4):
        assert not apply(store, kit(), answer, NOW + timedelta(hours=later)).new
    assert store.scalar("SELECT count(*) FROM reviews") == 1
    assert conviction(store, "S1") == after
    row = store.read("SELECT target_id, verdict, author FROM reviews").row(0)
    assert row == (signal, "reject", WHO)


def test_a_replayed_link_does_not_bring_back_what_was_taken_back(store: Store) -> None:
    signal, before = signal_of(store, "S1"), conviction(store, "S1")
    answer = LINKS.read(token("reject", signal), NOW)
    effect = apply(store, kit(), answer, NOW + timedelta(seconds=1))
    assert conviction(store, "S1") < before
    later = NOW + timedelta(minutes=1)
    apply(store, kit(), LINKS.read(token("undo", effect.undo, later), later), later)
    assert conviction(store, "S1") == pytest.approx(before)
    assert not apply(store, kit(), answer, NOW + timedelta(minutes=2)).new
    assert conviction(store, "S1") == pytest.approx(before)


def test_a_silence_covers_the_rule_and_the_entity_for_a_week(store: Store) -> None:
    signal = signal_of(store, "D1")
    answer = LINKS.read(token("silence", signal), NOW)
    assert apply(store, kit(), answer, NOW).new
    assert not apply(store, kit(), answer, NOW).new
    rule, entity, until = store.read("SELECT rule_id, entity, until FROM silences").row(0)
    assert (rule, entity) == store.read(f"SELECT rule_id, entity FROM v_signals WHERE signal_id = '{signal}'").row(0)
    assert until - NOW == timedelta(days=7)
    later = NOW + timedelta(minutes=1)
    apply(store, kit(), LINKS.read(token("undo", f"silence:{signal}", later), later), later)
    assert store.scalar("SELECT count(*) FROM silences WHERE until > $now", {"now": later}) == 0


def test_who_unsubscribed_gets_nothing_of_the_kind_until_taken_back(store: Store) -> None:
    everybody = [reader()]
    answer = LINKS.read(token("unsubscribe", "weekly"), NOW)
    assert apply(store, kit(), answer, NOW).new
    assert still_wanted(store, everybody, "digest") == []
    assert still_wanted(store, everybody, "immediate") == everybody
    later = NOW + timedelta(minutes=1)
    assert apply(store, kit(), LINKS.read(token("undo", "unsubscribe:weekly", later), later), later).new
    assert still_wanted(store, everybody, "digest") == everybody


def test_a_link_from_before_somebody_subscribed_again_ends_nothing(store: Store) -> None:
    everybody = [reader()]
    old = LINKS.read(token("unsubscribe", "digest"), NOW)
    assert apply(store, kit(), old, NOW).new
    again = NOW + timedelta(days=1)
    assert begin_again(store, WHO, again) == 1
    with pytest.raises(LinkError, match="again after this one was sent"):
        apply(store, kit(), old, NOW + timedelta(days=2))
    assert still_wanted(store, everybody, "digest") == everybody
    newer = again + timedelta(hours=1)
    assert apply(store, kit(), LINKS.read(token("unsubscribe", "digest", newer), newer), newer).new
    assert still_wanted(store, everybody, "digest") == []
    assert not apply(store, kit(), old, newer + timedelta(hours=1)).new  # it is ended: nothing to do
    assert store.scalar("SELECT count(*) FROM unsubscribed") == 1


def test_an_old_undo_does_not_bring_back_what_was_ended_later(store: Store) -> None:
    apply(store, kit(), LINKS.read(token("unsubscribe", "digest"), NOW), NOW)
    undo = LINKS.read(token("undo", "unsubscribe:digest", NOW), NOW)
    assert apply(store, kit(), undo, NOW + timedelta(minutes=1)).new
    later = NOW + timedelta(days=1)
    assert apply(store, kit(), LINKS.read(token("unsubscribe", "digest", later), later), later).new
    assert not apply(store, kit(), undo, later + timedelta(minutes=1)).new
    assert still_wanted(store, [reader()], "digest") == []


def test_a_link_knows_the_language_of_its_mail() -> None:
    url = LINKS.url("confirm", "abc", WHO, NOW, "zh")
    assert LINKS.read(url.rpartition("/a/")[2], NOW).language == "zh"
    assert LINKS.read(token("confirm", "abc"), NOW).language == "en"


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: "x" + t, lambda t: t.swapcase(), lambda t: "", lambda t: "a" * 9000]
)
def test_a_changed_link_is_refused(spoil: object) -> None:
    with pytest.raises(UsageError):
        LINKS.read(spoil(token("reject", "abc")), NOW)  # type: ignore[operator]


def test_a_link_of_another_installation_or_another_time_is_refused() -> None:
    with pytest.raises(UsageError):
        Links("https://tracker.example.org", b"another").read(token("confirm", "abc"), NOW)
    with pytest.raises(UsageError, match="older"):
        LINKS.read(token("confirm", "abc"), NOW + timedelta(days=61))


def test_an_unknown_signal_is_told(store: Store) -> None:
    with pytest.raises(UsageError, match="no longer known"):
        apply(store, kit(), LINKS.read(token("confirm", "0" * 16), NOW), NOW)


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    key = link_key(tmp_path / "var")
    assert link_key(tmp_path / "var") == key
    assert len(key) == 64
    assert (tmp_path / "var" / "link.key").stat().st_mode & 0o077 == 0
    assert [f.name for f in (tmp_path / "var").iterdir()] == ["link.key"]
