"""One poll of one source: ask, archive, parse, follow; what came of it as plain rows.

Nothing here touches the database: the caller hands in the source's state and writes the outcome. A failure of the
source is part of the outcome, never an exception; a failure of one page of it is a problem, and the others go on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import polars as pl
import structlog

from tracker.errors import TrackerError
from tracker.ingest import state as states
from tracker.ingest.archive import Archive
from tracker.ingest.client import FetchError, HttpClient, Response, redact
from tracker.ingest.formats import edgar, parser_for
from tracker.ingest.formats.article import extract_article
from tracker.ingest.formats.ixbrl import with_doc_id
from tracker.ingest.formats.pdf import pdf_text
from tracker.ingest.formats.types import Item, Link, Parsed
from tracker.ingest.request import request_of
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.identity import document_id
from tracker.text.normalise import normalise_text
from tracker.text.urls import canonical_url
from tracker.vocabulary import FACTS_SCHEMA, SERIES_SCHEMA, empty

MAX_FOLLOW: Final = 20
HOPELESS_AFTER: Final = 8  # failures in a row: of a page asked for every hour, after five days
log = structlog.get_logger("fetch")


@dataclass
class FetchOutcome:
    """What a poll brought: rows for `fetches` and `raw`, items with the bytes they came from, figures, next state."""

    source: Source
    fetched_at: datetime
    state: dict[str, Any]
    fetches: list[dict[str, Any]] = field(default_factory=list)
    raw: list[dict[str, Any]] = field(default_factory=list)
    items: list[tuple[Item, str | None]] = field(default_factory=list)
    series: pl.DataFrame = field(default_factory=lambda: empty(SERIES_SCHEMA))
    facts: pl.DataFrame = field(default_factory=lambda: empty(FACTS_SCHEMA))
    problems: list[str] = field(default_factory=list)
    links_known: int = 0  # pages named that were read before
    links_left: int = 0  # pages named that wait for the next poll
    links_resting: int = 0  # pages that could not be had and are left alone for a while


async def fetch_source(
    source: Source,
    state: dict[str, Any],
    client: HttpClient,
    archive: Archive,
    now: datetime,
    *,
    known_urls: frozenset[str] = frozenset(),
    failing: Mapping[str, tuple[int, datetime]] | None = None,
    issuers: Mapping[int, tuple[str, int]] | None = None,
) -> FetchOutcome:
    """Poll a source once. known_urls: pages that were read before and are not asked again.

    failing: pages (address without secrets) that could not be had, how often in a row, and when last: they are left
    alone for a time that doubles, like a source.
    """
    out = FetchOutcome(source, now, state)
    try:
        request = request_of(source, now)
        held = {} if request.changes else {name: state[name] for name in ("etag", "last_modified")}
        response = await _get(client, archive, out, request.url, extra=request.headers, body=request.body, **held)
    except TrackerError as error:
        wait_s = error.wait_s if isinstance(error, FetchError) else None
        out.state = states.after_failure(source, state, now, str(error), wait_s=wait_s)
        out.problems.append(str(error))
        return out
    if response.not_modified:
        out.state = states.after_success(source, state, now, new_items=False)
        return out
    sha256 = out.raw[-1]["sha256"]
    parsed = await _parsed(response, source, issuers, now)
    out.fetches[-1]["items"] = len(parsed.items) + len(parsed.links) + parsed.series.height + parsed.facts.height
    out.items += [(item, sha256) for item in parsed.items]
    out.series, out.facts = parsed.series, parsed.facts
    out.problems += parsed.problems
    links = _due(parsed.links, out, known_urls, failing or {})
    complete = await _follow(links, client, archive, out, issuers or {}) and not out.links_resting
    broken = bool(parsed.problems) and not (out.items or parsed.links)
    if broken:
        out.state = states.after_failure(source, state, now, parsed.problems[0])
        return out
    out.state = states.after_success(source, state, now, new_items=bool(out.items))
    # Validators are kept only once everything the page names was read: otherwise a 304 would hide what is missing.
    out.state |= {
        "etag": response.etag if complete else None,
        "last_modified": response.last_modified if complete else None,
    }
    return out


async def _parsed(
    response: Response, source: Source, issuers: Mapping[int, tuple[str, int]] | None, now: datetime
) -> Parsed:
    """The parser's reading, beside the event loop; a parser that breaks is a problem of this source alone."""
    parse = parser_for(source.kind, issuers)
    try:
        return await asyncio.to_thread(
            parse, response.body, source, url=response.url, fetched_at=now, charset=response.charset
        )
    except Exception as error:
        log.error("parser broke", source=source.id, url=redact(response.url), exc_info=error)
        return Parsed(problems=[f"{redact(response.url)}: the parser of '{source.kind}' broke: {error!r}"])


