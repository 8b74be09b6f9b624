"""The outbox on its way: claim, send, mark; retries, dead letters, channels, repeats, wishes."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.servers import Hook, MailBox, http_server, mail_server
from tests.alerts.small import NOW
from tracker.alerts import deliver, outbox, repeats, wishes
from tracker.alerts.channels import Note, send, shortened
from tracker.alerts.journal import Journal, Taken
from tracker.alerts.routing import Channel
from tracker.alerts.signing import webhook_verified
from tracker.config import MailSettings
from tracker.errors import DeliveryError
from tracker.store import Store

NOTE = Note("ab12", "immediate", "high", "D1 <b>up</b>", "Meta raised\n@everyone", ("D1",), ("x",), NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.duckdb") as opened:
        yield opened


def queue(store: Store, alert_id: str, channels: tuple[str, ...] = ("email",), **more: Any) -> None:
    row = {
        "alert_id": alert_id, "kind": "immediate", "recipient": "a@example.org", "severity": "high", "claims": ["D1"],
        "signal_ids": [], "local_date": NOW.date(), "subject": "Capex up", "created_at": NOW, "text": "Meta raised", "repeat_at": None,
        "message": f"Subject: Capex up\r\nMessage-ID: <{alert_id}@example.org>\r\nDate: x\r\nFrom: t@example.org\r\n\r\nhi\r\n".encode(),
        "repeats": None, **more,
    }  # fmt: skip
    assert outbox.enqueue(store, [outbox.Prepared(row, channels, f"<{alert_id}@example.org>")], NOW) == 1


def mail_of(box: MailBox) -> MailSettings:
    return MailSettings(host="127.0.0.1", port=box.port, security="none", sender="t@example.org", timeout_s=5)


def states(store: Store) -> dict[str, str]:
    return dict(store.read("SELECT alert_id, state FROM deliveries ORDER BY 1").iter_rows())


def test_what_was_sent_is_not_sent_again(store: Store) -> None:
    queue(store, "a1")
    with mail_server(MailBox()) as box:
        assert deliver.deliver_mail(store, mail_of(box), lambda: NOW).sent == 1
        assert deliver.deliver_mail(store, mail_of(box), lambda: NOW).sent == 0
    assert len(box.got) == 1
    assert states(store) == {"a1": "sent"}


def test_the_wait_doubles_and_the_message_keeps_its_id(store: Store) -> None:
    queue(store, "a1")
    now = NOW
    with mail_server(MailBox(data=["451 a", "keep and break", "451 b"])) as box:
        waits = []
        for _ in range(3):
            assert deliver.deliver_mail(store, mail_of(box), lambda at=now: at).failed == 1
            assert deliver.deliver_mail(store, mail_of(box), lambda at=now: at).failed == 0  # not before its time
            due = store.scalar("SELECT next_at FROM deliveries")
            waits.append((due - now).total_seconds())
            now = due
        assert deliver.deliver_mail(store, mail_of(box), lambda at=now: at).sent == 1
    assert waits == [5, 10, 20]
    assert [b"Message-ID: <a1@example.org>" in content for _, _, content in box.got] == [True, True]


def test_a_refused_letter_is_dead_until_somebody_asks_again_and_the_others_go_on(store: Store) -> None:
    for name in ("a1", "a2"):
        queue(store, name)
    with mail_server(MailBox(rcpt=["550 no such user"])) as box:
        report = deliver.deliver_mail(store, mail_of(box), lambda: NOW)
        assert (report.sent, report.dead) == (1, 1)
        assert states(store) == {"a1": "dead", "a2": "sent"}
        assert "550 no such user" in store.scalar("SELECT last_error FROM deliveries WHERE state = 'dead'")
        assert deliver.retry_dead(store, "a2", NOW) == 0
        assert deliver.retry_dead(store, None, NOW) == 1
        assert deliver.deliver_mail(store, mail_of(box), lambda: NOW).sent == 1


def test_after_twelve_tries_it_is_given_up(store: Store) -> None:
    queue(store, "a1")
    now = NOW
    with mail_server(MailBox(data=["451 no"] * 12)) as box:
        for _ in range(12):
            deliver.deliver_mail(store, mail_of(box), lambda at=now: at)
            now += timedelta(hours=2)
    assert states(store) == {"a1": "dead"}


def test_a_claim_nobody_finished_is_taken_up_after_a_start(store: Store) -> None:
    queue(store, "a1")
    store.execute("UPDATE deliveries SET state = 'sending', claimed_at = $now", {"now": NOW})
    assert deliver.waiting(store, NOW) == 0
    assert deliver.release_claims(store) == 1
    assert deliver.waiting(store, NOW) == 1


def test_what_was_taken_before_a_crash_is_not_sent_again(store: Store) -> None:
    for name in ("a1", "a2", "a3"):
        queue(store, name)
    with mail_server(MailBox()) as box:
        calls = iter(range(10))

        def clock() -> datetime:
            if next(calls) == 3:  # the claim, two messages taken, and then the process dies
                raise KeyboardInterrupt
            return NOW

        with pytest.raises(KeyboardInterrupt):
            deliver.deliver_mail(store, mail_of(box), clock)
        assert states(store) == dict.fromkeys(("a1", "a2", "a3"), "sending")
        assert deliver.release_claims(store) == 1
        assert sorted(states(store).values()) == ["pending", "sent", "sent"]
        assert deliver.deliver_mail(store, mail_of(box), lambda: NOW).sent == 1
    sent = [content.split(b"Message-ID: ")[1][:4] for _, _, content in box.got]
    assert sent == [b"<a1@", b"<a2@", b"<a3@", b"<a3@"]  # the third was taken, but nobody had written it down


def test_a_line_that_was_cut_off_says_nothing(store: Store) -> None:
    with Journal(store.path, "mail") as journal:
        journal.note(Taken("a1", "email", NOW))
        with journal.path.open("a") as file:
            file.write("a2\temail\t2026-")
        assert journal.left() == [Taken("a1", "email", NOW)]
        journal.clear()
        assert journal.left() == []


def test_a_round_the_database_did_not_hear_of_is_marked_by_the_next(store: Store) -> None:
    queue(store, "a1")
    store.execute("UPDATE deliveries SET state = 'sending', claimed_at = $now", {"now": NOW})
    with Journal(store.path, "mail") as journal:
        journal.note(Taken("a1", "email", NOW))
    with mail_server(MailBox()) as box:
        later = NOW + timedelta(hours=1)
        assert deliver.deliver_mail(store, mail_of(box), lambda: later).sent == 0
    assert box.got == []
    assert store.read("SELECT state, sent_at FROM deliveries").row(0) == ("sent", NOW)


def test_a_channel_that_breaks_leaves_no_claim(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    def broken(*args: object, **more: object) -> bool:
        raise ZeroDivisionError("a plug-in's own mistake")

    monkeypatch.setattr(apprise.Apprise, "notify", broken)
    queue(store, "a1", ("hook",))
    queue(store, "a2", ("hook",))
    channels = {"hook": Channel("hook", url="json://127.0.0.1:9")}
    assert deliver.deliver_channels(store, channels, lambda: NOW).failed == 2
    rows = store.read("SELECT state, next_at, last_error FROM deliveries").rows()
    assert {(state, at) for state, at, _ in rows} == {("failed", NOW + timedelta(seconds=5))}
    assert all("a plug-in's own mistake" in error for _, _, error in rows)


def test_a_channel_that_fails_is_its_own_affair(store: Store) -> None:
    queue(store, "a1", ("email", "hook", "gone"))
    with mail_server(MailBox()) as box, http_server(Hook(503)) as hook:
        channels = {"hook": Channel("hook", webhook=hook.url, secret=b"s")}
        assert deliver.deliver_mail(store, mail_of(box), lambda: NOW).sent == 1
        report = deliver.deliver_channels(store, channels, lambda: NOW)
        assert (report.sent, report.failed, report.dead) == (0, 1, 1)
        later = NOW + timedelta(minutes=1)
        assert deliver.deliver_channels(store, channels, lambda: later).sent == 1
    found = dict(store.read("SELECT channel, state FROM deliveries").iter_rows())
    assert found == {"email": "sent", "hook": "sent", "gone": "dead"}
    assert len({headers["Idempotency-Key"] for _, headers, _ in hook.got}) == 1


# --- channels ------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_over_time_and_body() -> None:
    with http_server(Hook()) as hook:
        send(Channel("h", webhook=hook.url + "/racks", secret=b"secret"), NOTE, NOW)
    path, headers, body = hook.got[0]
    assert path == "/racks"
    assert json.loads(body)["subject"] == "D1 <b>up</b>"
    stamp, signature = headers["X-Tracker-Timestamp"], headers["X-Tracker-Signature"]
    assert stamp == str(int(NOW.timestamp()))
    assert webhook_verified(b"secret", stamp, body, signature)
    assert not webhook_verified(b"secret", stamp, body + b" ", signature)
    assert not webhook_verified(b"secret", str(int(stamp) + 1), body, signature)
    assert not webhook_verified(b"other", stamp, body, signature)


@pytest.mark.parametrize(
    ("status", "permanent"), [(404, True), (410, True), (429, False), (408, False), (500, False), (302, False)]
)
def test_a_webhooks_answer_says_whether_another_try_helps(status: int, permanent: bool) -> None:
    with http_server(Hook(status)) as hook, pytest.raises(DeliveryError) as caught:
        send(Channel("h", webhook=hook.url, secret=b"s"), NOTE, NOW)
    assert caught.value.permanent == permanent


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        ("json://{host}", ["Meta raised", "[ab12]"]),
        ("ntfy://{host}/racks", ["Meta raised"]),
        ("form://{host}", ["Meta+raised"]),
    ],
)
def test_apprise_brings_a_note_to_a_local_server(scheme: str, words: list[str]) -> None:
    with http_server(Hook()) as hook:
        send(Channel("c", url=scheme.format(host=hook.url.removeprefix("http://"))), NOTE, NOW)
    body = hook.got[0][2].decode()
    assert all(word in body for word in words)


def test_news_cannot_call_a_whole_room_or_dress_up_a_link() -> None:
    hostile = "@everyone <!channel> <https://evil.example|the filing> at ann@example.org"
    with http_server(Hook()) as hook:
        send(Channel("c", url=hook.url.replace("http", "json")), replace(NOTE, text=hostile, subject=hostile), NOW)
    for text in json.loads(hook.got[0][2]).values():
        assert "@everyone" not in str(text)
        assert "<" not in str(text)


def test_what_apprise_does_not_bring_is_told() -> None:
    with http_server(Hook(500)) as hook, pytest.raises(DeliveryError) as caught:
        send(Channel("c", url=hook.url.replace("http", "json")), NOTE, NOW)
    assert not caught.value.permanent
    with pytest.raises(DeliveryError, match="not one Apprise knows"):
        send(Channel("c", url="carrier-pigeon"), NOTE, NOW)


@pytest.mark.parametrize(
    "url",
    ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "tgram://123456789:abcdefg_hijklmnop/12315544/",
     "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "wecombot://12345678901234567890", "feishu://abcdefgh12345678",
     "dingtalk://abcdefgh12345678", "ntfys://ntfy.example.org/racks"],
)  # fmt: skip
def test_the_services_readers_use_are_known(url: str) -> None:
    from tracker.alerts.channels import known

    assert known(Channel("c", url=url))


def test_a_long_text_is_cut_at_a_line() -> None:
    cut = shortened("\n".join(["line of text"] * 1000))
    assert len(cut) <= 3002
    assert cut.endswith("line of text\n…")


# --- telling again -------------------------------------------------------------------------------------------------


def test_what_nobody_acknowledged_is_told_again_in_the_same_conversation(store: Store) -> None:
    hour = timedelta(hours=1)
    queue(store, "a1", repeat_at=NOW + hour)
    mail = MailSettings(host="h", sender="t@example.org")
    assert repeats.repeat_due(store, mail, NOW) == 0
    assert repeats.repeat_due(store, mail, NOW + hour) == 1
    assert repeats.repeat_due(store, mail, NOW + hour) == 0
    assert repeats.repeat_due(store, mail, NOW + 2 * hour) == 1
    rows = store.read("SELECT alert_id, message FROM alerts WHERE kind = 'repeat'").rows()
    sent = [email.message_from_bytes(bytes(m), policy=email.policy.default) for _, m in rows]
    assert {m["In-Reply-To"] for m in sent} == {"<a1@example.org>"}
    assert {m["Subject"] for m in sent} == {"Not acknowledged: Capex up"}
    assert len({m["Message-ID"] for m in sent}) == 2
    assert repeats.acknowledge(store, rows[0][0], "ann", NOW + 2 * hour) == 3
    assert repeats.repeat_due(store, mail, NOW + 9 * hour) == 0


# --- wishes --------------------------------------------------------------------------------------------------------


def test_a_running_daemon_takes_up_wishes_once_and_drops_nonsense(store: Store) -> None:
    queue(store, "a1")
    store.execute("UPDATE deliveries SET state = 'dead'")
    until = (NOW + timedelta(days=1)).isoformat()
    for wish in (
        {"wish": "retry", "alert": None},
        {"wish": "ack", "alert": "a1", "author": "ann"},
        {"wish": "silence", "id": "q", "claim": "D1", "until": until, "author": "ann", "reason": "earnings"},
        {"wish": "ack", "alert": "nobody", "author": "ann"},
        {"wish": "world peace"},
    ):
        wishes.leave(store.path, wish, datetime.now(UTC))
    (wishes.folder_of(store.path) / "0.json").write_text("{", encoding="utf-8")
    assert wishes.take_up(store, NOW) == 3
    assert wishes.take_up(store, NOW) == 0
    assert states(store) == {"a1": "pending"}
    assert store.scalar("SELECT author FROM acks") == "ann"
    assert store.read("SELECT claim, reason FROM silences").row(0) == ("D1", "earnings")
    assert wishes.grant(store, {"wish": "unsilence", "id": "q"}, NOW) == "heard again"
    assert store.scalar("SELECT until FROM silences") == NOW
