"""Parsers by kind of source: pure functions from bytes to items, links and figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tracker.ingest.formats import csv_table, edgar, feed, html_list, json_api, sitemap, xbrl
from tracker.ingest.formats.types import Parsed

Parser = Callable[..., Parsed]

PARSERS: Final[dict[str, Parser]] = {
    "rss": feed.parse,
    "atom": feed.parse,
    "json_feed": json_api.parse_feed,
    "json_api": json_api.parse,
    "edgar_submissions": edgar.parse_submissions,
    "edgar_getcurrent": edgar.parse_getcurrent,
    "xbrl_companyfacts": xbrl.parse,
    "html_list": html_list.parse,
    "csv": csv_table.parse,
    "sitemap": sitemap.parse,
}
NEEDS_ISSUERS: Final = frozenset({"edgar_submissions", "edgar_getcurrent", "xbrl_companyfacts"})


def parser_for(kind: str, issuers: Any) -> Parser:
    """The parser of a kind; those of the SEC's formats are given the watchlist's filers."""
    parser = PARSERS[kind]
    return partial(parser, issuers=issuers) if kind in NEEDS_ISSUERS else parser
