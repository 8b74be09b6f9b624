"""`tracker digest`: what is or would be told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from tracker import jobs
from tracker.alerts import editions
from tracker.alerts.message import to_message
from tracker.alerts.recipients import Recipient, recipients_of
from tracker.alerts.render import render, standalone
from tracker.alerts.schedule import edition_window
from tracker.cli.options import ConfigOption, DbOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import console, errors, print_json
from tracker.config import Settings
from tracker.errors import ConfigError, StoreError
from tracker.kit import Kit
from tracker.store import Store


def reader(settings: Settings, language: str | None = None) -> Recipient:
    """The first recipient of the configuration, or a stand-in for a preview."""
    found = recipients_of(settings.mail)
    mail = settings.mail
    address = found[0].address if found else "reader@example.org"
    return Recipient(address, language or mail.language, ZoneInfo(mail.timezone), mail.digest_at, mail.immediate)


def digest(
    day: Annotated[
        str | None, typer.Option("--date", help="Local day, e.g. 2026-11-24; default today.", metavar="D")
    ] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Queue and send it to the configured recipients, once a day.")
    ] = False,
    kind: Annotated[
        str | None, typer.Option(help="digest, weekly or earnings; default what the day asks for.", metavar="K")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=4000, help="Days the digest looks back.")] = None,
    language: Annotated[str | None, typer.Option(help="en or zh, over the configuration.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="F", help="Write the HTML here, pictures inside.")] = None,
    eml: Annotated[Path | None, typer.Option(metavar="F", help="Write the whole message here.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Preview the digest in the terminal, or send it."""
    settings = settings_from(config, db, rules)
    if language not in (None, "en", "zh"):
        raise typer.BadParameter("is 'en' or 'zh'", param_hint="--language")
    if kind not in (None, *editions.EDITIONS):
        raise typer.BadParameter(f"is one of {', '.join(editions.EDITIONS)}", param_hint="--kind")
    kit = jobs.load_kit(settings)
    if send:
        _send(settings, kit)
        return
    who = reader(settings, language)
    try:
        local = date.fromisoformat(day) if day else datetime.now(UTC).astimezone(who.zone).date()
    except ValueError as error:
        raise typer.BadParameter("is not a day such as 2026-11-24", param_hint="--date") from error
    start, end = edition_window(who, local, None, kind or "digest")
    end = datetime.now(UTC) if day is None else end
    window = (end - timedelta(days=days), end) if days else (start, end) if day is None and kind != "weekly" else None
    with readable(settings) as store:
        content = editions.edition(store, kit, who, local, kind=kind, window=window)
    mail = render(content, recipient=who.address, at=end, links=kit.links)
    if html is not None:
        html.write_text(standalone(mail), encoding="utf-8")
    if eml is not None:
        eml.write_bytes(
            to_message(
                mail,
                sender=settings.mail.sender or "tracker@example.org",
                recipient=who.address,
                message_id="<preview@localhost>",
                at=end,
                unsubscribe=settings.mail.sender or "tracker@example.org",
            )
        )
    if as_json:
        print_json(
            {
                "subject": mail.subject,
                "text": mail.text,
                "html_bytes": len(mail.html.encode()),
                "pictures": len(mail.pictures),
            }
        )
    else:
        console.print(mail.text, markup=False, highlight=False)


def readable(settings: Settings) -> Store:
    """The snapshot as a read-only store, so that a preview works while the daemon runs."""
    path = settings.store.path
    public = path.parent / "public" / "signals.duckdb"
    if not public.exists() and not path.exists():
        raise StoreError(
            "there is no database yet", where=str(path), hint="run 'tracker once' or 'tracker ingest FILE' first"
        )
    return Store.open(public if public.exists() else path, read_only=True)


def _send(settings: Settings, kit: Kit) -> None:
    if not kit.routing.readers(settings.mail):
        raise ConfigError("no mail server or recipient is configured", where="mail.host, mail.to")
    now = datetime.now(UTC)
    with Store.open(settings.store.path) as store:
        made = jobs.make_digests(store, kit, settings, now)
        report = jobs.send_due(store, kit, settings, lambda: datetime.now(UTC))
        store.publish()
    errors.print(
        f"{made} digests queued, {report.sent} messages sent, {report.failed} to be tried again, {report.dead} given up"
    )
    if report.dead or report.failed:
        raise typer.Exit(7)
