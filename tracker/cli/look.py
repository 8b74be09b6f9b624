"""Looking: signals, thesis, stories, ledger — from the published snapshot, so that the daemon is never disturbed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any

import polars as pl
import typer
from rich.table import Table

from tracker.cli.options import (
    ClaimOption,
    ConfigOption,
    CsvOption,
    DbOption,
    EntityOption,
    JsonOption,
    LimitOption,
    PictureOption,
    QuarterOption,
    RulesOption,
    settings_from,
)
from tracker.cli.output import console, print_json, show
from tracker.config import Settings
from tracker.errors import UsageError
from tracker.kit import Kit
from tracker.model_watch import RESULTS_TOLD, calendar_of
from tracker.store import open_snapshot, query

_SIGNALS = """
SELECT signal_id, effective_at, claim, CASE direction WHEN 1 THEN 'for' ELSE 'against' END AS direction, severity,
       round(strength, 2) AS strength, round(confidence, 2) AS confidence, entity, racks_base AS racks,
       explanation, review
FROM v_signals
WHERE ($claim IS NULL OR claim = $claim) AND ($entity IS NULL OR entity = $entity)
  AND ($since IS NULL OR effective_at >= $since::TIMESTAMPTZ)
  AND ($direction IS NULL OR direction = $direction)
ORDER BY effective_at DESC, signal_id LIMIT $limit
"""

_THESIS = """
WITH history AS (
  SELECT claim, as_of, probability, lag(probability) OVER (PARTITION BY claim ORDER BY as_of) AS before
  FROM conviction
), moved AS (
  SELECT claim, arg_max(probability, as_of) AS probability, arg_max(before, as_of) AS before, max(as_of) AS as_of
  FROM history GROUP BY claim
)
SELECT m.claim, m.probability, m.probability - coalesce(m.before, m.probability) AS change, l.evidence_for,
       l.evidence_against, l.stage, l.drivers_for, l.drivers_against, m.as_of
FROM moved m JOIN v_latest_conviction l USING (claim) ORDER BY m.claim
"""


_SIDE = """
SELECT s.effective_at, s.explanation, f.quote, coalesce(d.source, 'hardware model') AS source, d.url,
       round(s.strength * s.confidence, 2) AS weight, s.racks_base AS racks, s.signal_id
FROM v_signals s LEFT JOIN facts f ON f.fact_id = s.fact_ids[1] LEFT JOIN documents d ON d.doc_id = s.doc_ids[1]
WHERE s.claim = $claim AND s.direction = $direction AND coalesce(s.review, '') <> 'reject'
ORDER BY s.strength * s.confidence
         * exp(-0.693 * greatest(0, date_diff('day', s.effective_at, now())) / 180.0) DESC, s.signal_id LIMIT 5
"""


def signals(
    claim: ClaimOption = None,
    entity: EntityOption = None,
    direction: Annotated[str | None, typer.Option(help="for or against.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this day on, e.g. 2026-11-01.")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Signals, newest first: which claim moved, which way, why."""
    if direction not in (None, "for", "against"):
        raise typer.BadParameter("is 'for' or 'against'", param_hint="--direction")
    frame = query(
        open_snapshot(settings_from(config, db).store.path),
        _SIGNALS,
        {
            "claim": claim,
            "entity": entity,
            "since": since,
            "limit": limit,
            "direction": {None: None, "for": 1, "against": -1}[direction],
        },
    )
    show(frame, title="Signals", as_json=as_json, as_csv=as_csv, wrap=("explanation",), empty="no signals yet")


