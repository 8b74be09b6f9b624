"""Options every command shares, declared once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from tracker.config import Settings, find_config, load_settings

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file; else $TRACKER_CONFIG, else ./tracker.toml.", metavar="F"),
]
DbOption = Annotated[Path | None, typer.Option("--db", help="Database file, over the configuration.", metavar="PATH")]
RulesOption = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="Folder of a thesis; repeat to lay one over another.", metavar="DIR"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Comma-separated output.")]
EntityOption = Annotated[str | None, typer.Option("--entity", help="Only this entity, e.g. NVDA.")]
ClaimOption = Annotated[str | None, typer.Option("--claim", help="Only this claim, e.g. D1.")]
PictureOption = Annotated[Path | None, typer.Option("--picture", help="Draw it into this SVG or PNG.", metavar="FILE")]
QuarterOption = Annotated[str | None, typer.Option("--quarter", help="Only this quarter, e.g. CY2026Q1.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, help="Rows at most.")]


def settings_from(config: Path | None, db: Path | None = None, rules: list[Path] | None = None) -> Settings:
    """Settings of this call: file, environment, then what was said on the command line."""
    overrides: dict[str, dict[str, Any]] = {}
    if db is not None:
        overrides["store"] = {"path": db}
    if rules:
        overrides["rules"] = {"dirs": rules}
    return load_settings(find_config(config), overrides=overrides)


def day(text: str, option: str) -> date:
    """A day of the command line; says how to write one."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is not a day; write it as 2027-03-18", param_hint=option) from error
