"""Files from disk, recognised by what is in them: the same parsers as for polled sources.

Feeds, EDGAR submissions and company facts, filings, article pages, PDF, CSV, and documents as JSON Lines; gzip and zstd
around any of them. A file nothing can be read from raises SourceError with the reason.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import zstandard

from tracker.errors import SourceError
from tracker.ingest.archive import Archive
from tracker.ingest.documents import build_documents
from tracker.ingest.formats import csv_table, edgar, feed, json_api, xbrl
from tracker.ingest.formats.article import extract_article
from tracker.ingest.formats.ixbrl import with_doc_id
from tracker.ingest.formats.pdf import pdf_text
from tracker.ingest.formats.types import Issuers, Item, Parsed
from tracker.ingest.sources import Source
from tracker.text.charset import decode
from tracker.text.dates import parse_date
from tracker.text.identity import document_id
from tracker.text.language import detect_language
from tracker.text.normalise import normalise_text, one_line
from tracker.text.urls import canonical_url
from tracker.vocabulary import DOCUMENTS_SCHEMA, FACTS_SCHEMA, SERIES_SCHEMA, empty

MAX_BYTES: Final = 500_000_000
TIER: Final = 2  # of documents given by hand, when they do not say
PRIMARY: Final = 1  # of what issuers file themselves: XBRL, filings, tables of figures
_DAY: Final = r"([A-Z][a-z]+ \d{1,2}, ?\d{4})"
_SIGNED: Final = re.compile(rf"(?m)^(?:Dated?|DATED?)\s*:?\s*\|?\s*{_DAY}")
_REPORTED: Final = re.compile(
    rf"(?i:date of report)[^:]{{0,60}}:?\s*{_DAY}|(?i:(?:period|quarter|year) ended)[:\s]*{_DAY}"
)

# Known tables by their header: what a regulator's CSV means does not depend on who hands it in.
_CSV_OPTIONS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    (
        "營業收入-當月營收",
        {
            "period": "資料年月", "value": "營業收入-當月營收", "scale": 1000, "currency": "TWD",
            "entity_column": "公司代號", "yoy": "營業收入-去年同月增減(%)",
        },
    ),
    (
        "revenue_month",
        {
            "year": "revenue_year", "month": "revenue_month", "value": "revenue", "currency": "TWD",
            "entity_column": "stock_id",
        },
    ),
)  # fmt: skip


@dataclass
class FileContent:
    """What a file holds: documents, figures, and what of it could not be read."""

    documents: pl.DataFrame = field(default_factory=lambda: empty(DOCUMENTS_SCHEMA))
    facts: pl.DataFrame = field(default_factory=lambda: empty(FACTS_SCHEMA))
    series: pl.DataFrame = field(default_factory=lambda: empty(SERIES_SCHEMA))
    problems: list[str] = field(default_factory=list)
    raw: dict[str, Any] | None = None


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """Files given by name, and all files below the folders given, in a stable order; hidden ones are left out."""
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        elif path.exists():
            yield path
        else:
            raise SourceError("there is no such file or folder", where=str(path))


def read_file(path: Path, archive: Archive, issuers: Issuers, now: datetime) -> FileContent:
    """Archive a file's bytes, then read it. Raises SourceError with the reason when there is nothing to read."""
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from error
    body, name = _unpacked(packed, path)
    if not body.strip():
        raise SourceError("is empty", where=str(path))
    sha256 = archive.put(body)
    content = _read(body, name, path, issuers, now, sha256)
    if content.documents.is_empty() and content.facts.is_empty() and content.series.is_empty():
        reason = content.problems[0] if content.problems else "holds no document, feed or figure this program reads"
        raise SourceError(reason.removeprefix(f"{path.as_uri()}: ") if path.is_absolute() else reason, where=str(path))
    content.raw = {
        "sha256": sha256,
        "location": archive.location(sha256),
        "media_type": None,
        "bytes": len(body),
        "first_seen": now,
        "url": path.name,
    }
    return content


def _unpacked(packed: bytes, path: Path) -> tuple[bytes, str]:
    name = path.name.lower()
    try:
        if packed[:2] == b"\x1f\x8b":
            unpacker = zlib.decompressobj(wbits=31)
            body = unpacker.decompress(packed, MAX_BYTES)
            if unpacker.unconsumed_tail:
                raise SourceError(f"more than {MAX_BYTES:,} bytes when unpacked", where=str(path))
            if not unpacker.eof:
                raise SourceError("the gzip file is cut off", where=str(path))
            return body + (
                gzip.decompress(unpacker.unused_data) if unpacker.unused_data[:2] == b"\x1f\x8b" else b""
            ), name.removesuffix(".gz")
        if packed[:4] == b"\x28\xb5\x2f\xfd":
            return zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BYTES), name.removesuffix(".zst")
    except (zlib.error, OSError, zstandard.ZstdError) as error:
        raise SourceError(f"cannot be unpacked: {error}", where=str(path)) from error
    return packed, name


