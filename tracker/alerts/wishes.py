"""What an operator asks of a running daemon: acknowledge, silence, end a silence, try dead letters again.

The database has one owner. While the daemon runs, a command leaves its wish as a small file beside the database, written
whole by a rename; the daemon takes it up within seconds. Without a daemon the command does it itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import structlog

from tracker.alerts import deliver, repeats
from tracker.alerts.stages.silence import SILENCED_BY
from tracker.errors import TrackerError, UsageError
from tracker.store import Store
from tracker.vocabulary import UTC_TIME

log = structlog.get_logger("wishes")
MAX_BYTES: Final = 20_000
_SILENCE: Final[dict[str, Any]] = dict.fromkeys(("silence_id", *SILENCED_BY, "author", "reason"), pl.String) | {
    "until": UTC_TIME,
    "created_at": UTC_TIME,
}


def folder_of(store_path: Path) -> Path:
    """Where wishes lie."""
    return store_path.parent / "wishes"


def leave(store_path: Path, wish: dict[str, Any], now: datetime) -> Path:
    """Write a wish for the daemon; the same wish of the same moment is the same file."""
    folder = folder_of(store_path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(wish, sort_keys=True, ensure_ascii=False)
    name = f"{now:%Y%m%dT%H%M%S%f}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_text(text, encoding="utf-8")
    return draft.rename(folder / name)


def take_up(store: Store, now: datetime) -> int:
    """Do what lies there, oldest first; returns how many wishes were granted. One that makes no sense is logged and dropped."""
    granted = 0
    folder = folder_of(store.path)
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            wish = json.loads(file.read_text(encoding="utf-8")) if file.stat().st_size <= MAX_BYTES else {}
            grant(store, wish, now)
            granted += 1
        except (TrackerError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.error("a wish makes no sense", file=file.name, error=str(error))
        file.unlink(missing_ok=True)  # after the commit: a crash in between grants it twice, which changes nothing
    return granted


def grant(store: Store, wish: dict[str, Any], now: datetime) -> str:
    """Do one wish; returns what was done, in words. Doing it again changes nothing more."""
    match wish.get("wish"):
        case "ack":
            count = repeats.acknowledge(store, wish["alert"], wish["author"], now)
            return f"acknowledged{'' if count else ' before'}"
        case "silence":
            until = datetime.fromisoformat(wish["until"])
            row = {k: wish.get(k) for k in SILENCED_BY} | {
                "silence_id": wish["id"], "author": wish["author"], "reason": wish["reason"], "until": until,
                "created_at": now,
            }  # fmt: skip
            store.append("silences", pl.DataFrame([row], schema=_SILENCE))
            return f"silenced until {until:%Y-%m-%d %H:%M} UTC as {wish['id']}"
        case "unsilence":
            running = "silence_id = $id AND until > $now"
            params = {"id": wish["id"], "now": now}
            if not store.scalar(f"SELECT count(*) FROM silences WHERE {running}", params):
                raise UsageError(f"no silence '{wish['id']}' is running", hint="'tracker alerts silences' shows them")
            store.execute(f"UPDATE silences SET until = $now WHERE {running}", params)
            return "heard again"
        case "retry":
            return f"{deliver.retry_dead(store, wish.get('alert'), now)} deliveries will be tried again"
    raise UsageError(f"there is no wish '{wish.get('wish')}'")
