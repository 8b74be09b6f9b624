"""Sitemaps: newsrooms that publish no feed still tell search engines what is new."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from lxml import etree

from tracker.ingest.formats.types import Item, Link, Parsed
from tracker.ingest.sources import Source
from tracker.text.dates import parse_date
from tracker.text.urls import absolute_url

_OLDEST = datetime.min.replace(tzinfo=UTC)


def parse(body: bytes, source: Source, *, url: str, fetched_at: datetime, charset: str | None = None) -> Parsed:
    """Pages of a sitemap, latest first. Options: `match` (part of the path, e.g. "/news/"), `follow`, `max_follow`.

    A page's title is the one of the news extension, or else the words of its address; with `follow` the page itself is
    read. An index of sitemaps is a problem that names them: configure the one that is meant.
    """
    # entities stay unresolved and nothing is fetched: a sitemap is data from outside
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return Parsed(problems=[f"{url}: not a sitemap: {error}"])
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        return Parsed(problems=[f"{url}: not a sitemap: {body[:60]!r}"])
    if _name(root) == "sitemapindex":
        named = ", ".join(_text(entry, "loc") for entry in root)[:300]
        return Parsed(problems=[f"{url}: an index of sitemaps; configure the one that is meant: {named}"])
    wanted = str(source.options.get("match", ""))
    items = [item for entry in root if (item := _item(entry, source, url)) and wanted in urlsplit(item.url).path]
    items.sort(key=lambda item: item.published_at or _OLDEST, reverse=True)
    if source.options.get("follow"):
        return Parsed(links=[Link(item.url, "article", item) for item in items])
    return Parsed(items=items)


def _item(entry: etree._Element, source: Source, url: str) -> Item | None:
    link = absolute_url(url, _text(entry, "loc"))
    if not link:
        return None
    words = unquote(urlsplit(link).path).rstrip("/").rpartition("/")[2].replace("-", " ").replace("_", " ")
    title = _text(entry, "title") or words or link
    return Item(
        url=link,
        title=title,
        published_at=parse_date(_text(entry, "publication_date") or _text(entry, "lastmod")),
        text=title,
        entity=source.issuer,
    )


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _text(entry: etree._Element, name: str) -> str:
    """Text of the first element of that name below the entry, whatever its namespace."""
    return next(((e.text or "").strip() for e in entry.iter() if _name(e) == name), "")