def _read(body: bytes, name: str, path: Path, issuers: Issuers, now: datetime, sha256: str) -> FileContent:
    source = Source(f"file:{path.name}", path.name, "rss", "file:", "en", TIER, 60.0)
    url = path.resolve().as_uri()
    if body.startswith(b"%PDF"):
        return _documents([Item(url, path.stem, None, pdf_text(body, str(path)))], source, now, sha256)
    head = body[:3000].lstrip(b"\xef\xbb\xbf \r\n\t")
    if name.endswith(".jsonl"):
        return FileContent(documents=documents_from_jsonl(body, str(path), now, sha256))
    if head[:1] in (b"{", b"["):
        return _json(body, source, url, path, issuers, now, sha256)
    if name.endswith(".csv"):
        return _csv(body, source, url, issuers, now, sha256)
    lowered = head.lower()
    if b"<sec-document>" in lowered or b"<submission>" in lowered:
        return _filing(body, path, source, issuers, now, sha256)
    if re.search(rb"<(?:rss|feed|rdf:rdf|channel|\?xml)[\s>]", lowered) and b"<html" not in lowered:
        return _feed(body, source, url, issuers, now, sha256)
    if b"<html" in lowered or b"<!doctype html" in lowered or name.endswith((".html", ".htm")):
        return _page(body, path, source, url, issuers, now, sha256)
    if name.endswith((".xml", ".rss", ".atom")):
        return _feed(body, source, url, issuers, now, sha256)
    if name.endswith((".txt", ".md")):
        text = decode(body, None)
        return _documents(
            [Item(url, one_line(text[:120]), None, text, entity=_issuer(text, issuers))], source, now, sha256
        )
    raise SourceError(f"the kind of file is not known ('{path.suffix}')", where=str(path))


def _documents(items: Sequence[Item], source: Source, now: datetime, sha256: str) -> FileContent:
    return FileContent(documents=build_documents([(i, sha256) for i in items], source, now))


def _parsed(parsed: Parsed, source: Source, now: datetime, sha256: str) -> FileContent:
    content = _documents([*parsed.items, *(link.item for link in parsed.links)], source, now, sha256)
    content.facts, content.series, content.problems = parsed.facts, parsed.series, list(parsed.problems)
    return content


def _feed(body: bytes, source: Source, url: str, issuers: Issuers, now: datetime, sha256: str) -> FileContent:
    if b"action=getcurrent" in body[:2000]:
        parsed = edgar.parse_getcurrent(body, _with(source, all=True), url=url, fetched_at=now, issuers=issuers)
    else:
        parsed = feed.parse(body, source, url=url, fetched_at=now)
    return _parsed(parsed, source, now, sha256)


def _with(source: Source, **options: Any) -> Source:
    return replace(source, options=options)


def _primary(source: Source) -> Source:
    """The same source as one whose figures are an issuer's own."""
    return replace(source, tier=PRIMARY)


def _json(
    body: bytes, source: Source, url: str, path: Path, issuers: Issuers, now: datetime, sha256: str
) -> FileContent:
    try:
        answer = json.loads(decode(body, None))
    except (json.JSONDecodeError, RecursionError) as error:
        raise SourceError(f"is not JSON: {error}", where=str(path)) from error
    if isinstance(answer, dict) and "facts" in answer and "cik" in answer:
        cik = int(answer["cik"])
        address = f"https://data.sec.gov/api/xbrl/companyfacts/CIK{cik:010d}.json"
        return _parsed(
            xbrl.parse(body, source, url=address, fetched_at=now, issuers=issuers), _primary(source), now, sha256
        )
    if isinstance(answer, dict) and ("filings" in answer or "accessionNumber" in answer):
        parsed = edgar.parse_submissions(body, source, url=path.name, fetched_at=now, issuers=issuers)
        return _parsed(parsed, source, now, sha256)
    if isinstance(answer, dict) and "items" in answer:
        return _parsed(json_api.parse_feed(body, source, url=url, fetched_at=now), source, now, sha256)
    if isinstance(answer, list) and answer and isinstance(answer[0], dict) and "text" in answer[0]:
        rows = b"\n".join(json.dumps(row).encode() for row in answer)
        return FileContent(documents=documents_from_jsonl(rows, str(path), now, sha256))
    raise SourceError("JSON of a shape this program does not read", where=str(path))


