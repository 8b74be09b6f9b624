"""`tracker model scaling | interconnect | scenario`: trends, media, and what would be if."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from tracker.cli.model import catalogue_of, interconnect_of
from tracker.cli.model_bill import bill_command
from tracker.cli.model_ledger import flows, installed, model_of, why
from tracker.cli.options import ConfigOption, DbOption, JsonOption, PictureOption, RulesOption, day, settings_from
from tracker.cli.output import console, print_json, progress, show
from tracker.errors import UsageError
from tracker.hardware.catalogue import REFERENCE, Catalogue
from tracker.hardware.interconnect import (
    copper_boundary,
    fabric,
    ratios,
    step_times,
)
from tracker.hardware.scaling import CONFIDENCE, LEADER, doubling_times, follower_lags, points, projection
from tracker.hardware.scenario import Outcome, changed_model, load_scenario, run_scenario, tornado


def draw_scaling(catalogue: Catalogue, path: Path, metric: str) -> None:
    """The scaling plot of a figure; says which figures there are when the name is none of them."""
    from tracker.hardware.pictures import scaling_plot  # matplotlib takes half a second to load
    from tracker.pictures import check_name

    known = points(catalogue)
    names = known["metric"].unique().sort().to_list()
    if metric not in names:
        raise typer.BadParameter(f"'{metric}' is not one of {', '.join(names)}", param_hint="--metric")
    check_name(path)
    scaling_plot(known, path, metric=metric)


def scaling(
    on: Annotated[
        str | None, typer.Option("--on", help="Also project a generation that first ships on this day.", metavar="DATE")
    ] = None,
    picture: PictureOption = None,
    metric: Annotated[str, typer.Option(help="Which figure to draw.", metavar="NAME")] = "hbm_bandwidth_tb_s",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """How fast a scale-up domain grows against one accelerator, and how far each follower is behind."""
    catalogue = catalogue_of(settings_from(config, None, rules))
    fits, lags = doubling_times(catalogue), follower_lags(catalogue)
    when = day(on, "--on") if on else None
    if picture is not None:
        draw_scaling(catalogue, picture, metric)
    ahead = [
        {"metric": metric, "on": when, "low": band[0], "base": band[1], "high": band[2]}
        for metric in (fits.filter(pl.col("level") == "domain")["metric"].to_list() if when else ())
        if when and (band := projection(catalogue, metric, when)) is not None
    ]
    if as_json:
        print_json({"doubling": fits.to_dicts(), "lags": lags.to_dicts(), "projection": ahead})
        return
    shown = ["metric", "level", "systems", "planned", "doubling_months", "doubling_low", "doubling_high"]
    show(fits.select(shown), title=f"Doubling time in months ({CONFIDENCE:.0%} interval), {LEADER}")
    lags = lags.select("system", "metric", "at", "leader", "leader_at", "by", "lag_months")
    show(lags, title=f"Months behind {LEADER} at the same size of domain")
    if ahead:
        show(pl.DataFrame(ahead), title=f"A generation that first ships on {when} ({CONFIDENCE:.0%} band)")


def interconnect(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Whose ports to reckon with.")] = REFERENCE,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """How far copper reaches at each lane rate, what optics would cost instead, and what a larger domain buys."""
    settings = settings_from(config, None, rules)
    catalogue, net = catalogue_of(settings), interconnect_of(settings)
    name = catalogue.resolve(system)
    made = {
        "copper": copper_boundary(net),
        "fabric": fabric(net, catalogue, name),
        "step_times": step_times(net, catalogue, name),
        "ratios": ratios(catalogue),
    }
    if as_json:
        print_json({"system": name, **{key: frame.to_dicts() for key, frame in made.items()}})
        return
    show(made["copper"], title="Copper in one rack: reach in metres and accelerators it can join, by lane rate")
    show(
        made["fabric"].select("medium", "kw_base", "share_of_power", "usd_base", "share_of_price"),
        title=f"The scale-up links of {name} in each medium",
    )
    show(
        made["step_times"].select("workload", "domain", "ms_low", "ms_base", "ms_high", "speedup"),
        title="Milliseconds a step of communication by size of domain (64 ranks)",
    )
    show(made["ratios"], title="Scale-up to scale-out bandwidth of one accelerator")


def scenario(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario; examples in docs/examples/scenarios/.")],
    quarter: Annotated[str | None, typer.Option(help="Quarter of the tornado, e.g. CY2026Q4.")] = None,
    link: Annotated[str | None, typer.Option(help="Link of the tornado; else the tightest one.")] = None,
    picture: PictureOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """What changes in ledger, tightest link and bill of materials if; and which input the gap hangs on most."""
    settings = settings_from(config, db, rules)
    read = load_scenario(file)
    if picture is not None:
        from tracker.pictures import check_name

        check_name(picture)
    model = model_of(settings)
    made = run_scenario(model, read)
    when, where = _place(made, quarter or read.quarter, link)
    changed, alter = changed_model(model, read)
    swings = pl.DataFrame()
    with progress() as bar:
        task = bar.add_task("sensitivities", total=None)
        for done, total, so_far in tornado(changed, when, where, alter=alter):
            bar.update(task, completed=done, total=total)
            swings = so_far
    if picture is not None:
        from tracker.hardware.pictures import tornado_plot

        tornado_plot(swings, picture, title=f"{read.name}: gap of {where} in {when}")
    if as_json:
        print_json(
            {
                "name": read.name, "ledger": made.rows.to_dicts(), "tightest": made.tightest.to_dicts(),
                "items": made.items.to_dicts(), "quarter": when, "link": where, "tornado": swings.to_dicts(),
            }
        )  # fmt: skip
        return
    console.print(f"[bold]{read.name}[/]  {read.why}")
    show(made.rows, title="Ledger rows that move (racks)", empty="no row of the ledger moves")
    show(made.tightest, title="The tightest link")
    reference = made.items.filter(pl.col("system") == REFERENCE).drop("system")
    show(reference, title=f"Bill of {REFERENCE}", empty=f"the bill of {REFERENCE} stays")
    show(swings, title=f"What the gap of {where} in {when} hangs on (racks)")


def _place(made: Outcome, quarter: str | None, link: str | None) -> tuple[str, str]:
    """Quarter and link of the tornado: what was asked for, else the last quarter with a tightest link."""
    tight = made.after.tightest
    if tight.is_empty() and (quarter is None or link is None):
        raise UsageError("no quarter has both sides of two links", hint="name a --quarter and a --link")
    when = quarter or str(tight["quarter"].max())
    named = tight.filter(pl.col("quarter") == when)
    if link is None and named.is_empty():
        known = ", ".join(tight["quarter"])
        raise UsageError(f"no tightest link in {when}", hint=f"quarters: {known}; or name a --link")
    return when, link or str(named.item(0, "link"))


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `tracker model`."""
    for command in (scaling, interconnect, scenario, flows, installed, why):
        app.command()(command)
    app.command("bill")(bill_command)
