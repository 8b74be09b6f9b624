"""`tracker sources`: what is polled and how it is doing."""

from __future__ import annotations

from typing import Annotated

import polars as pl
import typer

from tracker.cli.options import ConfigOption, CsvOption, DbOption, JsonOption, settings_from
from tracker.cli.output import show
from tracker.errors import StoreError
from tracker.ingest.sources import load_sources
from tracker.store import open_snapshot, query


def sources(
    failing: Annotated[bool, typer.Option("--failing", help="Only those that fail.")] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Configured sources with their health: last success, failures in a row, when they are polled next."""
    settings = settings_from(config, db)
    configured = pl.DataFrame(
        [
            {
                "source_id": s.id,
                "name": s.name,
                "kind": s.kind,
                "lang": s.lang,
                "tier": s.tier,
                "poll_minutes": s.poll_minutes,
                "enabled": s.enabled,
            }
            for s in load_sources(settings.source_files)
        ]
    )
    try:
        health = query(
            open_snapshot(settings.store.path),
            "SELECT source_id, health, failures, last_success_at, next_due_at, last_error FROM v_source_health",
        )
    except StoreError:  # nothing was polled yet: the list is still worth seeing
        health = pl.DataFrame(
            schema={
                "source_id": pl.String,
                "health": pl.String,
                "failures": pl.Int32,
                "last_success_at": pl.Datetime,
                "next_due_at": pl.Datetime,
                "last_error": pl.String,
            }
        )
    frame = configured.join(health, on="source_id", how="left", maintain_order="left")
    if failing:
        frame = frame.filter(pl.col("health").is_in(["failing", "dead"]))
    show(frame, title="Sources", as_json=as_json, as_csv=as_csv, wrap=("name", "last_error"))