def thesis(
    claim: Annotated[str | None, typer.Argument(metavar="CLAIM", help="Both sides of one claim, e.g. D1.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Conviction per claim: probability, last change, top drivers both ways; with a CLAIM both sides of it."""
    settings = settings_from(config, db, rules)
    connection = open_snapshot(settings.store.path)
    if claim is not None:
        _both_sides(connection, settings, claim, as_json)
        return
    frame = query(connection, _THESIS)
    why = dict(query(connection, "SELECT signal_id, explanation FROM signals").iter_rows())
    rows = [_claim_row(row, why) for row in frame.iter_rows(named=True)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print("no conviction yet: nothing was scored")
        return
    _conviction_table(rows)


def _both_sides(connection: Any, settings: Settings, name: str, as_json: bool) -> None:
    """Strongest evidence for and against, what would falsify the claim, what is due and what is overdue."""
    kit = Kit.load(settings.rules_dirs)
    about = kit.thesis.claims.get(name)
    if about is None:
        raise UsageError(f"there is no claim '{name}'", hint=f"claims: {', '.join(kit.thesis.claims)}")
    now = datetime.now(UTC)
    sides = {
        side: query(connection, _SIDE, {"claim": name, "direction": sign})
        for side, sign in (("for", 1), ("against", -1))
    }
    due = calendar_of(query(connection, RESULTS_TOLD, {"now": now}), kit, now).filter(
        pl.col("claims").list.contains(name)
    )
    due = due.filter((pl.col("overdue_days") > 0) | (pl.col("due") >= now.date())).head(8)
    standing = query(connection, "SELECT * FROM v_latest_conviction WHERE claim = $claim", {"claim": name})
    if as_json:
        print_json(
            {
                "claim": name, "text": about.text, "text_zh": about.text_zh,
                "prior": 1 / (1 + math.exp(-about.prior)), "conviction": standing.to_dicts(),
                "for": sides["for"].to_dicts(), "against": sides["against"].to_dicts(),
                "strengthened_by": about.strengthened_by, "falsified_by": about.falsified_by, "due": due.to_dicts(),
            }
        )  # fmt: skip
        return
    console.print(f"[bold]{name}[/] {about.text}", highlight=False)
    if standing.height:
        row = standing.row(0, named=True)
        stage = f", stage {row['stage']}" if row["stage"] else ""
        console.print(
            f"probability {row['probability']:.0%} from {1 / (1 + math.exp(-about.prior)):.0%} before evidence{stage}"
        )
    for side, frame in sides.items():
        console.print(f"[bold]Strongest {side}[/]" + ("" if frame.height else ": nothing yet"))
        for row in frame.iter_rows(named=True):
            racks = f", {row['racks']:,.0f} racks" if row["racks"] else ""
            console.print(f"  {row['effective_at']:%Y-%m-%d} {row['explanation']}", highlight=False, markup=False)
            console.print(f"    {row['source']}{racks}, {row['signal_id']}", style="dim", highlight=False, markup=False)
    console.print(f"[bold]Would falsify it:[/] {about.falsified_by or 'nothing is stated'}", highlight=False)
    show(due.select("due", "entity", "what", "overdue_days"), title="Due and overdue", empty="nothing is due")


def _conviction_table(rows: list[dict[str, Any]]) -> None:
    table = Table(title="Thesis", title_justify="left", header_style="bold")
    for name in ("claim", "probability", "change", "stage", "strongest for", "strongest against"):
        table.add_column(name, justify="right" if name in {"probability", "change"} else "left")
    for row in rows:
        change = row["change"]
        colour = "green" if change > 0.0005 else "red" if change < -0.0005 else "dim"
        table.add_row(
            row["claim"],
            f"{row['probability']:.0%}",
            f"[{colour}]{change:+.1%}[/]",
            row["stage"] or "",
            (row["drivers_for"] or [{"why": ""}])[0]["why"],
            (row["drivers_against"] or [{"why": ""}])[0]["why"],
        )
    console.print(table)


def _claim_row(row: dict[str, Any], why: dict[str, str]) -> dict[str, Any]:
    for side in ("drivers_for", "drivers_against"):
        row[side] = [{"signal_id": one, "why": why.get(one, "")} for one in row[side] or []]
    return row


def stories(
    limit: LimitOption = 30,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Clusters of near-duplicate documents: one story, however often it was printed."""
    frame = query(
        open_snapshot(settings_from(config, db).store.path),
        "SELECT story_id, first_seen, n_documents, n_sources, title FROM stories "
        "ORDER BY first_seen DESC, story_id LIMIT $limit",
        {"limit": limit},
    )
    show(frame, title="Stories", as_json=as_json, as_csv=as_csv, wrap=("title",))


def ledger(
    quarter: QuarterOption = None,
    picture: PictureOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Demand beside supply per quarter and link, in NVL72-equivalent racks."""
    frame = query(
        open_snapshot(settings_from(config, db).store.path),
        "SELECT quarter, link, side, racks_low, racks_base, racks_high, method, inputs FROM v_ledger "
        "WHERE $quarter IS NULL OR quarter = $quarter ORDER BY quarter, link, side",
        {"quarter": quarter},
    )
    if picture is not None:
        from tracker.hardware.pictures import ledger_bars  # matplotlib takes half a second to load

        ledger_bars(frame, picture)
    if not (as_json or as_csv):
        frame = frame.drop("inputs", "method")
    show(frame, title="Ledger (NVL72-equivalent racks)", as_json=as_json, as_csv=as_csv, empty="no ledger yet")


def facts(
    kind: Annotated[str | None, typer.Option(help="Only this kind, e.g. capex.")] = None,
    entity: EntityOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Facts, newest first, each with the sentence it rests on."""
    frame: pl.DataFrame = query(
        open_snapshot(settings_from(config, db).store.path),
        "SELECT fact_id, published_at, kind, entity, product, value_low, value_high, unit, currency, period, basis, "
        "direction, racks_base AS racks, quote FROM v_facts "
        "WHERE ($kind IS NULL OR kind = $kind) AND ($entity IS NULL OR entity = $entity) "
        "ORDER BY published_at DESC, fact_id LIMIT $limit",
        {"kind": kind, "entity": entity, "limit": limit},
    )
    show(frame, title="Facts", as_json=as_json, as_csv=as_csv, wrap=("quote",))
