"""`tracker alerts rehearse`: the mails a stretch of the past would have sent."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import typer

from tracker.alerts.recipients import Recipient
from tracker.alerts.rehearsal import rehearse
from tracker.cli.options import ConfigOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import console, errors, print_json, progress, show
from tracker.config import MailSettings
from tracker.errors import SourceError
from tracker.ingest.archive import Archive
from tracker.ingest.files import read_file, walk
from tracker.kit import Kit
from tracker.store import Store
from tracker.vocabulary import DOCUMENTS_SCHEMA, FACTS_SCHEMA, empty


def rehearse_command(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files or folders, as for 'tracker ingest'.")],
    days: Annotated[int, typer.Option(min=1, max=1000, help="How many days.")] = 365,
    until: Annotated[
        str | None, typer.Option(metavar="D", help="Last day; default the last one on which something was published.")
    ] = None,
    zone: Annotated[
        list[str] | None, typer.Option(help="Time zone of a reader, instead of the configured ones; repeat for more.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """Live a stretch of the past again, day by day, and count the mails: digests, immediate alerts, the loudest rules.

    Works in a database of its own that is thrown away, and sends nothing: a new rule or route can be judged by what it
    would have mailed.
    """
    settings = settings_from(config, None, rules)
    kit = Kit.load(settings.rules_dirs)
    documents, figures = _read(paths, kit)
    try:
        last = date.fromisoformat(until) if until else None
    except ValueError as error:
        raise typer.BadParameter("is not a day such as 2026-11-24", param_hint="--until") from error
    first = (last or _last_day(documents)) - timedelta(days=days - 1)
    mail = _mail(settings.mail)
    readers = _readers(zone, mail, kit)
    with tempfile.TemporaryDirectory() as folder, progress(quiet=as_json) as bar:
        task = bar.add_task("living again", total=days)
        with Store.open(Path(folder) / "store.duckdb") as store:
            told = rehearse(
                store, kit, documents, figures, readers, mail, first, days, advance=lambda day: bar.advance(task)
            )
    counts = {
        "days": told.days, "first": first, "documents": told.documents, "signals": told.signals,
        "digests": sum(told.digests.values()), "readers": len(readers), "doubled": told.doubled, "missing": told.missing,
        "largest_mail_bytes": told.largest_mail, "immediate_median": told.immediate_median,
        "immediate_most": max(told.immediate, default=0), "immediate_total": sum(told.immediate),
        "seconds": round(told.seconds, 1), "digest_seconds": round(told.digest_seconds, 1),
        "cpu_seconds": round(told.cpu_seconds, 1),
    }  # fmt: skip
    if as_json:
        print_json(counts | {"editions": told.editions, "loudest": told.loudest.to_dicts()})
        return
    show(told.loudest, title="The ten loudest rules")
    for name, value in (counts | told.editions).items():
        console.print(f"{name.replace('_', ' ')}: {value}", highlight=False)


def _read(paths: list[Path], kit: Kit) -> tuple[pl.DataFrame, pl.DataFrame]:
    documents, figures, now, skipped = [empty(DOCUMENTS_SCHEMA)], [empty(FACTS_SCHEMA)], datetime.now(UTC), 0
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        for file in walk(paths):
            try:
                content = read_file(file, archive, kit.lexicon.issuers, now)
            except SourceError:
                skipped += 1
                continue
            documents.append(content.documents)
            figures.append(content.facts)
    if skipped:
        errors.print(f"{skipped} files hold nothing this program reads")
    found = (
        pl.concat(documents).filter(pl.col("published_at") <= now).unique("doc_id", keep="first", maintain_order=True)
    )
    if found.is_empty():
        raise SourceError("there is no document to read", where=", ".join(map(str, paths)))
    return found, pl.concat(figures)


def _last_day(documents: pl.DataFrame) -> date:
    day: date = documents["published_at"].dt.date().max()  # type: ignore[assignment]
    return day


def _mail(mail: MailSettings) -> MailSettings:
    """The configured mail, or a stand-in with every default: nothing is delivered either way."""
    stand_in = {"host": mail.host or "localhost", "to": mail.to or ("reader@example.org",)}
    return mail.model_copy(update=stand_in | {"sender": mail.sender or "tracker@example.org"})


def _readers(zones: list[str] | None, mail: MailSettings, kit: Kit) -> list[Recipient]:
    known = available_timezones()
    for name in zones or ():
        if name not in known:
            raise typer.BadParameter(f"'{name}' is not a time zone such as Europe/Berlin", param_hint="--zone")
    if not zones:
        return [r for r in kit.routing.readers(mail) if r.digest_channels]
    return [
        Recipient(f"reader{n}@example.org", mail.language, ZoneInfo(name), mail.digest_at, mail.immediate)
        for n, name in enumerate(zones)
    ]
