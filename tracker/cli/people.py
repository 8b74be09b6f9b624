"""`tracker review` and `tracker replay`: a person's verdicts, and what was known when."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated

import polars as pl
import typer

from tracker.cli.options import ConfigOption, DbOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import errors, print_json, show
from tracker.errors import StoreError
from tracker.kit import Kit
from tracker.pipeline import update_conviction
from tracker.store import Store, open_snapshot, query
from tracker.text.dates import parse_date
from tracker.thesis.conviction import conviction
from tracker.vocabulary import SIGNALS_SCHEMA, UTC_TIME, conform

VERDICTS = ("confirm", "reject", "correct", "undo")
_PRECISION = """
SELECT s.rule_id, count(*) FILTER (r.verdict = 'confirm') AS confirmed, count(*) FILTER (r.verdict = 'reject') AS rejected,
       round(count(*) FILTER (r.verdict = 'confirm') / count(*), 2) AS precision
FROM v_reviews r JOIN signals s ON r.target = 'signal' AND r.target_id = s.signal_id GROUP BY s.rule_id ORDER BY s.rule_id
"""


def review(
    signal_id: Annotated[
        str | None, typer.Argument(metavar="SIGNAL", help="A signal; without it, precision per rule.")
    ] = None,
    verdict: Annotated[str | None, typer.Argument(help="confirm, reject, correct or undo.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    direction: Annotated[str | None, typer.Option(help="With 'correct': what is right, for or against.")] = None,
    author: Annotated[str, typer.Option(help="Who says so.")] = "operator",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Confirm, reject or correct a signal; conviction follows at once, and `reprocess` keeps the verdict. Append-only."""
    settings = settings_from(config, db, rules)
    if signal_id is None:
        show(
            query(open_snapshot(settings.store.path), _PRECISION),
            title="Precision by review",
            as_json=as_json,
            empty="no reviews yet",
        )
        return
    if verdict not in VERDICTS:
        raise typer.BadParameter(f"is one of {', '.join(VERDICTS)}", param_hint="VERDICT")
    if (verdict == "correct") != (direction in ("for", "against")):
        raise typer.BadParameter("'correct' needs for or against, and nothing else does", param_hint="--direction")
    now = datetime.now(UTC)
    with Store.open(settings.store.path) as store:
        if not store.scalar("SELECT count(*) FROM signals WHERE signal_id = $id", {"id": signal_id}):
            raise StoreError(f"there is no signal '{signal_id}'", hint="'tracker signals' shows them")
        row = {
            "review_id": hashlib.sha256(f"{signal_id}{now.isoformat()}{author}".encode()).hexdigest()[:16],
            "target": "signal",
            "target_id": signal_id,
            "verdict": verdict,
            "author": author,
            "reason": reason,
            "correction": direction,
            "reviewed_at": now,
        }
        schema = dict.fromkeys(row, pl.String) | {"reviewed_at": UTC_TIME}
        store.append("reviews", pl.DataFrame([row], schema=schema))
        moved = update_conviction(store, Kit.load(settings.rules_dirs), now)
        store.publish()
    errors.print(f"{verdict}: {moved.filter(~pl.col('claim').str.contains(':|THESIS')).height} claims moved")


def replay(
    as_of: Annotated[str, typer.Option("--as-of", help="Moment, e.g. 2026-11-24T07:30:00Z.", metavar="TS")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """What was known then: signals and conviction with nothing that arrived later."""
    moment = parse_date(as_of)
    if moment is None:
        raise typer.BadParameter("is not a moment such as 2026-11-24T07:30:00Z", param_hint="--as-of")
    settings = settings_from(config, db, rules)
    connection = open_snapshot(settings.store.path)
    signals = conform(query(connection, "SELECT * FROM signals_as_of($ts)", {"ts": moment}), SIGNALS_SCHEMA)
    reviews = query(
        connection,
        "SELECT target_id, arg_max(verdict, reviewed_at) AS verdict, "
        "arg_max(correction, reviewed_at) AS correction FROM reviews "
        "WHERE target = 'signal' AND reviewed_at <= $ts GROUP BY target_id",
        {"ts": moment},
    )
    then = conviction(signals, Kit.load(settings.rules_dirs).thesis, reviews, moment)
    if as_json:
        print_json({"as_of": moment, "signals": signals.height, "conviction": then.to_dicts()})
        return
    shown = then.select("claim", "probability", "evidence_for", "evidence_against")
    show(shown, title=f"Known at {moment:%Y-%m-%d %H:%M} UTC ({signals.height:,} signals)")
