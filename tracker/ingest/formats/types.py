"""What every parser returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from tracker.vocabulary import FACTS_SCHEMA, SERIES_SCHEMA, empty

Issuers = Mapping[int, tuple[str, int]]  # CIK -> (watchlist id, month in which the fiscal year ends)


@dataclass(frozen=True)
class Item:
    """One publication: an entry of a feed, a row of a list, a filing, an article."""

    url: str
    title: str
    published_at: datetime | None
    text: str
    lang: str | None = None
    entity: str | None = None  # issuer (watchlist id), when the format knows it
    guid: str | None = None
    author: str | None = None


@dataclass(frozen=True)
class Link:
    """A page that belongs to an item and has to be fetched to read it. `item` carries what is known already."""

    url: str
    kind: str  # article | filing_index | filing
    item: Item


@dataclass(frozen=True)
class Parsed:
    """Items, links still to follow, structured figures, and what could not be read (told for a person)."""

    items: list[Item] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    series: pl.DataFrame = field(default_factory=lambda: empty(SERIES_SCHEMA))
    facts: pl.DataFrame = field(default_factory=lambda: empty(FACTS_SCHEMA))
    problems: list[str] = field(default_factory=list)
