"""Kept bodies and planned polls."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import StoreError
from tracker.ingest.archive import Archive
from tracker.ingest.sources import Source
from tracker.ingest.state import MAX_BACKOFF, after_failure, first_state

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def a_source(poll_minutes: float = 10.0, name: str = "a") -> Source:
    return Source(name, name, "rss", "http://h/", "en", 1, poll_minutes)


def test_a_body_is_kept_once_under_its_hash(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    sha256 = archive.put(b"body")
    before = archive.path(sha256).stat()
    assert archive.put(b"body") == sha256
    assert archive.path(sha256).stat().st_mtime_ns == before.st_mtime_ns
    assert archive.path(sha256).parent.name == sha256[:2]
    assert archive.get(sha256) == b"body"


def test_writers_of_the_same_body_do_not_disturb_each_other(tmp_path: Path) -> None:
    archive, body = Archive(tmp_path), b"x" * 2_000_000
    threads = [threading.Thread(target=archive.put, args=(body,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 1
    assert archive.get(archive.put(body)) == body


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        Archive(tmp_path).put(b"body")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_damaged_body_is_not_handed_out(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    one, other = archive.put(b"one"), archive.put(b"other")
    archive.path(one).write_bytes(archive.path(other).read_bytes())
    with pytest.raises(StoreError, match="damaged"):
        archive.get(one)
    archive.path(other).write_bytes(b"noise")
    with pytest.raises(StoreError, match="cannot be read"):
        archive.get(other)
    with pytest.raises(StoreError, match="cannot be read"):
        archive.get("0" * 64)


@given(failures=st.integers(0, 60), minutes=st.floats(0.1, 10_080))
def test_a_failing_source_always_comes_back_within_a_day(failures: int, minutes: float) -> None:
    source = a_source(minutes)
    row = after_failure(source, first_state(source, NOW) | {"failures": failures}, NOW, "down")
    assert timedelta(0) < row["next_due_at"] - NOW <= MAX_BACKOFF
    assert row["failures"] == failures + 1


def test_sources_that_failed_together_do_not_come_back_together() -> None:
    waits = {
        after_failure(a_source(name=name), first_state(a_source(name=name), NOW), NOW, "down")["next_due_at"]
        for name in "abcdefgh"
    }
    assert len(waits) == 8
    assert after_failure(a_source(), first_state(a_source(), NOW), NOW, "x") == after_failure(
        a_source(), first_state(a_source(), NOW), NOW, "x"
    )
