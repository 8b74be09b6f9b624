"""`tracker digest` and `tracker alerts`: what was, is or would be told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from tracker import jobs
from tracker.alerts import editions, outbox
from tracker.alerts.message import to_message
from tracker.alerts.recipients import Recipient, recipients_of
from tracker.alerts.render import render, standalone
from tracker.alerts.schedule import edition_window
from tracker.cli.options import ConfigOption, CsvOption, DbOption, JsonOption, LimitOption, RulesOption, settings_from
from tracker.cli.output import console, errors, print_json, show
from tracker.config import Settings
from tracker.errors import ConfigError, StoreError
from tracker.pipeline import Kit
from tracker.store import Store, open_snapshot, query

alerts_app = typer.Typer(no_args_is_help=False, invoke_without_command=True, help="Alerts and their delivery.")


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
    if not settings.mail.host or not settings.mail.to:
        raise ConfigError("no mail server or recipient is configured", where="mail.host, mail.to")
    now = datetime.now(UTC)
    with Store.open(settings.store.path) as store:
        made = jobs.make_digests(store, kit, settings, now)
        report = jobs.deliver(store, settings, now)
        store.publish()
    errors.print(
        f"{made} digests queued, {report.sent} messages sent, {report.failed} to be tried again, {report.dead} given up"
    )
    if report.dead or report.failed:
        raise typer.Exit(7)


@alerts_app.callback()
def alerts(
    context: typer.Context,
    limit: LimitOption = 30,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Alerts, newest first, with how far each delivery got."""
    if context.invoked_subcommand is not None:
        return
    frame = query(
        open_snapshot(settings_from(config, db).store.path),
        "SELECT a.created_at, a.kind, a.recipient, a.severity, a.subject, d.state, d.attempts, d.sent_at, d.last_error, a.alert_id "
        "FROM alerts a LEFT JOIN deliveries d USING (alert_id) ORDER BY a.created_at DESC, a.alert_id LIMIT $limit",
        {"limit": limit},
    )
    show(frame, title="Alerts", as_json=as_json, as_csv=as_csv, wrap=("subject", "last_error"), empty="no alerts yet")


@alerts_app.command()
def dead(as_json: JsonOption = False, config: ConfigOption = None, db: DbOption = None) -> None:
    """Deliveries that were given up, with the reason."""
    frame = query(
        open_snapshot(settings_from(config, db).store.path),
        "SELECT alert_id, recipient, subject, attempts, last_error FROM deliveries JOIN alerts USING (alert_id) WHERE state = 'dead'",
    )
    show(frame, title="Dead letters", as_json=as_json, wrap=("subject", "last_error"), empty="no dead letters")


@alerts_app.command()
def retry(
    alert_id: Annotated[
        str | None, typer.Argument(metavar="ALERT", help="One alert; without it all that were given up.")
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Put dead deliveries back into the queue. Stop the daemon first, or let it run and wait for its next round."""
    settings = settings_from(config, db)
    with Store.open(settings.store.path) as store:
        count = outbox.retry_dead(store, alert_id, datetime.now(UTC))
        store.publish()
    errors.print(f"{count} deliveries will be tried again")


@alerts_app.command()
def silence(
    until: Annotated[str, typer.Option(help="When it ends, e.g. 2026-12-01.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    claim: Annotated[str | None, typer.Option(help="Only this claim.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only this entity.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    author: Annotated[str, typer.Option(help="Who asks for it.")] = "operator",
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Hear nothing at once about a claim, an entity or a rule for a while; the digest still tells."""
    import hashlib

    import polars as pl

    from tracker.text.dates import parse_date

    moment = parse_date(until)
    if moment is None:
        raise typer.BadParameter("is not a date", param_hint="--until")
    if claim is None and entity is None and rule is None:
        raise typer.BadParameter("name a claim, an entity or a rule")
    now = datetime.now(UTC)
    key = hashlib.sha256(repr((claim, entity, rule, moment, now)).encode()).hexdigest()[:16]
    row = {
        "silence_id": key,
        "claim": claim,
        "entity": entity,
        "rule_id": rule,
        "until": moment,
        "author": author,
        "reason": reason,
        "created_at": now,
    }
    schema = dict.fromkeys(row, pl.String) | {"until": pl.Datetime("us", "UTC"), "created_at": pl.Datetime("us", "UTC")}
    with Store.open(settings_from(config, db).store.path) as store:
        store.append("silences", pl.DataFrame([row], schema=schema))
        store.publish()
    errors.print(f"silenced until {moment:%Y-%m-%d %H:%M} UTC")
