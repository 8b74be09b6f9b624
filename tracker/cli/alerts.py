"""`tracker alerts`: what was told, how far it got, and what an operator can do about it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tracker.alerts import wishes
from tracker.alerts.subscriptions import begin_again
from tracker.cli.options import (
    ClaimOption,
    ConfigOption,
    CsvOption,
    DbOption,
    EntityOption,
    JsonOption,
    LimitOption,
    settings_from,
)
from tracker.cli.output import errors, show
from tracker.config import Settings
from tracker.errors import StoreError
from tracker.store import Store, open_snapshot, query
from tracker.text.dates import parse_date

app = typer.Typer(no_args_is_help=False, invoke_without_command=True, help="Alerts and their delivery.")
_ALERTS = """
SELECT a.created_at, a.kind, a.recipient, a.severity, a.subject, d.channel, d.state, d.attempts, d.sent_at, k.author AS acked_by,
       d.last_error, a.alert_id
FROM alerts a LEFT JOIN deliveries d USING (alert_id) LEFT JOIN acks k USING (alert_id)
ORDER BY a.created_at DESC, a.alert_id, d.channel LIMIT $limit
"""
_DEAD = """
SELECT alert_id, channel, recipient, subject, attempts, last_error FROM deliveries JOIN alerts USING (alert_id)
WHERE state = 'dead' ORDER BY alert_id, channel
"""
_WITHHELD = """
SELECT n.changed_at, n.recipient, n.severity, n.route, n.state, n.reason, s.explanation, n.signal_id
FROM notices n LEFT JOIN v_signals s USING (signal_id)
WHERE n.state <> 'told' OR n.group_key = 'fold' ORDER BY n.changed_at DESC, n.signal_id LIMIT $limit
"""
_SILENCES = """
SELECT silence_id, until, until > now() AS running, claim, entity, rule_id, pillar, layer, recipient, author, reason
FROM silences ORDER BY until DESC
"""
AuthorOption = Annotated[str, typer.Option(help="Who asks for it.")]


@app.callback()
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
    frame = query(open_snapshot(settings_from(config, db).store.path), _ALERTS, {"limit": limit})
    show(frame, title="Alerts", as_json=as_json, as_csv=as_csv, wrap=("subject", "last_error"), empty="no alerts yet")


@app.command()
def dead(as_json: JsonOption = False, config: ConfigOption = None, db: DbOption = None) -> None:
    """Deliveries that were given up, with the reason."""
    frame = query(open_snapshot(settings_from(config, db).store.path), _DEAD)
    show(frame, title="Dead letters", as_json=as_json, wrap=("subject", "last_error"), empty="no dead letters")


@app.command()
def withheld(
    limit: LimitOption = 30, as_json: JsonOption = False, config: ConfigOption = None, db: DbOption = None
) -> None:
    """What was not told at once although it was loud enough, or came folded: and why."""
    frame = query(open_snapshot(settings_from(config, db).store.path), _WITHHELD, {"limit": limit})
    show(frame, title="Withheld", as_json=as_json, wrap=("explanation", "reason"), empty="nothing was withheld")


@app.command()
def silences(as_json: JsonOption = False, config: ConfigOption = None, db: DbOption = None) -> None:
    """Silences, with who asked for them, why, and until when."""
    frame = query(open_snapshot(settings_from(config, db).store.path), _SILENCES)
    show(frame, title="Silences", as_json=as_json, wrap=("reason",), empty="nobody asked for silence")


@app.command()
def retry(
    alert_id: Annotated[
        str | None, typer.Argument(metavar="ALERT", help="One alert; without it all that were given up.")
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Put dead deliveries back into the queue. A running daemon does it within seconds."""
    _ask(settings_from(config, db), {"wish": "retry", "alert": alert_id})


@app.command()
def ack(
    alert_id: Annotated[str, typer.Argument(metavar="ALERT")],
    author: AuthorOption = "operator",
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Take note of an alert: it is not told again. A running daemon does it within seconds."""
    _ask(settings_from(config, db), {"wish": "ack", "alert": alert_id, "author": author})


@app.command()
def silence(
    until: Annotated[str, typer.Option(help="When it ends, e.g. 2026-12-01.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    claim: ClaimOption = None,
    entity: EntityOption = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    pillar: Annotated[str | None, typer.Option(help="Only this pillar.")] = None,
    layer: Annotated[str | None, typer.Option(help="Only entities of this layer.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only this recipient's ears, by address.")] = None,
    author: AuthorOption = "operator",
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Hear nothing at once about something for a while; the digest still tells."""
    moment = parse_date(until)
    if moment is None:
        raise typer.BadParameter("is not a date", param_hint="--until")
    if not any((claim, entity, rule, pillar, layer, recipient)):
        raise typer.BadParameter("name a claim, an entity, a rule, a pillar, a layer or a recipient")
    now = datetime.now(UTC)
    if moment <= now:
        raise typer.BadParameter("lies in the past", param_hint="--until")
    conditions = {
        "claim": claim, "entity": entity, "rule_id": rule, "pillar": pillar, "layer": layer, "recipient": recipient,
    }  # fmt: skip
    key = hashlib.sha256(repr((conditions, moment, now)).encode()).hexdigest()[:16]
    said = {"wish": "silence", "id": key, "until": moment.isoformat(), "reason": reason, "author": author}
    _ask(settings_from(config, db), said | conditions)


@app.command()
def unsilence(
    silence_id: Annotated[str, typer.Argument(metavar="SILENCE")],
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """End a silence before its time."""
    _ask(settings_from(config, db), {"wish": "unsilence", "id": silence_id})


def _ask(settings: Settings, wish: dict[str, Any]) -> None:
    """Do it here when nobody owns the database, else leave it to the daemon that does."""
    now = datetime.now(UTC)
    try:
        with Store.open(settings.store.path) as store:
            said = wishes.grant(store, wish, now)
            store.publish()
    except StoreError as error:
        if "another process owns" not in error.message:
            raise
        wishes.leave(settings.store.path, wish, now)
        said = "the daemon is running and does it within seconds"
    errors.print(said)


@app.command()
def subscribe(
    address: Annotated[str, typer.Argument(help="A reader who ended mails with the link in them.")],
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Send a reader again what the link in a mail ended."""
    with Store.open(settings_from(config, db).store.path) as store:
        count = begin_again(store, address, datetime.now(UTC))
        store.publish()
    errors.print(f"{count} kinds of mail are sent again to {address}", markup=False)
