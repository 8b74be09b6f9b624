"""When a source is asked again: pure arithmetic over its row of `sources`."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

from tracker.ingest.sources import Source

MAX_BACKOFF: Final = timedelta(days=1)
DEAD_AFTER: Final = 5  # failures in a row


def first_state(source: Source, now: datetime) -> dict[str, Any]:
    """The row of a source never polled: due at once."""
    return definition(source, now) | {
        "etag": None,
        "last_modified": None,
        "failures": 0,
        "last_error": None,
        "last_fetch_at": None,
        "last_success_at": None,
        "last_item_at": None,
        "next_due_at": now,
    }


def definition(source: Source, now: datetime) -> dict[str, Any]:
    """What the sources file says, as columns."""
    return {
        "source_id": source.id,
        "name": source.name,
        "kind": source.kind,
        "url": source.url,
        "lang": source.lang,
        "tier": source.tier,
        "enabled": source.enabled,
        "poll_minutes": source.poll_minutes,
        "updated_at": now,
    }


def after_success(source: Source, state: dict[str, Any], now: datetime, *, new_items: bool) -> dict[str, Any]:
    """The next row after an answer."""
    return state | {
        "failures": 0,
        "last_error": None,
        "last_fetch_at": now,
        "last_success_at": now,
        "last_item_at": now if new_items else state.get("last_item_at"),
        "next_due_at": now + timedelta(minutes=source.poll_minutes),
        "updated_at": now,
    }


def after_failure(
    source: Source, state: dict[str, Any], now: datetime, error: str, *, wait_s: float | None = None
) -> dict[str, Any]:
    """The next row after a failure: the wait starts at the poll interval and doubles, at most a day.

    wait_s: what the server asked for (`Retry-After`), honoured when it is longer. The jitter is seeded by source and
    count, so that sources that failed together do not come back together, and a replay gives the same times.
    """
    failures = int(state.get("failures") or 0) + 1
    wait = waits(source, failures)
    if wait_s is not None:
        wait = min(max(wait, timedelta(seconds=wait_s)), MAX_BACKOFF)
    return state | {
        "failures": failures,
        "last_error": error,
        "last_fetch_at": now,
        "next_due_at": now + wait,
        "updated_at": now,
    }


def waits(source: Source, failures: int) -> timedelta:
    """How long a source, or a page of it, is left alone after so many failures in a row."""
    minutes = source.poll_minutes * 2 ** min(failures - 1, 20)
    jitter = random.Random(f"{source.id}:{failures}").uniform(0.9, 1.1)  # noqa: S311 - spreading load, not secrecy
    return min(timedelta(minutes=minutes * jitter), MAX_BACKOFF)