def _due(
    links: list[Link], out: FetchOutcome, known: frozenset[str], failing: Mapping[str, tuple[int, datetime]]
) -> list[Link]:
    """Pages to ask for now: neither read before nor resting after a failure. Of hopeless ones the title is kept."""
    links = list({link.url: link for link in reversed(links)}.values())[::-1]  # a list may name a page twice
    new = [link for link in links if link.url not in known]
    out.links_known = len(links) - len(new)
    due = []
    for link in new:
        failures, last = failing.get(redact(link.url), (0, out.fetched_at))
        if failures >= HOPELESS_AFTER:
            out.problems.append(f"{redact(link.url)}: given up after {failures} failures, its title is kept")
            out.items.append((link.item, None))
        elif failures and out.fetched_at < last + states.waits(out.source, failures):
            out.links_resting += 1
        else:
            due.append(link)
    return due


async def _follow(
    new: list[Link],
    client: HttpClient,
    archive: Archive,
    out: FetchOutcome,
    issuers: Mapping[int, tuple[str, int]],
) -> bool:
    """Read the pages items point to; returns whether none is left for the next poll."""
    limit = int(out.source.options.get("max_follow", MAX_FOLLOW))
    complete = len(new) <= limit
    out.links_left = max(0, len(new) - limit)
    for link in new[:limit]:
        try:
            await _read_link(link, client, archive, out, issuers)
        except FetchError as error:
            out.problems.append(str(error))
            if _is_passing(error):
                complete = False
            else:  # what the list says is all there will ever be: keep the title
                out.items.append((link.item, None))
        except Exception as error:  # a page no reader copes with: keep the title, go on with the others
            log.error("page cannot be read", source=out.source.id, url=redact(link.url), exc_info=error)
            out.problems.append(str(error) if isinstance(error, TrackerError) else f"{redact(link.url)}: {error!r}")
            out.items.append((link.item, None))
    return complete


def _is_passing(error: FetchError) -> bool:
    """Whether asking again later can bring the page."""
    if error.status is not None:
        return error.status >= 500 or error.status in (408, 425, 429)
    return error.error_class in ("timeout", "network")


async def _read_link(
    link: Link, client: HttpClient, archive: Archive, out: FetchOutcome, issuers: Mapping[int, tuple[str, int]]
) -> None:
    response = await _get(client, archive, out, link.url)
    sha256 = out.raw[-1]["sha256"]
    if link.kind == "filing_index":
        documents = edgar.documents_of_index(decode(response.body, response.charset), response.url, link.item)
        for document in documents:
            await _read_link(document, client, archive, out, issuers)
        # the index itself stands for the filing, so that it is not asked again
        out.items.append((link.item, sha256))
        return
    if link.kind == "filing" and not _is_pdf(response):
        text, figures = edgar.read_filing(response.body, issuers, response.charset)
        out.items.append((replace(link.item, url=link.url, text=text or link.item.text), sha256))
        doc_id = document_id(canonical_url(link.url), normalise_text(text))
        out.facts = pl.concat([out.facts, with_doc_id(figures, doc_id)])
        return
    out.items.append((_read(link, response), sha256))


def _is_pdf(response: Response) -> bool:
    return response.body.startswith(b"%PDF") or response.media_type == "application/pdf"


def _read(link: Link, response: Response) -> Item:
    item = link.item
    if _is_pdf(response):
        return replace(item, url=link.url, text=pdf_text(response.body, redact(link.url)))
    article = extract_article(decode(response.body, response.charset), response.url)
    return replace(
        item,
        url=item.url,
        title=item.title or article.title,
        published_at=item.published_at or article.published_at,
        text=article.text or item.text,
    )


async def _get(
    client: HttpClient,
    archive: Archive,
    out: FetchOutcome,
    url: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    extra: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Response:
    """One request: its row for `fetches`, and the body archived before anything looks at it."""
    row: dict[str, Any] = {
        "fetch_id": uuid.uuid4().hex[:16],
        "source_id": out.source.id,
        "url": redact(url),
        "requested_at": out.fetched_at,
        "status": None,
        "bytes": None,
        "elapsed_ms": None,
        "not_modified": False,
        "error_class": None,
        "error": None,
        "raw_sha256": None,
        "items": None,
    }
    out.fetches.append(row)
    try:
        response = await client.get(url, etag=etag, last_modified=last_modified, extra=extra, body=body)
    except FetchError as error:
        row |= {"status": error.status, "error_class": error.error_class, "error": error.message}
        raise
    row |= {
        "status": response.status,
        "bytes": len(response.body),
        "elapsed_ms": response.elapsed_ms,
        "not_modified": response.not_modified,
    }
    if not response.not_modified:
        sha256 = await asyncio.to_thread(archive.put, response.body)
        row["raw_sha256"] = sha256
        out.raw.append(
            {
                "sha256": sha256,
                "location": archive.location(sha256),
                "media_type": response.media_type,
                "bytes": len(response.body),
                "first_seen": out.fetched_at,
                "url": redact(response.url),
            }
        )
    return response
