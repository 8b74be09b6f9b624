"""JSON: the JSON Feed format, and any other interface through a path mapping in the sources file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from tracker.ingest.formats.feed import text_of
from tracker.ingest.formats.types import Item, Parsed
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.dates import parse_date
from tracker.text.urls import absolute_url

_FEED: Final = {"items": "items", "url": "url", "title": "title", "published": "date_published", "guid": "id"}


def parse_feed(body: bytes, source: Source, *, url: str, fetched_at: datetime, charset: str | None = None) -> Parsed:
    """Items of a JSON Feed, versions 1.0 and 1.1."""
    return _parse(body, source, url, charset, dict(_FEED))


def parse(body: bytes, source: Source, *, url: str, fetched_at: datetime, charset: str | None = None) -> Parsed:
    """Items of an interface. Options: `items`, `title`, `url`, `published`, `text`, `guid`: dotted paths into the answer.

    `items` may be empty when the answer is itself the list. `url` may be a template: `https://host/{id}` takes fields of
    the item.
    """
    return _parse(body, source, url, charset, dict(source.options))


def _parse(body: bytes, source: Source, url: str, charset: str | None, mapping: dict[str, Any]) -> Parsed:
    try:
        answer = json.loads(decode(body, charset))
    except json.JSONDecodeError as error:
        return Parsed(problems=[f"{url}: not JSON, line {error.lineno}: {error.msg}"])
    except RecursionError:
        return Parsed(problems=[f"{url}: JSON nested too deeply"])
    rows = at_path(answer, str(mapping.get("items") or ""))
    if not isinstance(rows, list):
        return Parsed(problems=[f"{url}: there is no list at '{mapping.get('items') or '(top)'}'"])
    items, problems = [], []
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            problems.append(f"{url}: item {number} is not an object")
            continue
        # a publisher's stray blanks around a name ("主旨 ") are not part of it
        items.append(_item({key.strip(): value for key, value in row.items()}, mapping, url, number, source))
    return Parsed(items=items, problems=problems)


def _item(row: dict[str, Any], mapping: dict[str, Any], url: str, number: int, source: Source) -> Item:
    def field(name: str, default: str = "") -> str:
        value = at_path(row, str(mapping.get(name) or default))
        return "" if value is None or isinstance(value, dict | list) else str(value)

    text = (
        field("text")
        if mapping.get("text")
        else (row.get("content_text") or row.get("content_html") or row.get("summary"))
    )
    title = text_of(field("title", "title"))
    body = text_of(str(text or ""))
    template = str(mapping.get("url") or "url")
    link = _filled(template, row) if "{" in template else field("url", "url") or field("", "external_url")
    guid = field("guid", "id") or None
    return Item(
        url=(absolute_url(url, link) if link else "") or f"{url}#{guid or number}",
        title=title,
        published_at=_moment(field("published", "date") or field("", "date_modified")),
        text=f"{title}\n{body}" if body and title and title not in body else body or title,
        lang=None,
        entity=source.issuer,
        guid=guid,
        author=_author(row),
    )


def _author(row: dict[str, Any]) -> str | None:
    """Name of the author of a JSON Feed item: version 1.1 lists them, 1.0 has one."""
    name = at_path(row, "authors.0.name") or at_path(row, "author.name")
    return str(name) if name else None


def _moment(text: str) -> datetime | None:
    """A date, or seconds or milliseconds since 1970."""
    if text.isdigit() and len(text) in (10, 13):
        return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)  # at most the year 2286
    return parse_date(text)


def _filled(template: str, row: dict[str, Any]) -> str:
    filled = template
    for key, value in row.items():
        if isinstance(value, str | int):
            filled = filled.replace("{" + key + "}", str(value))
    return filled if "{" not in filled else ""


def at_path(value: Any, path: str) -> Any:
    """The value at a dotted path ("data.items.0.title"); None where there is nothing."""
    for part in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(part.strip())
        elif isinstance(value, list) and part.lstrip("-").isdigit() and -len(value) <= int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
