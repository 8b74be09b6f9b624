"""What the daemon's jobs do to the store: each a function of the store, the settings and the time.

No clocks, no tasks, no signals here: the same functions serve `tracker once`, the demonstration and the tests.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from tracker.alerts import deliver, dispatch, editions, operators, repeats
from tracker.alerts.links import Links, link_key
from tracker.config import MailSettings, Settings
from tracker.ingest import state as states
from tracker.ingest.client import HttpSettings
from tracker.ingest.documents import build_documents
from tracker.ingest.fetch import FetchOutcome
from tracker.ingest.files import FileContent
from tracker.ingest.sources import Source
from tracker.kit import Kit
from tracker.model_watch import RESULTS_TOLD, calendar_of, watch
from tracker.pipeline import Counts, process
from tracker.store import Store
from tracker.vocabulary import UTC_TIME

_FETCHES: Final[dict[str, Any]] = {
    "fetch_id": pl.String, "source_id": pl.String, "url": pl.String, "requested_at": UTC_TIME, "status": pl.Int32,
    "bytes": pl.Int64, "elapsed_ms": pl.Float64, "not_modified": pl.Boolean, "error_class": pl.String,
    "error": pl.String, "raw_sha256": pl.String, "items": pl.Int32,
}  # fmt: skip
_RAW: Final[dict[str, Any]] = {
    "sha256": pl.String, "location": pl.String, "media_type": pl.String, "bytes": pl.Int64, "first_seen": UTC_TIME,
    "url": pl.String,
}  # fmt: skip
_SOURCES: Final[dict[str, Any]] = {
    "source_id": pl.String, "name": pl.String, "kind": pl.String, "url": pl.String, "lang": pl.String, "tier": pl.Int8,
    "enabled": pl.Boolean, "poll_minutes": pl.Float64, "etag": pl.String, "last_modified": pl.String,
    "failures": pl.Int32, "last_error": pl.String, "last_fetch_at": UTC_TIME, "last_success_at": UTC_TIME,
    "last_item_at": UTC_TIME, "next_due_at": UTC_TIME, "updated_at": UTC_TIME,
}  # fmt: skip
_SUPPLIES: Final = dict.fromkeys(("supplier", "buyer", "product", "told", "basis", "source"), pl.String)
LOW_DISK_SHARE: Final = 0.05


def http_settings(settings: Settings) -> HttpSettings:
    """The client's settings."""
    return HttpSettings(**settings.http.model_dump())


# --- sources -------------------------------------------------------------------------------------------------------


def sync_sources(store: Store, sources: Sequence[Source], now: datetime) -> None:
    """Bring the definitions in `sources` up to date; what is no longer in the file is switched off, its state stays."""
    rows = {row["source_id"]: row for row in store.read("SELECT * FROM sources").iter_rows(named=True)}
    fresh = [states.first_state(s, now) if s.id not in rows else _redefined(rows[s.id], s, now) for s in sources]
    known = {s.id for s in sources}
    fresh += [row | {"enabled": False} for key, row in rows.items() if key not in known]
    _write_states(store, fresh)


def sync_suppliers(store: Store, kit: Kit) -> None:
    """Lay the supplier graph of the thesis beside the facts, so that views know who supplies."""
    rows = [
        {
            "supplier": edge["from"], "buyer": edge["to"], "product": edge["product"], "basis": edge.get("basis"),
            "told": None if edge.get("date") is None else str(edge["date"]), "source": edge["source"],
        }
        for edge in kit.thesis.graph
    ]  # fmt: skip
    with store.transaction():
        store.execute("DELETE FROM supplies")
        store.append("supplies", pl.DataFrame(rows, schema=_SUPPLIES))


def _redefined(row: dict[str, Any], source: Source, now: datetime) -> dict[str, Any]:
    changed = row["url"] != source.url or row["kind"] != source.kind
    reset = {"etag": None, "last_modified": None, "failures": 0, "next_due_at": now} if changed else {}
    return row | states.definition(source, now) | reset


def _write_states(store: Store, rows: list[dict[str, Any]]) -> None:
    store.upsert("sources", pl.DataFrame([{k: r.get(k) for k in _SOURCES} for r in rows], schema=_SOURCES))


def due_times(store: Store, sources: Sequence[Source], now: datetime) -> dict[str, datetime]:
    """When each enabled source is polled next; never polled ones now."""
    stored = dict(store.read("SELECT source_id, next_due_at FROM sources").iter_rows())
    return {s.id: stored.get(s.id) or now for s in sources if s.enabled}


