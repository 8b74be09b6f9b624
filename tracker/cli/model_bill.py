"""`tracker model bill`: what a number of racks is made of, with the percentiles of the Monte Carlo."""

from __future__ import annotations

from typing import Annotated

import polars as pl
import typer

from tracker.cli.model import catalogue_of
from tracker.cli.options import ConfigOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import show
from tracker.hardware.bom import bill, demand
from tracker.hardware.catalogue import REFERENCE
from tracker.hardware.uncertainty import percentiles, sample_bill

ENDS = ("low", "base", "high", "p5", "p50", "p95")


def bill_command(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="A system, by id or name.")] = REFERENCE,
    count: Annotated[float, typer.Option(help="How many of them.", min=0)] = 1.0,
    draws: Annotated[int, typer.Option(help="Draws of the Monte Carlo.", min=100, max=10_000_000)] = 100_000,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """What systems are made of: chips, wafers, memory, cables, optics, cooling, power, floor and dollars by layer.

    Low and high hold every factor at its extreme at once; p5 to p95 is where nine draws of ten lie, with factors of one
    cause drawn together.
    """
    catalogue = catalogue_of(settings_from(config, None, rules))
    name = catalogue.resolve(system)
    whole = bill(catalogue).filter(pl.col("system") == name)
    items = demand(pl.DataFrame({"system": [name], "count": [count]}), whole)
    drawn = percentiles(sample_bill(catalogue, [name], draws)).with_columns(pl.col("p5", "p50", "p95") * count)
    made = (
        whole.select("item", "layer", "path")
        .join(items, on="item", maintain_order="left")
        .join(drawn.drop("system"), on="item", how="left", maintain_order="left")
        .select("item", "unit", *ENDS, "layer", "path")
    )
    if not as_json:
        made = made.drop("layer", "path")
    show(made, title=f"{count:,.6g} x {catalogue.raw[name]['name']}", as_json=as_json)
