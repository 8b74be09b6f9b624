"""The demonstration: the whole path as a new user sees it."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tracker.demo.server import groups


def demo(folder: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tracker", "demo", "--dir", str(folder), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo(folder)


def test_samples_are_many_bilingual_and_of_every_kind() -> None:
    items = [item for group in groups() for item in group["items"]]
    assert len(items) >= 30
    assert all(str(item["url"]).startswith("https://") for item in items)
    assert {g["lang"] for g in groups()} == {"en", "zh"}
    assert {g["kind"] for g in groups()} >= {
        *("rss", "atom", "json_feed", "json_api", "html_list", "edgar_submissions", "xbrl_companyfacts", "csv")
    }


def test_signals_fire_in_both_directions(run: tuple[Path, dict[str, object]]) -> None:
    _, answer = run
    signals = answer["signals"]
    assert isinstance(signals, list)
    assert len(signals) >= 15
    assert {s["direction"] for s in signals} == {"for", "against"}
    assert any(s["racks"] for s in signals)
    assert answer["problems"] == []


def test_the_digest_is_written_in_three_forms_and_two_languages(run: tuple[Path, dict[str, object]]) -> None:
    folder, _ = run
    message = email.message_from_bytes((folder / "digest.eml").read_bytes(), policy=email.policy.default)
    assert message["Message-ID"]
    html = message.get_body(("html",))
    text = message.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "D1" in text.get_content()
    assert (folder / "digest.html").stat().st_size < 102_000  # above this Gmail cuts a mail off
    assert "支持" in (folder / "digest-zh.txt").read_text(encoding="utf-8")


def test_a_second_run_adds_nothing(run: tuple[Path, dict[str, object]]) -> None:
    folder, _ = run
    again = demo(folder)
    assert again["new"] == {"documents": 0, "facts": 0, "series": 0, "signals": 0, "alerts": 0}