def source_state(
    store: Store, source: Source, now: datetime
) -> tuple[dict[str, Any], frozenset[str], dict[str, tuple[int, datetime]]]:
    """A source's row, the pages of it that were read before, and the ones that could not be had."""
    rows = store.read("SELECT * FROM sources WHERE source_id = $id", {"id": source.id})
    state = rows.row(0, named=True) if rows.height else states.first_state(source, now)
    known = store.read("SELECT url FROM documents WHERE source_id = $id", {"id": source.id})["url"]
    return state, frozenset(known.drop_nulls()), failing_pages(store, source)


_FAILING = """
WITH last_good AS (
  SELECT url, max(requested_at) AS at FROM fetches WHERE source_id = $id AND error_class IS NULL GROUP BY url
)
SELECT f.url, count(*) AS failures, max(f.requested_at) AS last_at
FROM fetches f LEFT JOIN last_good g USING (url)
WHERE f.source_id = $id AND f.error_class IS NOT NULL AND f.requested_at > coalesce(g.at, f.requested_at - INTERVAL 1 DAY)
GROUP BY f.url
"""


def failing_pages(store: Store, source: Source) -> dict[str, tuple[int, datetime]]:
    """Addresses of a source that brought nothing when last asked: how often in a row, and when last."""
    return {url: (failures, at) for url, failures, at in store.read(_FAILING, {"id": source.id}).iter_rows()}


def take_in(
    store: Store, kit: Kit, outcome: FetchOutcome, now: datetime, mail: MailSettings | None = None
) -> tuple[Counts, datetime]:
    """Write what a poll brought and take it through the path; returns what was new and when the source is due next.

    One transaction: validators are stored together with the documents they stand for, so a crash in between asks again.
    """
    source = outcome.source
    with store.transaction():
        store.append("fetches", pl.DataFrame(outcome.fetches, schema=_FETCHES))
        store.append("raw", pl.DataFrame(outcome.raw, schema=_RAW))
        documents = build_documents(outcome.items, source, now)
        counts = process(store, kit, documents, now, figures=outcome.facts, mail=mail)
        series = outcome.series.with_columns(pl.lit(now).cast(UTC_TIME).alias("ingested_at"))
        counts.series += store.append("series", series).height
        counts.problems += outcome.problems
        _write_states(store, [outcome.state])
    return counts, outcome.state["next_due_at"]


# --- the record of runs --------------------------------------------------------------------------------------------


def recover(store: Store, now: datetime) -> None:
    """After a start: runs that never ended were interrupted, deliveries that were under way are tried again."""
    store.execute("UPDATE runs SET status = 'interrupted', ended_at = $now WHERE status = 'running'", {"now": now})
    deliver.release_claims(store)


