"""A stretch of the past lived through again, day by day, with the mails it would have sent: what a reader is in for.

Documents arrive when the world could first read them, the clock ticks on, and whatever the daemon would do then is done
by the same functions; nothing is delivered.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import polars as pl

from tracker.alerts import dispatch, editions
from tracker.alerts.recipients import Recipient
from tracker.config import MailSettings
from tracker.kit import Kit
from tracker.model_watch import watch
from tracker.pipeline import process
from tracker.store import Store

TICK = timedelta(hours=2)
FINE_TICK = timedelta(minutes=15)  # on days on which some reader's clock changes
ARRIVAL_HOURS = 6  # documents of a quarter of a day come together

_LOUDEST = """
SELECT s.rule_id, any_value(s.claim) AS claim, any_value(s.severity) AS severity, count(DISTINCT s.signal_id) AS signals,
       count(DISTINCT s.signal_id) FILTER (a.alert_id IS NOT NULL) AS told_at_once
FROM signals s
LEFT JOIN (SELECT alert_id, unnest(signal_ids) AS signal_id FROM alerts WHERE kind = 'immediate') a USING (signal_id)
WHERE s.created_at > $start AND s.created_at <= $end
GROUP BY s.rule_id ORDER BY signals DESC, s.rule_id LIMIT 10
"""
_SENT = "SELECT recipient, kind, local_date, octet_length(message) AS bytes FROM alerts WHERE kind IN ('digest', 'weekly', 'earnings') AND local_date BETWEEN $first AND $last"
_IMMEDIATE = "SELECT created_at::DATE AS day, count(*) AS n FROM alerts WHERE kind = 'immediate' AND recipient = $who GROUP BY day"


@dataclass
class Rehearsal:
    """What was sent. seconds: of the days themselves, without reading the years before."""

    days: int
    seconds: float = 0.0
    digest_seconds: float = 0.0  # of these, for the digests alone
    cpu_seconds: float = 0.0  # of all threads, for everything: what another machine's load does not change
    documents: int = 0
    signals: int = 0
    digests: dict[str, int] = field(default_factory=dict)  # recipient -> how many
    editions: dict[str, int] = field(default_factory=dict)
    doubled: int = 0
    missing: int = 0
    largest_mail: int = 0
    immediate: list[int] = field(default_factory=list)  # per day, zeros included
    loudest: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def immediate_median(self) -> float:
        """Immediate alerts on the median day."""
        return median(self.immediate) if self.immediate else 0.0


def rehearse(
    store: Store,
    kit: Kit,
    documents: pl.DataFrame,
    figures: pl.DataFrame,
    recipients: Sequence[Recipient],
    mail: MailSettings,
    first: date,
    days: int,
    *,
    advance: Callable[[date], None] = lambda day: None,
) -> Rehearsal:
    """Live `days` days from `first` on in an empty store. documents: DOCUMENTS; figures: FACTS read from structure.

    mail: whose immediate alerts are counted (its first address); recipients: who gets digests.
    """
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = start + timedelta(days=days)
    arriving = documents.with_columns(ingested_at=pl.col("published_at")).sort("published_at", "doc_id")
    past = arriving.filter(pl.col("published_at") < start)
    process(store, kit, past, start - timedelta(seconds=1), figures=figures)
    batches = _batches(arriving.filter(pl.col("published_at").is_between(start, end, closed="left")))
    told = Rehearsal(days)
    began, worked = time.perf_counter(), time.process_time()
    at, seen = 0, first - timedelta(days=1)
    # half a day more, for readers whose last evening comes after the last of UTC's hours
    for now in ticks(start, end + timedelta(hours=14), [r.zone for r in recipients]):
        while at < len(batches) and batches[at][0] <= now:
            counts = process(store, kit, batches[at][1], now, figures=figures, mail=mail)
            told.documents += counts.documents
            at += 1
        if now.date() != seen:
            seen = now.date()
            watch(store, kit, now, mail=mail)
            advance(seen)
        dispatch.flush(store, kit, kit.routing.readers(mail), mail, now)
        asked = time.perf_counter()
        editions.enqueue_digests(store, recipients, kit, mail, now)
        told.digest_seconds += time.perf_counter() - asked
    told.seconds, told.cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    return _counted(store, told, recipients, mail, first, start, end)


def ticks(start: datetime, end: datetime, zones: Sequence[ZoneInfo]) -> Iterator[datetime]:
    """Moments at which the daemon looks at the clock; close together around a change of clocks in any zone."""
    now = start
    while now < end:
        yield now
        ahead = now + timedelta(days=1)
        changing = any(
            (now - timedelta(days=1)).astimezone(z).utcoffset() != ahead.astimezone(z).utcoffset() for z in zones
        )
        now += FINE_TICK if changing else TICK


def _batches(documents: pl.DataFrame) -> list[tuple[datetime, pl.DataFrame]]:
    """Documents that come together, with the moment all of them are there."""
    step = f"{ARRIVAL_HOURS}h"
    cut = documents.with_columns(arrives=pl.col("published_at").dt.truncate(step).dt.offset_by(step))
    return [(key[0], part.drop("arrives")) for key, part in cut.group_by(["arrives"], maintain_order=True)]


def _counted(
    store: Store,
    told: Rehearsal,
    recipients: Sequence[Recipient],
    mail: MailSettings,
    first: date,
    start: datetime,
    end: datetime,
) -> Rehearsal:
    sent = store.read(_SENT, {"first": first, "last": first + timedelta(days=told.days - 1)})
    told.signals = int(
        store.scalar(
            "SELECT count(DISTINCT signal_id) FROM signals WHERE created_at > $start AND created_at <= $end",
            {"start": start, "end": end},
        )
    )
    per_day = Counter((who, day) for who, _, day, _ in sent.iter_rows())
    told.doubled = sum(n - 1 for n in per_day.values())
    wanted = {(r.address, first + timedelta(days=n)) for r in recipients for n in range(told.days)}
    told.missing = len(wanted - set(per_day))
    told.digests = dict(Counter(sent["recipient"]))
    told.editions = dict(Counter(sent["kind"]))
    told.largest_mail = int(sent["bytes"].max() or 0) if sent.height else 0  # type: ignore[arg-type]
    own = dict(store.read(_IMMEDIATE, {"who": mail.to[0] if mail.to else ""}).iter_rows())
    told.immediate = [int(own.get(first + timedelta(days=n), 0)) for n in range(told.days)]
    told.loudest = store.read(_LOUDEST, {"start": start, "end": end})
    return told
