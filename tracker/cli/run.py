"""`tracker run` and `tracker once`: the daemon, and one pass without it."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Annotated

import polars as pl
import structlog
import typer

from tracker import jobs, proposals
from tracker.cli.options import ConfigOption, DbOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import errors, print_json, progress, show
from tracker.config import DaemonSettings, Settings, find_config
from tracker.errors import ConfigError
from tracker.ingest.archive import Archive
from tracker.ingest.client import HttpClient
from tracker.ingest.fetch import FetchOutcome, fetch_source
from tracker.ingest.sources import Source, load_sources
from tracker.kit import Kit
from tracker.model_watch import watch
from tracker.pipeline import Counts
from tracker.store import Store


def configure_logs(settings: DaemonSettings) -> None:
    """Structured logs on standard error: readable lines, or JSON for a collector."""
    console = settings.log_format == "console"
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if console else [structlog.processors.dict_tracebacks]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def run(config: ConfigOption = None, db: DbOption = None, rules: RulesOption = None) -> None:
    """The daemon, in the foreground: polls, reads, scores, mails. SIGTERM drains, SIGHUP reloads."""
    from tracker.daemon import Daemon

    settings = settings_from(config, db, rules)
    configure_logs(settings.daemon)

    async def main() -> None:
        await Daemon(settings, find_config(config)).run()

    asyncio.run(main())


def once(
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Only this source, due or not; repeat for more.", metavar="ID")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """One pass over the sources that are due (or are named), then the mails that follow from it."""
    settings = settings_from(config, db, rules)
    sources = load_sources(settings.source_files)
    known = {s.id: s for s in sources}
    for name in source or ():
        if name not in known:
            raise ConfigError(
                f"there is no source '{name}'", where=str(settings.source_files[0]), hint="'tracker sources' lists them"
            )
    kit = Kit.load(settings.rules_dirs)
    with Store.open(settings.store.path) as store:
        now = datetime.now(UTC)
        jobs.sync_sources(store, sources, now)
        jobs.sync_suppliers(store, kit)
        due = jobs.due_times(store, sources, now)
        chosen = [known[n] for n in source] if source else [known[n] for n, moment in due.items() if moment <= now]
        total, rows = asyncio.run(poll_all(store, kit, settings, chosen, quiet=as_json))
        total.add(proposals.one_round(store, kit, settings, datetime.now(UTC)))
        total.signals += watch(store, kit, datetime.now(UTC), mail=settings.mail)
        report = jobs.send_due(store, kit, settings, lambda: datetime.now(UTC))
        store.publish()
    if as_json:
        print_json(total.summary() | {"sources": rows, "mails": report.sent})
        return
    show(pl.DataFrame(rows) if rows else pl.DataFrame(), title="Sources", wrap=("problem",), empty="nothing is due")
    errors.print(", ".join(f"{v:,} {k}" for k, v in total.summary().items()))


async def poll_all(
    store: Store, kit: Kit, settings: Settings, sources: list[Source], *, quiet: bool
) -> tuple[Counts, list[dict[str, object]]]:
    """Poll sources side by side, writing each as it arrives; returns the sum and a row per source."""
    total, rows = Counts(), []
    archive = Archive(settings.archive_dir)
    places = asyncio.Semaphore(settings.daemon.concurrency)
    async with HttpClient(jobs.http_settings(settings)) as client:

        async def one(source: Source) -> FetchOutcome:
            async with places:
                now = datetime.now(UTC)
                state, known, failing = jobs.source_state(store, source, now)
                return await fetch_source(
                    source,
                    state,
                    client,
                    archive,
                    now,
                    known_urls=known,
                    failing=failing,
                    issuers=kit.lexicon.issuers,
                )

        with progress(quiet=quiet) as bar:
            task = bar.add_task("polling", total=len(sources))
            for polled in asyncio.as_completed([one(s) for s in sources]):
                outcome = await polled
                counts, _ = jobs.take_in(store, kit, outcome, datetime.now(UTC), settings.mail)
                total.add(counts)
                rows.append(
                    {
                        "source": outcome.source.id,
                        "documents": counts.documents,
                        "facts": counts.facts,
                        "signals": counts.signals,
                        "problem": outcome.problems[0] if outcome.problems else "",
                    }
                )
                bar.advance(task)
    return total, sorted(rows, key=lambda row: str(row["source"]))