def _csv(body: bytes, source: Source, url: str, issuers: Issuers, now: datetime, sha256: str) -> FileContent:
    header = decode(body[:4000], None).splitlines()[0] if body else ""
    options = next((dict(o) for key, o in _CSV_OPTIONS if key in header), None)
    if options is None:
        raise SourceError("a CSV table whose columns are not known; configure it as a source of kind 'csv'")
    options["entities"] = {"2330": "2330.TW", "2317": "2317.TW", "2382": "2382.TW", "3231": "3231.TW", "6669": "6669.TW",
                           "2308": "2308.TW", "3017": "3017.TW", "2454": "2454.TW", "3711": "3711.TW", "2376": "2376.TW",
                           "2356": "2356.TW", "4938": "4938.TW", "2357": "2357.TW", "3661": "3661.TW", "3443": "3443.TW"}  # fmt: skip
    parsed = csv_table.parse(body, _with(source, **options), url=url, fetched_at=now)
    return _parsed(parsed, _primary(source), now, sha256)


def _page(
    body: bytes, path: Path, source: Source, url: str, issuers: Issuers, now: datetime, sha256: str
) -> FileContent:
    markup = decode(body, None)
    if "tableFile" in markup and "EDGAR" in markup[:20000]:
        raise SourceError("the index page of a filing: hand in its documents", where=str(path))
    issuer = _issuer(markup[:200_000], issuers)
    if re.search(r"(?i)<ix:|<type>|securities and exchange commission|exhibit\s+99", markup[:60_000]):
        return _filing(body, path, source, issuers, now, sha256)
    article = extract_article(markup, url)
    if not article.text:
        raise SourceError("holds no article text", where=str(path))
    item = Item(
        article.canonical_url or url, article.title or path.stem, article.published_at, article.text, entity=issuer
    )
    return _documents([item], source, now, sha256)


def _filing(body: bytes, path: Path, source: Source, issuers: Issuers, now: datetime, sha256: str) -> FileContent:
    markup = decode(body[:400_000], None)
    text, figures = edgar.read_filing(body, issuers)
    if not text:
        raise SourceError("a filing without readable text", where=str(path))
    item = Item(path.resolve().as_uri(), one_line(text[:110]), _filed(text, path), text, "en", _issuer(markup, issuers))
    content = _documents([item], _primary(source), now, sha256)
    content.facts = with_doc_id(figures, content.documents.item(0, "doc_id"))
    return content


def _filed(text: str, path: Path) -> datetime | None:
    """The day a filing became known: the latest of its signature, the day of its report, the end of its period and the
    day in the name of its file. Too late does no harm; too early would know a figure before the world did."""
    signed = _SIGNED.findall(text[-60_000:])
    reported = _REPORTED.search(text[:20_000])
    stated = (signed[-1] if signed else None, (reported[1] or reported[2]) if reported else None, path.name)
    days = [day for words in stated if words and (day := parse_date(words)) is not None]
    return max(days) if days else None


def _issuer(markup: str, issuers: Issuers) -> str | None:
    """The filer a page names by its CIK."""
    for found in re.finditer(
        r"(?:CENTRAL INDEX KEY:\s*|CIK=?\s*|EntityCentralIndexKey\"[^>]*>|/data/)0*(\d{4,10})", markup
    ):
        if int(found[1]) in issuers:
            return issuers[int(found[1])][0]
    return None


def documents_from_jsonl(body: bytes, where: str, now: datetime, sha256: str | None = None) -> pl.DataFrame:
    """Documents (DOCUMENTS schema) from JSON Lines (doc_id, url, source, title, published_at, lang, text).

    Everything but `text` (or `title`) may be missing. A given doc_id is kept, so that answers can be matched to it.
    Raises SourceError with file:line for a line that is no document.
    """
    rows = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SourceError(
                f"not JSON: {error}", where=f"{where}:{number}", hint="one document, as a JSON object, a line"
            ) from error
        if not isinstance(row, dict) or not isinstance(row.get("text") or row.get("title"), str):
            raise SourceError("a document needs 'text' or 'title'", where=f"{where}:{number}")
        rows.append(_document(row, now, sha256))
    frame = pl.DataFrame(rows, schema=DOCUMENTS_SCHEMA, orient="row")
    return frame.unique("doc_id", keep="first", maintain_order=True)


def _document(row: dict[str, Any], now: datetime, sha256: str | None) -> dict[str, Any]:
    text = str(row.get("text") or row.get("title"))
    if "doc_id" not in row:  # a given id comes with offsets into exactly the given text
        text = normalise_text(text)
    url = str(row.get("url") or "")
    published = _moment(row.get("published_at"))
    return {
        "doc_id": str(row.get("doc_id") or document_id(canonical_url(url), text)),
        "source_id": str(row.get("source_id") or row.get("source") or "file"),
        "source": str(row.get("source") or "file"),
        "tier": int(row.get("tier") or TIER),
        "entity": row.get("entity") or row.get("symbol"),
        "url": url or None,
        "canonical_url": canonical_url(url) or None,
        "title": one_line(str(row.get("title") or text[:120])),
        "lang": str(row.get("lang") or detect_language(text)),
        "published_at": min(published, now) if published else now,
        "ingested_at": now,
        "text": text,
        "raw_sha256": sha256,
        "story_id": None,
    }


def _moment(value: object) -> datetime | None:
    return parse_date(str(value)) if value else None
