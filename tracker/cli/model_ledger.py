"""`tracker model flows | installed | why`: what stands behind the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from tracker.cli.model import catalogue_of, hardware_folder, interconnect_of, ledger_rules_of
from tracker.cli.options import ConfigOption, DbOption, JsonOption, QuarterOption, RulesOption, day, settings_from
from tracker.cli.output import console, print_json, show
from tracker.config import Settings
from tracker.errors import UsageError
from tracker.extract.lexicon import load_lexicon
from tracker.hardware.catalogue import checked_files
from tracker.hardware.demand import shares_of_demand
from tracker.hardware.ledger import installed_base
from tracker.hardware.provenance import explain
from tracker.hardware.reconcile import reconcile
from tracker.hardware.scenario import Model
from tracker.model_watch import COUNTED, counted_facts
from tracker.store import open_snapshot, query
from tracker.vocabulary import SCORED_FACTS_SCHEMA, empty

_FACTS = "SELECT f.*, d.url FROM v_facts f LEFT JOIN documents d USING (doc_id) WHERE f.racks_base IS NOT NULL"


def model_of(settings: Settings, as_of: datetime | None = None) -> Model:
    """The model as it is, or was known at a moment: the catalogue's files and, where there is a database, its facts."""
    facts = empty(SCORED_FACTS_SCHEMA)
    if Path(settings.store.path).exists():
        facts = counted_facts(query(open_snapshot(settings.store.path), COUNTED))
    folder = hardware_folder(settings)
    return Model(
        data={name: f.data for name, f in checked_files(folder).items()},
        rules=ledger_rules_of(settings, catalogue_of(settings)),
        net=interconnect_of(settings),
        facts=facts,
        entities=load_lexicon(settings.rules_dirs).entities,
        as_of=as_of or datetime.now(UTC),
    )


def flows(
    quarter: QuarterOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """The same racks seen at several points (buyers, ODMs, the leader, shipments): how far the views lie apart."""
    model = model_of(settings_from(config, db, rules))
    catalogue = model.catalogue()
    shares = shares_of_demand(
        model.facts, catalogue.supply, catalogue, model.as_of, entities=model.entities, rules=model.rules
    )
    seen = reconcile(shares, model.ledger().ledger, model.entities)
    if quarter is not None:
        seen = seen.filter(pl.col("quarter") == quarter)
    if not as_json:
        seen = seen.drop("inputs")
    show(seen, title="One flow of racks at several points", as_json=as_json, empty="no quarter has two views")


def installed(
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Racks in the field by quarter: what was supplied less what has retired after its life."""
    model = model_of(settings_from(config, db, rules))
    frame = installed_base(model.ledger().ledger, model.rules.life_quarters)
    title = f"Installed base, racks (a rack leaves after {model.rules.life_quarters} quarters)"
    show(frame, title=title, as_json=as_json, empty="no supply of racks is known")


def why(
    quarter: Annotated[str, typer.Argument(metavar="QUARTER", help="A quarter of the ledger, e.g. CY2026Q3.")],
    link: Annotated[
        str, typer.Argument(metavar="LINK", help="A link of it, e.g. power; racks for what buyers want.")
    ] = "racks",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The ledger as it was known on this day.", metavar="DATE")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Where the two numbers of a quarter and link come from: every fact with its sentence, every figure with its source."""
    settings = settings_from(config, db, rules)
    moment = datetime.combine(day(as_of, "--as-of"), time(), UTC) if as_of else None
    model = model_of(settings, moment)
    made = model.ledger()
    rows = made.ledger.filter((pl.col("quarter") == quarter) & (pl.col("link") == link))
    if rows.is_empty():
        known = ", ".join(made.ledger["quarter"].unique().sort())
        raise UsageError(
            f"the ledger has no {link} in {quarter}", hint=f"links: {_links(made.ledger)}; quarters: {known}"
        )
    parts = made.attribution.filter(
        (pl.col("quarter") == quarter) & (pl.col("link") == link) & (pl.col("side") == "demand")
    ).select("input", "entity", "racks_low", "racks_base", "racks_high")
    named = [name for names in rows["inputs"] for name in names]
    told = explain(named, model.catalogue(), model.rules, _told_facts(settings), model.as_of)
    if as_json:
        print_json({"ledger": rows.to_dicts(), "parts": parts.to_dicts(), "inputs": told.to_dicts()})
        return
    for row in rows.iter_rows(named=True):
        console.print(
            f"[bold]{row['side']}[/] {row['racks_base']:,.0f} racks ({row['racks_low']:,.0f} to {row['racks_high']:,.0f}): "
            f"{row['method']}",
            highlight=False,
        )
    show(parts, title="Parts of the demand (racks)", empty="the demand of this link is that of the racks it goes into")
    show(told, title="What it rests on", wrap=("says", "source"))


def _links(ledger: pl.DataFrame) -> str:
    return ", ".join(ledger["link"].unique().sort())


def _told_facts(settings: Settings) -> pl.DataFrame:
    """Stored facts with the address of their document; none where there is no database."""
    if Path(settings.store.path).exists():
        return query(open_snapshot(settings.store.path), _FACTS)
    return empty(SCORED_FACTS_SCHEMA).with_columns(url=pl.lit(None, dtype=pl.String))
