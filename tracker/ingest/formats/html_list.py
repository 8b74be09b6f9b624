"""List pages: newsrooms without a feed, read by CSS selectors from the sources file."""

from __future__ import annotations

from datetime import datetime

from bs4 import BeautifulSoup, Tag
from soupsieve import SelectorSyntaxError

from tracker.ingest.formats.types import Item, Link, Parsed
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.dates import parse_date
from tracker.text.urls import absolute_url


def parse(body: bytes, source: Source, *, url: str, fetched_at: datetime, charset: str | None = None) -> Parsed:
    """Rows of a list. Options: `item` (one row), and inside it `title`, `url` (an element with href), `date`, `text`.

    `title` and `url` default to the row's first link. With `follow: true` the linked pages are to be read; otherwise
    the row's own text is the item. The date may stand in a `datetime` attribute, in the element's text, or anywhere in
    the row's text (民國 years included).
    """
    options = source.options
    soup = BeautifulSoup(decode(body, charset), "lxml")
    try:
        rows = soup.select(str(options.get("item", "article, li")))
    except SelectorSyntaxError as error:
        return Parsed(problems=[f"{source.id}: options.item is not a selector: {error}"])
    items: list[Item] = []
    links: list[Link] = []
    seen: set[str] = set()
    for row in rows:
        item = _item(row, source, url)
        if item is None or item.url in seen:
            continue
        seen.add(item.url)
        if options.get("follow") and item.url != url:
            links.append(Link(item.url, "article", item))
        else:
            items.append(item)
    problems = [] if items or links else [f"{url}: no row matches '{options.get('item')}': did the page change?"]
    return Parsed(items=items, links=links, problems=problems)


def _item(row: Tag, source: Source, url: str) -> Item | None:
    anchor = _first(row, source.options.get("url", "a[href]"))
    if anchor is not None and not anchor.get("href"):
        anchor = anchor.select_one("a[href]")
    heading = _first(row, source.options.get("title")) or anchor or row
    title = heading.get_text(" ", strip=True)
    if not title:
        return None
    href = str(anchor.get("href") or "") if anchor is not None else ""
    body = _first(row, source.options.get("text"))
    return Item(
        url=(absolute_url(url, href) if href and not href.startswith("#") else "") or f"{url}#{title[:80]}",
        title=title,
        published_at=_moment(row, source.options.get("date")),
        text=body.get_text(" ", strip=True) if body is not None else title,
        entity=source.issuer,
    )


def _first(row: Tag, selector: object) -> Tag | None:
    return row.select_one(str(selector)) if selector else None


def _moment(row: Tag, selector: object) -> datetime | None:
    element = _first(row, selector) or row.select_one("time")
    if element is not None:
        return parse_date(str(element.get("datetime") or "")) or parse_date(element.get_text(" ", strip=True))
    return parse_date(row.get_text(" ", strip=True)[:200])
