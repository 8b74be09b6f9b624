"""Product ids of the built-in lexicon with their family, for callers that bring no lexicon of their own."""

from __future__ import annotations

from functools import cache

from tracker.resources import data_dir
from tracker.yaml_files import load


@cache
def built_in_families() -> dict[str, str]:
    """Product id -> family of `rules/lexicon.yaml`."""
    return {row["id"]: row["family"] for row in load(data_dir("rules") / "lexicon.yaml").data["products"]}


@cache
def built_in_terms() -> tuple[tuple[str, str], ...]:
    """(term, product id) of `rules/lexicon.yaml`, longest term first."""
    rows = load(data_dir("rules") / "lexicon.yaml").data["products"]
    pairs = [(str(term), row["id"]) for row in rows for term in row["terms"]]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


@cache
def built_in_entities() -> tuple[tuple[str, str, str], ...]:
    """(name or alias, entity id, layer) of `rules/watchlist.yaml`, longest first."""
    rows = load(data_dir("rules") / "watchlist.yaml").data["entities"]
    found = [(str(n), r["id"], r["layer"]) for r in rows for n in {r["id"], r["name"], *r.get("aliases", ())}]
    return tuple(sorted(found, key=lambda row: -len(row[0])))
