"""`tracker calendar`, `tracker discover`: what is due, and who is not yet known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from tracker.cli.options import ClaimOption, ConfigOption, DbOption, JsonOption, LimitOption, RulesOption, settings_from
from tracker.cli.output import console, print_json, show
from tracker.errors import UsageError
from tracker.extract.lexicon import load_lexicon
from tracker.kit import Kit
from tracker.model_watch import RESULTS_TOLD, calendar_of
from tracker.store import open_snapshot, query
from tracker.thesis.discovery import accept, candidates

_TEXTS = """
SELECT doc_id, story_id, source, published_at, text FROM documents
WHERE published_at >= $since ORDER BY published_at DESC, doc_id LIMIT 5000
"""


def calendar(
    days: Annotated[int, typer.Option(min=1, max=800, help="How many days ahead.")] = 60,
    claim: ClaimOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """What is due and what is overdue, and which claims it could move."""
    settings = settings_from(config, db, rules)
    now = datetime.now(UTC)
    told = query(open_snapshot(settings.store.path), RESULTS_TOLD, {"now": now})
    frame = calendar_of(told, Kit.load(settings.rules_dirs), now)
    frame = frame.filter(
        (pl.col("overdue_days") > 0)
        | pl.col("due").is_between(now.date() - timedelta(days=60), now.date() + timedelta(days=days))
    )
    if claim is not None:
        frame = frame.filter(pl.col("claims").list.contains(claim))
    if as_json:
        print_json(frame.to_dicts())
        return
    late, due = frame.filter(pl.col("overdue_days") > 0), frame.filter(pl.col("overdue_days") == 0)
    show(
        due.select("due", "entity", "what", "claims"),
        title=f"Due within {days} days",
        empty="nothing is due",
        wrap=("claims",),
    )
    show(
        late.select("due", "entity", "what", "overdue_days", "claims"),
        title="Overdue",
        empty="nothing is overdue",
        wrap=("claims",),
    )


def discover(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back to read.")] = 365,
    limit: LimitOption = 20,
    accepted: Annotated[
        str | None,
        typer.Option(
            "--accept", help="Add this name to the watchlist, or a product code to the lexicon.", metavar="NAME"
        ),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Layer of the accepted name, e.g. optics; or family of a product.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Names and product codes that stand beside known ones in several sources, and are in no list yet."""
    settings = settings_from(config, db, rules)
    lexicon = load_lexicon(settings.rules_dirs)
    since = datetime.now(UTC) - timedelta(days=days)
    documents = query(open_snapshot(settings.store.path), _TEXTS, {"since": since})
    found = candidates(documents, lexicon)
    if accepted is not None:
        row = found.filter(pl.col("name") == accepted)
        if row.is_empty():
            raise UsageError(f"'{accepted}' is not among the candidates", hint="'tracker discover' lists them")
        if layer is None:
            raise UsageError("where does it belong?", hint="add --layer, e.g. --layer optics")
        folder = Path(settings.rules_dirs[-1])
        path = accept(folder, accepted, layer, code=bool(row.item(0, "code")))
        console.print(f"{accepted} was added to {path}")
        return
    shown = found.head(limit)
    if as_json:
        print_json(shown.to_dicts())
        return
    show(
        shown.select("name", "sources", "stories", "beside", "sentence"),
        title="Not in any list yet",
        wrap=("sentence",),
        empty="nothing unknown stands out",
    )
