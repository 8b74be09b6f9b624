"""EDGAR: what an issuer filed, and which document of a filing says it.

Three shapes: the submissions JSON of one filer, the getcurrent Atom feed of all filers, and the index page of one
filing. The first two name filings (as links to their index), the index names the documents worth reading: the press
release (EX-99.1) of an 8-K, the exhibits of a 6-K, the main document of a 10-Q, 10-K or 20-F.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

import feedparser
import polars as pl
from selectolax.lexbor import LexborHTMLParser

from tracker.ingest.formats.article import whole_page
from tracker.ingest.formats.ixbrl import has_inline_figures, read_inline
from tracker.ingest.formats.types import Issuers, Item, Link, Parsed
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.dates import parse_date
from tracker.vocabulary import FACTS_SCHEMA, empty

FORMS: Final = ("8-K", "6-K", "10-Q", "10-K", "20-F")
ARCHIVES: Final = "https://www.sec.gov/Archives/edgar/data"
MAX_FILINGS: Final = 40


def parse_submissions(
    body: bytes,
    source: Source,
    *,
    url: str,
    fetched_at: datetime,
    charset: str | None = None,
    issuers: Issuers | None = None,
) -> Parsed:
    """Filings of one filer, newest first, as links to their index pages; a title-only item each when not followed.

    Options: `forms` (default 8-K, 6-K, 10-Q, 10-K, 20-F), `archives` (base address), `follow`.
    """
    try:
        answer: dict[str, Any] = json.loads(decode(body, charset))
        cik = int(answer.get("cik") or _cik_of(url))
        recent = answer["filings"]["recent"] if "filings" in answer else answer
        count = len(recent["accessionNumber"])
    except (ValueError, KeyError, TypeError) as error:
        return Parsed(problems=[f"{url}: not a submissions answer: {error!r}"])
    entity = (issuers or {}).get(cik, (source.issuer, 12))[0]
    forms = tuple(source.options.get("forms", FORMS))
    name = str(answer.get("name") or entity or cik)
    base = str(source.options.get("archives", ARCHIVES))
    found = [
        _filing(recent, i, name, entity, f"{base}/{cik}")
        for i in range(count)
        if str(recent["form"][i]).removesuffix("/A") in forms
    ][:MAX_FILINGS]
    return _followed(found, source)


def _cik_of(url: str) -> int:
    found = re.search(r"CIK0*(\d+)", url)
    if not found:
        raise ValueError("no CIK")
    return int(found[1])


def _filing(recent: dict[str, list[Any]], i: int, name: str, entity: str | None, base: str) -> Item:
    def column(key: str) -> str:
        values = recent.get(key) or []
        return str(values[i]) if i < len(values) else ""

    accession = column("accessionNumber")
    items = f", items {column('items')}" if column("items") else ""
    title = f"{name} {column('form')}{items}, filed {column('filingDate')}"
    return Item(
        url=f"{base}/{accession.replace('-', '')}/{accession}-index.htm",
        title=title,
        published_at=parse_date(column("acceptanceDateTime")) or parse_date(column("filingDate")),
        text=title,
        lang="en",
        entity=entity,
        guid=accession,
    )


def _followed(found: list[Item], source: Source) -> Parsed:
    if source.options.get("follow", True):
        return Parsed(links=[Link(item.url, "filing_index", item) for item in found])
    return Parsed(items=found)


def parse_getcurrent(
    body: bytes,
    source: Source,
    *,
    url: str,
    fetched_at: datetime,
    charset: str | None = None,
    issuers: Issuers | None = None,
) -> Parsed:
    """Latest filings of everybody, filtered to the watchlist's filers (all of them with `options.all`)."""
    feed = feedparser.parse(io.BytesIO(body), sanitize_html=False)
    forms = tuple(source.options.get("forms", FORMS))
    found: dict[str, Item] = {}
    for entry in feed.entries:
        title = str(entry.get("title", ""))
        matched = re.match(r"(?P<form>\S+(?: \S+)?) - (?P<name>.*) \((?P<cik>\d{10})\)", title)
        if not matched:
            continue
        entity = (issuers or {}).get(int(matched["cik"]), (None, 12))[0]
        wanted = source.options.get("all") or (entity and matched["form"].removesuffix("/A") in forms)
        accession = re.search(r"\d{10}-\d{2}-\d{6}", str(entry.get("id", "")) + str(entry.get("link", "")))
        if wanted and accession and accession[0] not in found:
            found[accession[0]] = Item(
                url=str(entry.get("link", "")),
                title=title,
                published_at=parse_date(str(entry.get("updated", ""))),
                text=title,
                lang="en",
                entity=entity,
                guid=accession[0],
            )
    problems = [f"{url}: no entry can be read"] if not feed.entries and feed.get("bozo") else []
    parsed = _followed(list(found.values()), source)
    return Parsed(items=parsed.items, links=parsed.links, problems=problems)


def documents_of_index(markup: str, url: str, filing: Item) -> list[Link]:
    """The documents worth reading of a filing's index page, best first; [] when the page is no index."""
    tree = LexborHTMLParser(markup)
    form, exhibits, main = "", [], []
    for row in tree.css("table.tableFile tr"):
        cells = [cell.text(deep=True, strip=True) for cell in row.css("td")]
        anchor = row.css_first("a[href]")
        if len(cells) < 4 or anchor is None:
            continue
        kind = cells[3].upper()
        href = re.sub(r"^/ix\?doc=", "", str(anchor.attributes.get("href") or ""))
        if not href.lower().endswith((".htm", ".html", ".txt")):
            continue
        link = Link(urljoin(url, href), "filing", filing)
        form = form or kind
        if re.match(r"EX-99(\.\d+)?$", kind):
            exhibits.append(link)
        elif kind.removesuffix("/A") in FORMS:
            main.append(link)
    if form.startswith(("8-K", "6-K")) and exhibits:
        return exhibits[:2]
    return main[:1]


def read_filing(body: bytes, issuers: Issuers, charset: str | None = None) -> tuple[str, pl.DataFrame]:
    """Text of a filing's document, and the figures it marks as inline XBRL (FACTS schema with an empty doc_id)."""
    markup = decode(body, charset)
    if "<SEC-DOCUMENT>" not in markup[:500] and "<SUBMISSION>" not in markup[:500] and has_inline_figures(markup):
        return read_inline(markup, issuers)
    return filing_text(body, charset), empty(FACTS_SCHEMA)


def filing_text(body: bytes, charset: str | None = None) -> str:
    """Text of a filing's document: HTML with its tables, or plain text; of a full submission the documents in it."""
    text = decode(body, charset)
    if "<SEC-DOCUMENT>" in text[:500] or "<SUBMISSION>" in text[:500]:
        return "\n\n".join(_document_texts(text))
    return whole_page(text) if "<" in text[:2000] else text


def _document_texts(text: str) -> Iterable[str]:
    """The readable documents of a full-submission text file: main document and EX-99 exhibits."""
    for part in text.split("<DOCUMENT>")[1:]:
        kind = re.search(r"<TYPE>([^\n<]+)", part[:400])
        if kind and (kind[1].strip() in FORMS or kind[1].startswith("EX-99")):
            start, end = part.find("<TEXT>"), part.rfind("</TEXT>")
            yield whole_page(part[start + 6 : end if end > 0 else None])
