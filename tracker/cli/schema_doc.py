"""Writes docs/schema.md from the database's own comments: `python -m tracker.cli.schema_doc > docs/schema.md`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tracker.store import Store


def schema_markdown() -> str:
    """Tables with their columns, then views and macros."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "s.duckdb") as store:
        tables = store.read("SELECT table_name, comment FROM duckdb_tables() ORDER BY table_name")
        columns = store.read(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() ORDER BY table_name, column_index"
        )
        views = store.read("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name")
        macros = store.read(
            "SELECT function_name, parameters FROM duckdb_functions() "
            "WHERE function_type = 'table_macro' AND NOT internal ORDER BY function_name"
        )
    lines = [
        "# Tables and views",
        "",
        "Generated from the database's own comments (`COMMENT ON`); any SQL client shows them too.",
        "",
    ]
    for name, comment in tables.iter_rows():
        lines += [f"## {name}", "", f"{comment}.", "", "| column | type | holds |", "|---|---|---|"]
        own = columns.filter(columns["table_name"] == name)
        lines += [f"| `{c}` | {t} | {text} |" for _, c, t, text in own.iter_rows()]
        lines.append("")
    lines += ["## Views", "", ", ".join(f"`{v}`" for v in views["view_name"]), "", "## Time travel", ""]
    lines += [f"- `{name}({', '.join(parameters)})`" for name, parameters in macros.iter_rows()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_markdown())
