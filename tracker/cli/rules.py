"""`tracker rules`: check, test, list, explain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from tracker.alerts.routing_file import load_routing
from tracker.cli.options import ConfigOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import console, errors, print_json, show
from tracker.errors import ConfigError, RuleError, TrackerError
from tracker.extract.lexicon import load_lexicon
from tracker.hardware.catalogue import load_catalogue
from tracker.ingest.sources import load_sources
from tracker.kit import names_of
from tracker.resources import data_dir
from tracker.thesis import check as checks
from tracker.thesis.rulebook import Thesis
from tracker.thesis.schema import load_thesis

app = typer.Typer(no_args_is_help=True, help="Work on the rules of a thesis.")


@app.command()
def check(as_json: JsonOption = False, config: ConfigOption = None, rules: RulesOption = None) -> None:
    """Check every file of the thesis: one line per problem with file and line. Exit code 4 when there is one."""
    dirs = settings_from(config, None, rules).rules_dirs
    problems: list[str] = []
    thesis: Thesis | None = None
    for load in (load_lexicon, load_thesis):
        try:
            loaded = load(dirs)
        except RuleError as error:
            problems.append(str(error))
        else:
            if isinstance(loaded, Thesis):
                thesis = loaded
                problems += [str(problem) for problem in loaded.problems]
    if not problems:
        problems += _routes(dirs)
    for folder in dirs:
        problems += _optional(folder)
    if as_json:
        print_json({"ok": not problems, "problems": problems, "rules": len(thesis.rules) if thesis else 0})
    else:
        for problem in problems:
            errors.print(problem, markup=False, highlight=False, soft_wrap=True)
        if thesis is not None:
            console.print(f"{len(thesis.rules)} rules, {len(thesis.claims)} claims, {len(problems)} problems")
            for claim, sides in checks.coverage(thesis).items():
                if sides["backtest"] is None and not (sides["for"] and sides["against"]):
                    missing = (
                        "confirmed or falsified"
                        if not (sides["for"] or sides["against"])
                        else "confirmed"
                        if not sides["for"]
                        else "falsified"
                    )
                    console.print(f"[yellow]{claim} cannot be {missing} by any rule[/]")
    if problems:
        raise typer.Exit(RuleError.exit_code)


def _routes(dirs: Sequence[Path]) -> list[str]:
    """What is wrong with alerts.yaml, whose names are those of a thesis and a watchlist that load."""
    try:
        load_routing(dirs, names_of(load_thesis(dirs), load_lexicon(dirs)))
    except RuleError as error:
        return [str(error)]
    return []


def _optional(folder: Path) -> list[str]:
    problems = []
    try:
        if (folder / "hardware").is_dir():
            load_catalogue(folder / "hardware")
        if (folder / "sources.yaml").exists():
            load_sources([folder / "sources.yaml"])
    except TrackerError as error:
        problems.append(str(error))
    return problems


@app.command("test")
def run_tests(as_json: JsonOption = False, config: ConfigOption = None, rules: RulesOption = None) -> None:
    """Run the inline tests of every rule. Exit code 1 when one fails, 4 when a rule is broken."""
    dirs = settings_from(config, None, rules).rules_dirs
    thesis = load_thesis(dirs)
    results = checks.run_tests(thesis, load_lexicon(dirs))
    failed = results.filter(~pl.col("ok"))
    if as_json:
        print_json(
            {"tests": results.height, "failed": failed.to_dicts(), "problems": [str(p) for p in thesis.problems]}
        )
    else:
        show(
            failed.select("where", "rule", "test", "message"),
            title="Failed",
            wrap=("message", "where"),
            empty="no test failed",
        )
        for problem in thesis.problems:
            errors.print(str(problem), markup=False, highlight=False, soft_wrap=True)
        console.print(
            f"{results.height - failed.height} passed, {failed.height} failed, {len(thesis.problems)} rules put aside"
        )
    if failed.height:
        raise typer.Exit(1)
    if thesis.problems:
        raise typer.Exit(RuleError.exit_code)


@app.command("list")
def list_rules(
    coverage: Annotated[bool, typer.Option("--coverage", help="Per claim: the rules for and against it.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """List the rules, or what of the claims they cover."""
    thesis = load_thesis(settings_from(config, None, rules).rules_dirs)
    if coverage:
        table = checks.coverage(thesis)
        if as_json:
            print_json(table)
            return
        rows = [
            {
                "claim": c,
                "text": thesis.claims[c].text,
                "for": len(s["for"]),
                "against": len(s["against"]),
                "backtest": s["backtest"] or "",
            }
            for c, s in table.items()
        ]
        show(pl.DataFrame(rows), title="Coverage", wrap=("text",))
        return
    rows = [
        {
            "rule": r.id,
            "claim": r.claim,
            "direction": "for" if r.direction > 0 else "against",
            "severity": r.severity,
            "says": r.say,
            "where": r.where,
        }
        for r in thesis.rules
    ]
    show(pl.DataFrame(rows), title="Rules", as_json=as_json, wrap=("says",))


@app.command()
def explain(
    rule_id: Annotated[str, typer.Argument(metavar="ID")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """What a rule fires on, how strongly, and what it says."""
    thesis = load_thesis(settings_from(config, None, rules).rules_dirs)
    found = next((r for r in thesis.rules if r.id == rule_id), None)
    if found is None:
        raise RuleError(f"there is no rule '{rule_id}'", hint="'tracker rules list' shows them")
    words = checks.in_words(found, thesis)
    if as_json:
        print_json(words)
        return
    for name, value in words.items():
        if value:
            console.print(f"[bold]{name}[/]: {value}", highlight=False)


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Write a folder to start a thesis of your own from: the built-in files, to be changed."""
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError("is not empty", where=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    built_in = data_dir("rules")
    for name in ("thesis.yaml", "demand.yaml", "watchlist.yaml", "lexicon.yaml"):
        (folder / name).write_text((built_in / name).read_text(encoding="utf-8"), encoding="utf-8")
    errors.print(f"{folder}: change thesis.yaml and demand.yaml, then 'tracker rules test --rules {folder}'")
