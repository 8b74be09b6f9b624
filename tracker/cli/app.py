"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from tracker import __version__
from tracker.cli import (
    alerts,
    backtest,
    demo,
    doctor,
    follow,
    ingest,
    look,
    mail,
    model,
    model_more,
    operate,
    people,
    rehearse,
    routes,
    rules,
    run,
    sources,
    sql,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Track a market thesis: documents to facts to signals to conviction to alerts.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Track a market thesis: documents to facts to signals to conviction to alerts."""


model_more.add_to(model.app)
backtest.add_to(rules.app)
app.command()(demo.demo)
app.command()(operate.init)
app.command()(doctor.doctor)
app.command()(run.run)
app.command()(run.once)
app.command()(ingest.ingest)
app.command()(ingest.extract)
app.command()(ingest.score)
app.command("reprocess")(ingest.reprocess_command)
app.command()(look.signals)
app.command()(look.facts)
app.command()(look.thesis)
app.command()(look.ledger)
app.command()(look.stories)
app.command()(sources.sources)
app.command()(people.review)
app.command()(people.replay)
app.command()(follow.calendar)
app.command()(follow.discover)
app.command()(sql.sql)
app.command()(mail.digest)
app.command()(operate.backup)
app.command()(operate.restore)
app.command()(operate.prune)
app.add_typer(rules.app, name="rules")
app.add_typer(model.app, name="model")
alerts.app.add_typer(routes.app, name="routes")
alerts.app.command("rehearse")(rehearse.rehearse_command)
app.add_typer(alerts.app, name="alerts")
