"""The daemon as its operator and its reader meet it: real processes, a real mail server, a real feed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.alerts.servers import Hook, http_server
from tests.conftest import ROOT
from tests.daemon.soak import RAISED, soak
from tests.daemon.world import World, daemon, until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def started(world: World) -> None:
    until(lambda: world.folder.joinpath("daemon.log").exists() and '"started"' in world.log, 30, "start")


def test_news_is_in_the_mailbox_within_the_poll_interval_and_two_seconds(world: World) -> None:
    with daemon(world):
        started(world)
        until(lambda: len(world.mails()) == 1, 30, "the first digest")
        world.feed.add("Meta lifts capex", RAISED.format(72))
        took = until(world.immediate, 20, "the alert")
        assert took < 0.02 * 60 + 2
    subject = str(world.immediate()[0]["Subject"])
    assert "D1" in subject
    assert world.immediate()[0]["Message-ID"]


def test_sigterm_drains_and_exits_cleanly(world: World) -> None:
    with daemon(world) as process:
        started(world)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert '"stopped"' in world.log


def test_a_broken_file_on_reload_keeps_the_old_one_and_says_so(world: World) -> None:
    with daemon(world) as process:
        started(world)
        good = world.sources.read_text(encoding="utf-8")
        world.sources.write_text("sources:\n  - {id: local, kind: rsss, url: 'http://127.0.0.1/'}\n", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until(lambda: "reload failed" in world.log, 10, "the complaint")
        assert "sources.yaml:2" in world.log
        with urllib.request.urlopen(f"http://127.0.0.1:{world.health_port}/healthz") as answer:
            assert "rsss" in json.load(answer)["reload_error"]
        world.feed.add("Meta lifts capex", RAISED.format(80))
        until(world.immediate, 20, "the alert with the old sources")
        world.sources.write_text(good, encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until(lambda: '"reloaded"' in world.log, 10, "the reload")


def test_a_missed_digest_goes_out_once_after_a_restart(world: World) -> None:
    for _ in range(2):
        with daemon(world):
            until(lambda: len(world.mails()) >= 1, 30, "the digest")
            until(lambda: '"delivered"' in world.log, 10, "the mark")
    assert len(world.mails()) == 1


def test_metrics_and_health_answer(world: World) -> None:
    with daemon(world):
        started(world)
        base = f"http://127.0.0.1:{world.health_port}"

        def ready() -> bool:
            try:
                with urllib.request.urlopen(f"{base}/readyz") as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        until(ready, 15, "ready")
        with urllib.request.urlopen(f"{base}/metrics") as answer:
            text = answer.read().decode()
    assert "tracker_polls_total" in text
    assert 'tracker_sources{health="' in text


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.chaos)])
def test_readers_and_writer_never_disturb_each_other(world: World, seconds: int) -> None:
    found = soak(world, seconds)
    assert found.problems == []
    assert found.reads > 20
    assert found.alerts >= 1
    assert found.signals > 0


def test_a_running_daemon_keeps_the_dead_mans_switch_quiet_and_takes_up_wishes(world: World) -> None:
    with http_server(Hook()) as hook:
        text = world.config.read_text(encoding="utf-8")
        world.config.write_text(
            f'{text}heartbeat_url = "{hook.url}/alive"\nheartbeat_minutes = 0.01\n', encoding="utf-8"
        )
        with daemon(world):
            until(lambda: len(hook.got) >= 2, 60, "two signs of life")
            command = ["alerts", "silence", "--claim", "D1", "--until", "2099-01-01", "--reason", "a test"]
            asked = subprocess.run(
                [sys.executable, "-m", "tracker", *command, "--config", str(world.config)],
                capture_output=True,
                text=True,
                check=True,
            )
            assert "the daemon is running" in asked.stderr
            until(lambda: not list((world.store.parent / "wishes").glob("*.json")), 20, "the wish")
    assert {path for path, _, _ in hook.got} == {"/alive"}
    with duckdb.connect(str(world.store), read_only=True) as connection:
        assert connection.execute("SELECT claim, reason FROM silences").fetchall() == [("D1", "a test")]


def test_routes_are_read_again_on_sighup_and_a_broken_file_keeps_the_old_ones(world: World) -> None:
    rules = world.folder / "rules"
    shutil.copytree(ROOT / "rules", rules)
    text = world.config.read_text(encoding="utf-8")
    world.config.write_text(text.replace("[http]", '[rules]\ndirs = ["rules"]\n[http]'), encoding="utf-8")
    routes = rules / "alerts.yaml"
    with daemon(world) as process:
        started(world)
        routes.write_text("routes:\n  tell: sometimes\n", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until(lambda: "reload failed" in world.log, 20, "the complaint")
        assert "alerts.yaml:2" in world.log
        routes.write_text("routes:\n  tell: digest\n", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until(lambda: '"reloaded"' in world.log, 20, "the reload")
        world.feed.add("Meta lifts capex", RAISED.format(80))
        until(lambda: '"documents": 1' in world.log, 20, "the news")
    assert world.immediate() == []
