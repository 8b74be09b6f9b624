"""The daemon: knows times, not meanings.

APScheduler wakes each source when it is due (the due time comes from the database, so a restart continues where it
was), looks a few times a minute whether a digest is due, and keeps house. Fetching is asynchronous; everything that
touches the store runs in one writer thread, everything that talks SMTP in one mailer thread. SIGTERM drains, SIGHUP
reloads rules and configuration (a broken file keeps the old ones and says so).

Traps of the scheduler handled here: `misfire_grace_time` is None (the default of one second drops jobs after a pause);
every poll is a one-shot date job that plans its successor from the stored state; wall-clock work (the digest) is keyed
by local date in the database instead of a cron trigger, so a repeated or skipped hour changes nothing; shutting down
pauses the scheduler and awaits our own tasks, because `shutdown(wait=True)` would cancel coroutines.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from tracker import jobs, proposals
from tracker.alerts import deliver, feedback, wishes
from tracker.alerts.feedback import Effect
from tracker.alerts.links import Answer
from tracker.alerts.operators import Vitals
from tracker.config import Settings, load_settings
from tracker.errors import TrackerError
from tracker.ingest.archive import Archive
from tracker.ingest.client import HttpClient, ping
from tracker.ingest.fetch import fetch_source
from tracker.ingest.sources import Source, load_sources
from tracker.kit import Kit
from tracker.store import Store
from tracker.web.app import Health, serve

DIGEST_CHECK_S: Final = 20
HOUSEKEEPING_H: Final = 24
WATCH_S: Final = 60
PING_TIMEOUT_S: Final = 10.0
PROPOSALS_S: Final = 300
# A mailer gives the interpreter away ten times a message; at the default of 5 ms it waits for a busy writer that long each time.
SWITCH_S: Final = 0.0005
DELIVERY_CHECK_S: Final = 5  # how often deliveries whose back-off has ended are looked for

Result = TypeVar("Result")
log: structlog.stdlib.BoundLogger = structlog.get_logger("daemon")


def now_utc() -> datetime:
    """The clock of the daemon; everything below gets the time as a parameter."""
    return datetime.now(UTC)


class Daemon:
    """One process: scheduler, writer, mailer, health page."""

    def __init__(self, settings: Settings, config_path: Path | None) -> None:
        self.settings = settings
        self.config_path = config_path
        self.scheduler = AsyncIOScheduler(timezone=UTC)
        self.writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self.mailer = ThreadPoolExecutor(1, thread_name_prefix="mailer")
        self.chatter = ThreadPoolExecutor(1, thread_name_prefix="chatter")
        self.stopping = asyncio.Event()
        self.mail_waiting = asyncio.Event()
        self.proposing = asyncio.Lock()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.health = Health(started_at=now_utc())
        self.dirty = False
        self.looked_at = (now_utc(), time.monotonic())
        self.digests_in_time = True
        self.store: Store
        self.kit: Kit
        self.sources: dict[str, Source] = {}
        self.client: HttpClient
        self.archive = Archive(settings.archive_dir)

    # --- life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; drains before it returns. Raises TrackerError when it cannot start."""
        sys.setswitchinterval(SWITCH_S)
        loop = asyncio.get_running_loop()
        self.kit = jobs.load_kit(self.settings)
        self.sources = {s.id: s for s in load_sources(self.settings.source_files)}
        self.store = Store.open(self.settings.store.path)
        self.slots = asyncio.Semaphore(self.settings.daemon.concurrency)
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self.reload()))
        try:
            async with HttpClient(jobs.http_settings(self.settings)) as self.client:
                await self._write(jobs.recover, self.store, now_utc())
                await self._write(jobs.sync_sources, self.store, list(self.sources.values()), now_utc())
                await self._write(jobs.sync_suppliers, self.store, self.kit)
                self._plan_everything()
                self.scheduler.start()
                deliveries = self._spawn(self._deliver_forever())
                server = await serve(
                    self.settings.daemon, self.health, self.settings.store.path, lambda: self.kit, self._answered
                )
                log.info("started", sources=len(self.sources), database=str(self.settings.store.path))
                await self.stopping.wait()
                await self._drain(deliveries)
                await server.stop()
        finally:
            self.writer.shutdown(wait=True)
            self.mailer.shutdown(wait=True)
            self.chatter.shutdown(wait=True)
            self.store.close()
            log.info("stopped")

    async def _drain(self, deliveries: asyncio.Task[Any]) -> None:
        """Let what runs come to its end; what takes longer than the limit is cut off and taken up after the restart."""
        log.info("draining", running=len(self.tasks))
        self.scheduler.pause()
        self.mail_waiting.set()
        pending = [task for task in self.tasks if task is not deliveries]
        if pending:
            _, late = await asyncio.wait(pending, timeout=self.settings.daemon.drain_seconds)
            for task in late:
                task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(deliveries, timeout=self.settings.daemon.drain_seconds)
        self.scheduler.shutdown(wait=False)
        await self._write(self.store.publish)

    async def reload(self) -> None:
        """Read configuration, rules and sources again; when one is broken the old ones stay and the log says so."""
        try:
            settings = load_settings(self.config_path)
            kit = await asyncio.to_thread(jobs.load_kit, settings)
            sources = {s.id: s for s in load_sources(settings.source_files)}
        except TrackerError as error:
            self.health.reload_error = str(error)
            log.error("reload failed, the old configuration stays", error=str(error))
            return
        if settings.store.path != self.settings.store.path:
            log.warning("the database path changes only with a restart", path=str(settings.store.path))
        self.settings, self.kit, self.sources = settings, kit, sources
        self.health.reload_error = None
        await self._write(jobs.sync_sources, self.store, list(sources.values()), now_utc())
        await self._write(jobs.sync_suppliers, self.store, kit)
        self._plan_everything()
        log.info("reloaded", sources=len(sources), rules=len(kit.thesis.rules), problems=len(kit.thesis.problems))

    # --- planning --------------------------------------------------------------------------------------------------

    def _plan_everything(self) -> None:
        for job in self.scheduler.get_jobs():
            job.remove()
        due = jobs.due_times(self.store, list(self.sources.values()), now_utc())
        for source_id, moment in due.items():
            self._plan_poll(source_id, moment)
        for name, seconds, work in (
            ("digest", DIGEST_CHECK_S, self._digest),
            ("publish", self.settings.store.publish_seconds, self._publish),
            ("housekeeping", HOUSEKEEPING_H * 3600, self._keep_house),
            ("watchdogs", WATCH_S, partial(self._guarded, "watchdogs", self._watch_over)),
            ("heartbeat", self.settings.daemon.heartbeat_minutes * 60, partial(self._guarded, "heartbeat", self._beat)),
            ("proposals", PROPOSALS_S, partial(self._guarded, "proposals", self._propose)),
        ):
            self.scheduler.add_job(
                self._spawn_job,
                IntervalTrigger(seconds=seconds, timezone=UTC),
                args=[work],
                id=name,
                next_run_time=now_utc() + timedelta(seconds=min(seconds, 1)),
                misfire_grace_time=None,
                coalesce=True,
            )

    def _plan_poll(self, source_id: str, moment: datetime) -> None:
        if self.stopping.is_set():
            return
        self.scheduler.add_job(
            self._spawn_job,
            DateTrigger(max(moment, now_utc()), timezone=UTC),
            args=[partial(self._poll, source_id)],
            id=f"poll:{source_id}",
            replace_existing=True,
            misfire_grace_time=None,
        )

    async def _spawn_job(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._spawn(work())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.health.errors += 1
            log.error("a job failed", error=repr(error), exc_info=error)

    async def _write(self, work: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.writer, partial(work, *args))

    # --- jobs ------------------------------------------------------------------------------------------------------

    async def _poll(self, source_id: str) -> None:
        source = self.sources.get(source_id)
        if source is None or not source.enabled:
            return
        due = now_utc() + timedelta(minutes=source.poll_minutes)
        try:
            async with self.slots:
                state, known, failing = await self._write(jobs.source_state, self.store, source, now_utc())
                outcome = await fetch_source(
                    source,
                    state,
                    self.client,
                    self.archive,
                    now_utc(),
                    known_urls=known,
                    failing=failing,
                    issuers=self.kit.lexicon.issuers,
                )
                counts, due = await self._write(
                    jobs.take_in, self.store, self.kit, outcome, now_utc(), self.settings.mail
                )
            self.health.polls += 1
            self.dirty = True
            if counts.anything or outcome.problems:
                log.info("polled", source=source_id, **counts.summary(), problems=outcome.problems[:5])
            if counts.alerts:
                self.mail_waiting.set()
            if counts.documents and proposals.is_on(self.settings):
                self._spawn(self._guarded("proposals", self._propose))
        except Exception as error:
            # a failing source never stops the others: it is recorded, and tried again at its next time
            self.health.errors += 1
            log.error("a poll failed", source=source_id, error=repr(error), exc_info=error)
            await self._write(jobs.record_failure, self.store, f"poll:{source_id}", error, now_utc())
        finally:
            self._plan_poll(source_id, due)

    async def _deliver_forever(self) -> None:
        """Hand over what waits: at once when an alert was made, otherwise when a back-off ends."""
        while not self.stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.mail_waiting.wait(), timeout=DELIVERY_CHECK_S)
            self.mail_waiting.clear()
            await self._guarded("deliver", self._deliver)

    async def _deliver(self) -> None:
        if await self._write(wishes.take_up, self.store, now_utc()):
            self.dirty = True
        if await self._write(jobs.flush_alerts, self.store, self.kit, self.settings, now_utc()):
            self.mail_waiting.set()  # there may be more: come round again once these are out
        if not await self._write(deliver.waiting, self.store, now_utc()):
            return
        if self.dirty:
            await self._publish_now()  # whoever follows a mail into the database finds what it tells of
        loop = asyncio.get_running_loop()
        # a chat that hangs must not keep mails waiting: each has a thread of its own
        mails = loop.run_in_executor(self.mailer, deliver.deliver_mail, self.store, self.settings.mail, now_utc)
        chats = loop.run_in_executor(
            self.chatter, deliver.deliver_channels, self.store, self.kit.routing.channels, now_utc
        )
        report, other = await asyncio.gather(mails, chats)
        report.add(other)
        self.health.mails_sent += report.sent
        self.dirty = True
        log.info("delivered", sent=report.sent, failed=report.failed, dead=report.dead)

    async def _digest(self) -> None:
        made = await self._write(jobs.make_digests, self.store, self.kit, self.settings, now_utc())
        if made:
            log.info("digest made", recipients=made)
            self.mail_waiting.set()

    async def _answered(self, answer: Answer) -> Effect:
        """A reader followed a signed link."""
        effect = await self._write(feedback.apply, self.store, self.kit, answer, now_utc())
        log.info("answered", action=answer.action, target=answer.target, new=effect.new)
        self.dirty = True
        return effect

    async def _publish(self) -> None:
        if self.dirty or self.health.published_at is None:
            await self._publish_now()

    async def _publish_now(self) -> None:
        self.dirty = False
        await self._write(self.store.publish)
        self.health.published_at = now_utc()

    async def _keep_house(self) -> None:
        await self._write(jobs.keep_house, self.store, self.settings, now_utc())

    async def _watch_over(self) -> None:
        """Look for trouble of our own, every minute; the wall clock is compared with one that cannot jump."""
        wall, steady = now_utc(), time.monotonic()
        jump_s = (wall - self.looked_at[0]).total_seconds() - (steady - self.looked_at[1])
        self.looked_at = (wall, steady)
        vitals = Vitals(self.health.started_at, jump_s)
        queued, self.digests_in_time = await self._write(
            jobs.watch_over, self.store, self.kit, self.settings, vitals, wall
        )
        if queued:
            log.warning("trouble, operators are told", messages=queued)
            self.mail_waiting.set()

    async def _beat(self) -> None:
        """The dead man's switch: only a process that writes and whose digests go out keeps it quiet."""
        url = self.settings.daemon.heartbeat_url
        if not url or not self.digests_in_time:
            return
        await self._write(self.store.scalar, "SELECT 1")
        status = await asyncio.to_thread(ping, url, timeout_s=PING_TIMEOUT_S)
        if status >= 400:
            log.warning("the dead man's switch does not take our sign of life", status=status)

    async def _propose(self) -> None:
        """Ask the configured endpoint about what came in, beside everything else; nothing when none is configured."""
        if not proposals.is_on(self.settings) or self.proposing.locked():
            return
        async with self.proposing:
            now = now_utc()
            documents = await self._write(proposals.waiting, self.store, now)
            if documents.is_empty():
                return
            found = await asyncio.to_thread(proposals.ask, documents, self.kit, self.settings)
            counts = await self._write(
                proposals.take_in, self.store, self.kit, documents, found, now, self.settings.mail
            )
            self.dirty = True
            log.info("proposals", asked=found.asked, **counts.summary(), problems=counts.problems[:5])
            if counts.alerts:
                self.mail_waiting.set()

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """A failing round is recorded and the loop goes on: the next round tries again."""
        try:
            await work()
        except Exception as error:
            self.health.errors += 1
            log.error("a job failed", job=name, error=repr(error), exc_info=error)
            with suppress(Exception):
                await self._write(jobs.record_failure, self.store, name, error, now_utc())
