"""RSS and Atom, however broken: feedparser reads what can be read, libxml2 mends what stops it."""

from __future__ import annotations

import io
from calendar import timegm
from datetime import UTC, datetime
from typing import Any
from xml.sax import SAXException

import feedparser
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from tracker.ingest.formats.types import Item, Link, Parsed
from tracker.ingest.sources import Source
from tracker.text.dates import parse_date


def parse(body: bytes, source: Source, *, url: str, fetched_at: datetime, charset: str | None = None) -> Parsed:
    """Items of a feed. With `options.follow` the items' pages are returned as links instead.

    A feed that is not well-formed still yields the entries that can be read; what feedparser complains about becomes a
    problem only when there was nothing to read.
    """
    # what relative links are relative to; and without a media type feedparser guesses Latin-1 and calls the feed broken
    headers = {"content-location": url, "content-type": "application/xml" + (f"; charset={charset}" if charset else "")}
    feed = _read(body, headers)
    if isinstance(feed.get("bozo_exception"), SAXException) and (mended := _mended(body, charset)):
        again = _read(mended, headers | {"content-type": "application/xml; charset=utf-8"})
        if _filled(again) > _filled(feed):
            feed = again
    items, links = [], []
    for number, entry in enumerate(feed.entries):
        item = _item(entry, source, url, number)
        if source.options.get("follow") and item.url != url:
            links.append(Link(item.url, "article", item))
        else:
            items.append(item)
    problems = []
    if not feed.entries and not feed.get("version"):
        problems.append(f"{url}: is not a feed: {body[:60]!r}")
    elif not feed.entries and feed.get("bozo"):
        problems.append(f"{url}: no entry can be read: {feed.bozo_exception}")
    return Parsed(items=items, links=links, problems=problems)


def _read(body: bytes, headers: dict[str, str]) -> Any:
    return feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=True)


def _filled(feed: Any) -> int:
    """Entries that say something."""
    return sum(1 for entry in feed.entries if entry.get("title") or entry.get("summary") or entry.get("link"))


def _mended(body: bytes, charset: str | None) -> bytes | None:
    """The feed with its tags closed: feedparser swallows what follows a mismatched end tag, libxml2 does not."""
    try:
        parser = etree.XMLParser(
            recover=True, resolve_entities=False, no_network=True, huge_tree=False, encoding=charset
        )
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return None
    return None if root is None else bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _item(entry: Any, source: Source, feed_url: str, number: int) -> Item:
    title = text_of(str(entry.get("title") or ""))
    bodies = [str(part.get("value") or "") for part in entry.get("content", [])] + [str(entry.get("summary") or "")]
    text = text_of(max(bodies, key=len))
    guid = str(entry.get("id") or "") or None
    link = str(entry.get("link") or "") or (guid if guid and guid.startswith("http") else "")
    return Item(
        url=link or f"{feed_url}#{guid or number}",
        title=title,
        published_at=_moment(entry),
        text=f"{title}\n{text}" if text and title and title not in text else text or title,
        lang=None,
        entity=source.issuer,
        guid=guid,
        author=str(entry.get("author") or "") or None,
    )


def _moment(entry: Any) -> datetime | None:
    for name in ("published", "updated", "created"):
        parsed = entry.get(f"{name}_parsed")
        if parsed:
            try:
                return datetime.fromtimestamp(timegm(parsed), UTC)
            except (ValueError, OverflowError):
                continue
        if found := parse_date(str(entry.get(name) or "")):  # dates feedparser does not know, such as 民國 years
            return found
    return None


def text_of(markup: str) -> str:
    """Text of a fragment of HTML; plain text comes back as it is."""
    if "<" not in markup:
        return markup
    tree = LexborHTMLParser(markup)
    tree.strip_tags(["script", "style", "noscript", "template"])
    return tree.body.text(separator=" ", strip=True) if tree.body else ""
