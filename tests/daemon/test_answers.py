"""A reader answers a mail: the link in a delivered message, followed in a running daemon."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.test_daemon import RAISED
from tests.daemon.world import World, daemon, until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_a_click_in_a_mail_is_a_verdict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"http://127.0.0.1:{world.health_port}"
    monkeypatch.setenv("TRACKER_DAEMON_PUBLIC_URL", here)
    with daemon(world):
        until(lambda: world.folder.joinpath("daemon.log").exists() and '"started"' in world.log, 120, "start")
        until(lambda: world.mails(), 120, "the first digest")
        world.feed.add("Meta lifts capex", RAISED.format(72))
        until(world.immediate, 120, "the alert")
        html = world.immediate()[0].get_body(("html",))
        assert html is not None
        links = re.findall(r'href="([^"]+/a/[^"]+)"[^>]*>(\w+)', html.get_content())
        wrong = next(url for url, word in links if word == "Wrong")
        assert wrong.startswith(here)
        with urllib.request.urlopen(wrong) as asked:  # a scanner follows the link: nothing happens
            assert 'method="post"' in asked.read().decode()
        said = []
        for _ in range(2):
            with urllib.request.urlopen(urllib.request.Request(wrong, method="POST")) as answered:
                said.append(answered.read().decode())
        assert "Marked as wrong" in said[0]
        assert "done before" in said[1]
        with urllib.request.urlopen(f"{here}/healthz") as health:
            assert health.status == 200
    assert world.log.count('"action": "reject"') == 2
