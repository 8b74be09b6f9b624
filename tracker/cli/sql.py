"""`tracker sql`: questions to the published snapshot; the daemon never notices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from tracker.cli.options import ConfigOption, CsvOption, DbOption, JsonOption, settings_from
from tracker.cli.output import console, errors, show
from tracker.errors import StoreError
from tracker.store import open_snapshot, query


def sql(
    question: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="SQL; without it an interactive shell.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", metavar="F", help="Write the result to a Parquet file.")
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """Ask the database in SQL, read-only, also while the daemon runs.

    Reads the snapshot the daemon publishes (`public/signals.duckdb` beside the store). `SHOW ALL TABLES` lists what is
    there; every table and column carries a comment.
    """
    connection = open_snapshot(settings_from(config, db).store.path)
    if question is None:
        _shell(connection)
        return
    frame = query(connection, question)
    if parquet is not None:
        try:
            frame.write_parquet(parquet)
        except OSError as error:
            raise StoreError(f"cannot be written: {error.strerror}", where=str(parquet)) from error
        errors.print(f"{frame.height:,} rows written to {parquet}")
        return
    show(frame, as_json=as_json, as_csv=as_csv, wrap=frame.columns, empty="no rows")


def _shell(connection: duckdb.DuckDBPyConnection) -> None:
    """Read statements until end of input; a statement ends with a semicolon."""
    interactive = sys.stdin.isatty()
    if interactive:
        console.print("Read-only. A statement ends with ; and Ctrl-D leaves. Try: SHOW ALL TABLES;")
    statement = ""
    while True:
        try:
            statement += input(("tracker> " if not statement else "    ...> ") if interactive else "") + "\n"
        except EOFError:
            break
        if not statement.strip().endswith(";"):
            continue
        _answer(connection, statement)
        statement = ""
    if statement.strip():
        _answer(connection, statement)


def _answer(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    try:
        frame = query(connection, statement)
    except StoreError as error:
        errors.print(str(error), markup=False)
    else:
        show(frame, wrap=frame.columns, empty="no rows")
