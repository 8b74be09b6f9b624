"""`tracker model`: the hardware model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from tracker.cli.options import ConfigOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import console, print_json, show
from tracker.config import Settings
from tracker.errors import RuleError
from tracker.hardware.catalogue import Catalogue, load_catalogue, show_system
from tracker.hardware.check import check as run_check
from tracker.hardware.check import failed
from tracker.hardware.convert import convert as run_convert
from tracker.hardware.cross_check import cross_checks
from tracker.hardware.equivalents import EQUIVALENT_BY
from tracker.hardware.interconnect import Interconnect, load_interconnect
from tracker.hardware.ledger_rules import LedgerRules, load_ledger_rules
from tracker.resources import data_dir

app = typer.Typer(no_args_is_help=True, help="The model of rack-scale hardware.")


def hardware_folder(settings: Settings) -> Path:
    """The catalogue's folder: of the last thesis that brings one, else the built-in one."""
    folders = [d / "hardware" for d in reversed(settings.rules_dirs) if (d / "hardware").is_dir()]
    return folders[0] if folders else Path(data_dir("rules")) / "hardware"


def catalogue_of(settings: Settings) -> Catalogue:
    """The catalogue this call works with."""
    return load_catalogue(hardware_folder(settings))


def interconnect_of(settings: Settings) -> Interconnect:
    """The interconnect figures this call works with: the folder's own, else the built-in ones."""
    own = hardware_folder(settings) / "interconnect.yaml"
    return load_interconnect(own if own.exists() else None)


def ledger_rules_of(settings: Settings, catalogue: Catalogue) -> LedgerRules:
    """The ledger's settings this call works with; RuleError for a generation that is no system of the catalogue."""
    own = hardware_folder(settings) / "ledger.yaml"
    rules = load_ledger_rules(own if own.exists() else None)
    for mix in rules.mixes:
        for system in mix.shares:
            if system not in catalogue.raw:
                known = ", ".join(catalogue.raw)
                raise RuleError(
                    f"generations of {mix.year}: unknown system '{system}'", where=mix.where, hint=f"known: {known}"
                )
    return rules


@app.command()
def convert(
    quantity: Annotated[
        str, typer.Argument(help='What to convert: "1 GW", "$3.5B of GB200 NVL72 racks", "30万片 CoWoS".')
    ],
    system: Annotated[str | None, typer.Option(help="System to convert with, e.g. gb300_nvl72.", metavar="ID")] = None,
    by: Annotated[
        str, typer.Option("--by", help="What makes racks of two systems equal: accelerators, fp8, fp4 or hbm.")
    ] = "accelerators",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """Turn a quantity into NVL72-equivalent racks: low, base and high, with the path and its factors."""
    if by not in EQUIVALENT_BY:
        raise typer.BadParameter(f"'{by}' is not one of {', '.join(EQUIVALENT_BY)}", param_hint="--by")
    result = run_convert(quantity, catalogue_of(settings_from(config, None, rules)), system=system, by=by).as_dict()
    if as_json:
        print_json(result)
        return
    console.print(
        f"[bold]{result['racks_base']:,.0f}[/] NVL72-equivalent racks "
        f"({result['racks_low']:,.0f} to {result['racks_high']:,.0f}) with {result['system']}"
    )
    if result["years"]:
        console.print(f"over {result['years']:g} years: {result['racks_per_quarter_base']:,.0f} a quarter")
    console.print(str(result["method"]), highlight=False)
    if result["inputs"]:
        console.print(result["inputs"])


@app.command()
def check(
    crosscheck: Annotated[
        bool, typer.Option("--cross", help="Also compare with published totals (not fitted).")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """Reproduce every golden number from the catalogue. Exit code 1 on a miss."""
    settings = settings_from(config, None, rules)
    catalogue = catalogue_of(settings)
    interconnect_of(settings)  # its mistakes are told like those of the catalogue, and the ledger's
    ledger_rules_of(settings, catalogue)
    results = run_check(catalogue)
    misses = failed(results)
    if as_json:
        answer: dict[str, Any] = {"golden": results.to_dicts(), "failed": misses.height}
        if crosscheck:
            answer["cross_checks"] = cross_checks(catalogue).to_dicts()
        print_json(answer)
    else:
        columns = [
            c
            for c in ("id", "statement", "expected", "computed", "diff_pct", "tolerance_pct", "ok", "note")
            if c in results.columns
        ]
        show(results.select(columns), title="Golden numbers", wrap=("statement", "note"))
        if crosscheck:
            compared = cross_checks(catalogue).select(
                "statement", "model_low", "model", "model_high", "published", "unit", "ratio",
                reason=pl.when(pl.col("off")).then(pl.col("reason")).otherwise(pl.lit("")),
            )  # fmt: skip
            show(compared, title="Published totals (not fitted)", wrap=tuple(compared.columns))
        met = results.filter(pl.col("ok").fill_null(False))
        built, excused = met["by_construction"].sum(), results["ok"].null_count()
        console.print(
            f"{met.height - built} of {results.height} reproduced, {built} met by construction, {excused} known but not "
            f"reproduced, {misses.height} missed"
        )
    if misses.height:
        raise typer.Exit(1)


@app.command("show")
def show_command(
    system: Annotated[str | None, typer.Argument(metavar="SYSTEM")] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the rack into this SVG or PNG.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """Every catalogue and derived figure of a system; without one, the list of systems."""
    catalogue = catalogue_of(settings_from(config, None, rules))
    if system is None:
        columns = [
            c
            for c in ("id", "name", "vendor", "announced", "accelerators", "scale_up_domain_size")
            if c in catalogue.systems.columns
        ]
        show(catalogue.systems.select(columns), title="Systems", as_json=as_json)
        return
    figures = show_system(catalogue, system)
    if picture is not None:
        from tracker.hardware.pictures import rack_diagram  # matplotlib takes half a second to load

        rack_diagram(figures, picture)
    if as_json:
        print_json(figures)
        return
    rows = [
        {"figure": k, "value": str(v)}
        for k, v in figures.items()
        if v is not None and k not in ("sources", "field_sources")
    ]
    show(pl.DataFrame(rows), title=str(figures.get("name", system)), wrap=("value",))
