"""`tracker doctor`: everything that can be checked before the daemon runs, one line per check."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from rich.markup import escape

from tracker import jobs
from tracker.alerts import check
from tracker.alerts.channels import known
from tracker.alerts.signing import dkim_signed
from tracker.alerts.smtp import Session
from tracker.cli.options import ConfigOption, DbOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import console, print_json
from tracker.config import Settings, find_config
from tracker.errors import ConfigError, TrackerError
from tracker.extract.lexicon import load_lexicon
from tracker.ingest.client import HttpClient
from tracker.ingest.sources import Source, load_sources
from tracker.kit import Kit
from tracker.store import Store
from tracker.thesis.check import run_tests
from tracker.thesis.schema import load_thesis

Check = tuple[str, bool, str]


def doctor(
    network: Annotated[bool, typer.Option("--network/--offline", help="Also ask every enabled source once.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Check configuration, rules, database, mail server and sources. Exit code 1 when something is wrong."""
    settings = settings_from(config, db, rules)
    results: list[Check] = []
    for result in _checks(settings, config is not None or find_config(None) is not None, network=network):
        results.append(result)
        if not as_json:
            name, ok, text = result
            console.print(
                f"{'[green]ok  [/]' if ok else '[red]FAIL[/]'} {escape(name)}: {escape(text)}",
                highlight=False,
                soft_wrap=True,
            )
    if as_json:
        print_json([{"check": name, "ok": ok, "detail": text} for name, ok, text in results])
    if not all(ok for _, ok, _ in results):
        raise typer.Exit(1)


def _checks(settings: Settings, configured: bool, *, network: bool) -> Iterator[Check]:
    yield (
        "configuration",
        True,
        "read" if configured else "none, defaults and environment are used ('tracker init' writes one)",
    )
    yield (
        "contact",
        bool(settings.http.contact),
        settings.http.contact or "http.contact is empty: nothing outside will be asked",
    )
    yield _tried("rules", lambda: _rules(settings))
    yield _tried("rule tests", lambda: _rule_tests(settings))
    yield _tried("routes", lambda: _routes(settings))
    yield _tried("hardware model", lambda: f"{Kit.load(settings.rules_dirs).catalogue.systems.height} systems")
    yield _tried("database", lambda: _database(settings))
    yield _tried("disk", lambda: _disk(settings))
    yield _tried("mail server", lambda: _mail(settings))
    yield _tried("channels", lambda: _channels(settings))
    yield _tried("sources", lambda: f"{len(load_sources(settings.source_files))} configured")
    if network:
        yield from asyncio.run(_ask(settings))


def _tried(name: str, work: Callable[[], str]) -> Check:
    try:
        return name, True, work()
    except TrackerError as error:
        return name, False, str(error)


def _rules(settings: Settings) -> str:
    thesis = load_thesis(settings.rules_dirs)
    if thesis.problems:
        raise thesis.problems[0]
    return f"{len(thesis.rules)} rules for {len(thesis.claims)} claims"


def _rule_tests(settings: Settings) -> str:
    results = run_tests(load_thesis(settings.rules_dirs), load_lexicon(settings.rules_dirs))
    wrong = results.height - int(results["ok"].sum())
    if wrong:
        raise ConfigError(f"{wrong} of {results.height} inline tests fail", hint="'tracker rules test' names them")
    return f"{results.height} pass"


def _routes(settings: Settings) -> str:
    kit = Kit.load(settings.rules_dirs)
    pillars = {c.id: c.pillar for c in kit.thesis.claims.values()}
    failed = [o for o in check.run_tests(kit.routing, pillars, kit.lexicon.layers) if not o.ok]
    if failed:
        raise ConfigError(f"{failed[0].name}: {failed[0].message}", where=failed[0].where)
    return f"{sum(1 for _ in kit.routing.root.every())} for {len(kit.routing.readers(settings.mail))} recipients"


def _database(settings: Settings) -> str:
    with Store.open(settings.store.path) as store:
        return f"{settings.store.path}, {store.scalar('SELECT count(*) FROM documents'):,} documents"


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.store.path.parent).free
    if jobs.free_disk_share(settings) < jobs.LOW_DISK_SHARE:
        raise ConfigError(f"only {free / 1e9:,.1f} GB free", where=str(settings.store.path.parent))
    return f"{free / 1e9:,.1f} GB free"


def _mail(settings: Settings) -> str:
    if not settings.mail.host:
        raise ConfigError("mail.host is empty: nothing will be mailed")
    if not settings.mail.to:
        raise ConfigError("mail.to is empty: there is nobody to mail")
    with Session(settings.mail) as session:
        wrong = session.check()
    if wrong:
        raise ConfigError("; ".join(wrong), hint="check mail.host, mail.port, mail.security and the login")
    dkim_signed(b"From: a@example.org\r\n\r\n", settings.mail)
    return f"{settings.mail.host}:{settings.mail.port} accepts us, {len(settings.mail.to)} recipients"


def _channels(settings: Settings) -> str:
    channels = Kit.load(settings.rules_dirs).routing.channels
    wrong = [c.id for c in channels.values() if not known(c)]
    if wrong:
        raise ConfigError(f"Apprise does not know the address of {', '.join(wrong)}", where="alerts.yaml: channels")
    return f"{len(channels)} besides mail"


async def _ask(settings: Settings) -> list[Check]:
    async with HttpClient(jobs.http_settings(settings)) as client:

        async def one(source: Source) -> Check:
            try:
                response = await client.get(source.url)
            except TrackerError as error:
                return f"source {source.id}", False, str(error)
            return f"source {source.id}", True, f"{response.status}, {len(response.body):,} bytes"

        enabled = [s for s in load_sources(settings.source_files) if s.enabled]
        return list(await asyncio.gather(*(one(source) for source in enabled)))