@contextmanager
def recorded(store: Store, job: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Record a run of a job in `runs`: its counts (fill the dict), or its error, which is raised again."""
    run_id = uuid.uuid4().hex[:16]
    counts: dict[str, Any] = {}
    store.append("runs", pl.DataFrame([{"run_id": run_id, "job": job, "started_at": now, "status": "running"}]))
    status, error = "ok", None
    try:
        yield counts
    except BaseException as failure:
        status, error = "failed", repr(failure)
        raise
    finally:
        store.execute(
            "UPDATE runs SET ended_at = now(), status = $status, counts = $counts, error = $error WHERE run_id = $run",
            {"status": status, "counts": json.dumps(counts), "error": error, "run": run_id},
        )


def record_failure(store: Store, job: str, error: BaseException, now: datetime) -> None:
    """Record a job that failed outside of `recorded`."""
    row = {
        "run_id": uuid.uuid4().hex[:16],
        "job": job,
        "started_at": now,
        "ended_at": now,
        "status": "failed",
        "error": repr(error),
    }
    store.append("runs", pl.DataFrame([row]))


def keep_house(store: Store, settings: Settings, now: datetime) -> int:
    """Forget old requests and runs; returns how many rows."""
    cutoff = {"cutoff": now - timedelta(days=settings.store.keep_fetches_days)}
    before = int(store.scalar("SELECT (SELECT count(*) FROM fetches) + (SELECT count(*) FROM runs)"))
    with store.transaction():
        store.execute("DELETE FROM fetches WHERE requested_at < $cutoff", cutoff)
        store.execute("DELETE FROM runs WHERE ended_at < $cutoff", cutoff)
    return before - int(store.scalar("SELECT (SELECT count(*) FROM fetches) + (SELECT count(*) FROM runs)"))


def send_due(store: Store, kit: Kit, settings: Settings, clock: Callable[[], datetime]) -> deliver.DeliveryReport:
    """Queue what waited, then send what is due by mail (when a server is configured) and on other channels."""
    while flush_alerts(store, kit, settings, clock()):
        pass
    report = deliver.deliver_mail(store, settings.mail, clock)
    report.add(deliver.deliver_channels(store, kit.routing.channels, clock))
    return report


def flush_alerts(store: Store, kit: Kit, settings: Settings, now: datetime) -> int:
    """Queue what waited for its group, a mute time, room in the hour or an acknowledgement; returns how many messages."""
    queued = repeats.repeat_due(store, settings.mail, now)
    return queued + dispatch.flush(store, kit, kit.routing.readers(settings.mail), settings.mail, now)


def make_digests(store: Store, kit: Kit, settings: Settings, now: datetime) -> int:
    """Lay the ledger anew and queue the digests that are due; returns how many."""
    recipients = [r for r in kit.routing.readers(settings.mail) if r.digest_channels]
    if editions.digests_due(store, recipients, now):
        watch(store, kit, now, mail=settings.mail)
    return editions.enqueue_digests(store, recipients, kit, settings.mail, now)


def watch_over(store: Store, kit: Kit, settings: Settings, vitals: operators.Vitals, now: datetime) -> tuple[int, bool]:
    """Ask the watchdogs and tell operators; returns how many messages were queued, and whether digests are in time."""
    calendar = calendar_of(store.read(RESULTS_TOLD, {"now": now}), kit, now)
    found = operators.look(store, kit, settings.mail, vitals, calendar, now)
    in_time = all(trouble.kind != "digest_late" for trouble in found)
    return operators.report(store, kit, settings.mail, found, now), in_time


def load_kit(settings: Settings) -> Kit:
    """The kit of a running daemon: with links into mails when readers can reach its web page."""
    kit = Kit.load(settings.rules_dirs)
    if not settings.daemon.public_url:
        return kit
    return replace(kit, links=Links(settings.daemon.public_url, link_key(settings.store.path.parent)))


def free_disk_share(settings: Settings) -> float:
    """Free share of the disk the store lies on, 0..1."""
    usage = shutil.disk_usage(settings.store.path.parent)
    return usage.free / usage.total


class Batch:
    """Collects documents from files until there is enough text for a transaction."""

    def __init__(self, store: Store, kit: Kit, max_chars: int) -> None:
        self.store, self.kit, self.max_chars = store, kit, max_chars
        self.total = Counts()
        self._documents: list[pl.DataFrame] = []
        self._facts: list[pl.DataFrame] = []
        self._series: list[pl.DataFrame] = []
        self._raw: list[dict[str, Any]] = []
        self._chars = 0

    def add(self, content: FileContent, now: datetime) -> None:
        """Take a file's content; writes when enough has come together."""
        self._documents.append(content.documents)
        self._facts.append(content.facts)
        self._series.append(content.series)
        if content.raw is not None:
            self._raw.append(content.raw)
        self.total.problems += content.problems
        self._chars += int(content.documents["text"].str.len_chars().sum())
        if self._chars >= self.max_chars:
            self._write(now)

    def finish(self, now: datetime) -> Counts:
        """Write what is left; returns what was new in all."""
        self._write(now)
        return self.total

    def _write(self, now: datetime) -> None:
        if not self._documents:
            return
        documents, facts = pl.concat(self._documents), pl.concat(self._facts)
        series = pl.concat(self._series).with_columns(pl.lit(now).cast(UTC_TIME).alias("ingested_at"))
        with self.store.transaction():
            self.store.append("raw", pl.DataFrame(self._raw, schema=_RAW))
            for part in _parts(documents, self.max_chars):
                self.total.add(process(self.store, self.kit, part, now, figures=facts))
            self.total.series += self.store.append("series", series).height
        self._documents, self._facts, self._series, self._raw, self._chars = [], [], [], [], 0


def _parts(documents: pl.DataFrame, max_chars: int) -> list[pl.DataFrame]:
    """A large file's documents in pieces of bounded text."""
    if documents.is_empty():
        return [documents]
    numbered = documents.with_columns(part=pl.col("text").str.len_chars().cum_sum() // max_chars)
    return [piece.drop("part") for piece in numbered.partition_by("part", maintain_order=True)]
