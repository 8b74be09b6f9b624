"""A local web server that serves the bundled samples in every format the tracker reads.

It speaks real HTTP on 127.0.0.1 (validators and 304 included), so the demonstration goes through the same client,
archive and parsers as the daemon does.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from tracker import yaml_files
from tracker.ingest.sources import Source

SAMPLES: Final = Path(__file__).with_name("samples.yaml")
_ACCESSION: Final = "0001045810-26-000051"
_CIK: Final = 1045810
PORT: Final = 47615


def groups() -> list[dict[str, Any]]:
    """The bundled samples, one entry per source."""
    loaded: list[dict[str, Any]] = yaml_files.load(SAMPLES).data["groups"]
    return loaded


class SampleServer:
    """Pages by path; what each source asks for is rendered once."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.sources: list[Source] = []
        for group in groups():
            options = _RENDERERS[group["kind"]](self, group)
            self.sources.append(
                Source(
                    id=group["id"],
                    name=group["name"],
                    kind=group["kind"],
                    url=f"{base}/{group['id']}",
                    lang=group["lang"],
                    tier=group["tier"],
                    poll_minutes=60.0,
                    entity=tuple(group.get("entity", ())),
                    enabled=True,
                    options={**group.get("options", {}), **options},
                )
            )

    def put(self, path: str, media_type: str, body: str) -> str:
        """Add a page; returns its address."""
        self.pages[path] = (media_type, body.encode("utf-8"))
        return self.base + path


def _moment(day: Any) -> datetime:
    value = day if isinstance(day, date) else date.fromisoformat(str(day))
    return datetime.combine(value, time(12), tzinfo=UTC)


def _rss(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    items = "".join(
        f"<item><title>{escape(i['title'])}</title><link>{escape(i['url'])}</link>"
        f"<pubDate>{format_datetime(_moment(i['published']))}</pubDate>"
        f"<description>{escape(i['text'])}</description></item>"
        for i in group["items"]
    )
    server.put(
        f"/{group['id']}",
        "application/rss+xml; charset=utf-8",
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{escape(group["name"])}</title>'
        f"<link>{server.base}</link><description>samples</description>{items}</channel></rss>",
    )
    return {}


def _atom(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    items = "".join(
        f'<entry><title>{escape(i["title"])}</title><link href="{escape(i["url"])}"/><id>{escape(i["url"])}</id>'
        f"<updated>{_moment(i['published']).isoformat()}</updated>"
        f'<content type="text">{escape(i["text"])}</content></entry>'
        for i in group["items"]
    )
    server.put(
        f"/{group['id']}",
        "application/atom+xml; charset=utf-8",
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>{escape(group['name'])}</title><id>{server.base}</id>"
        f"<updated>2026-08-10T12:00:00+00:00</updated>{items}</feed>",
    )
    return {}


def _json_feed(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": group["name"],
        "items": [
            {
                "id": i["url"],
                "url": i["url"],
                "title": i["title"],
                "content_text": i["text"],
                "date_published": _moment(i["published"]).isoformat(),
            }
            for i in group["items"]
        ],
    }
    server.put(f"/{group['id']}", "application/feed+json", json.dumps(feed, ensure_ascii=False))
    return {}


def _json_api(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    answer = {
        "data": {
            "articles": [
                {"headline": i["title"], "link": i["url"], "date": str(i["published"]), "body": i["text"]}
                for i in group["items"]
            ]
        }
    }
    server.put(f"/{group['id']}", "application/json", json.dumps(answer, ensure_ascii=False))
    return {}


def _html_list(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    rows = []
    for number, i in enumerate(group["items"]):
        path = f"/{group['id']}/{number}"
        paragraphs = "".join(f"<p>{escape(p)}</p>" for p in i["text"].split("\n") if p)
        server.put(
            path,
            "text/html; charset=utf-8",
            f"<!doctype html><html lang='{group['lang']}'><head><title>{escape(i['title'])}</title>"
            f"<link rel='canonical' href='{escape(i['url'])}'>"
            f"<meta property='article:published_time' content='{_moment(i['published']).isoformat()}'></head>"
            f"<body><nav>Home · News · Contact</nav><article><h1>{escape(i['title'])}</h1>{paragraphs}</article>"
            f"<footer>All rights reserved</footer></body></html>",
        )
        rows.append(f"<li><time>{i['published']}</time> <a href='{path}'>{escape(i['title'])}</a></li>")
    server.put(
        f"/{group['id']}",
        "text/html; charset=utf-8",
        f"<!doctype html><html><body><ul class='news'>{''.join(rows)}</ul></body></html>",
    )
    return {}


def _edgar(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    item = group["items"][0]
    day = str(item["published"])
    folder = f"/Archives/edgar/data/{_CIK}/{_ACCESSION.replace('-', '')}"
    paragraphs = "".join(f"<p>{escape(p)}</p>" for p in item["text"].split("\n") if p)
    server.put(
        f"{folder}/q1fy27pr.htm",
        "text/html; charset=utf-8",
        f"<html><head><title>{escape(item['title'])}</title></head><body>{paragraphs}</body></html>",
    )
    server.put(
        f"{folder}/{_ACCESSION}-index.htm",
        "text/html; charset=utf-8",
        "<html><body><table class='tableFile' summary='Document Format Files'>"
        "<tr><th>Seq</th><th>Description</th><th>Document</th><th>Type</th><th>Size</th></tr>"
        f"<tr><td>1</td><td>8-K</td><td><a href='{folder}/nvda-8k.htm'>nvda-8k.htm</a></td><td>8-K</td><td>9</td></tr>"
        f"<tr><td>2</td><td>EX-99.1</td><td><a href='{folder}/q1fy27pr.htm'>q1fy27pr.htm</a></td>"
        "<td>EX-99.1</td><td>9</td></tr></table></body></html>",
    )
    recent = {
        "accessionNumber": [_ACCESSION],
        "filingDate": [day],
        "reportDate": [day],
        "acceptanceDateTime": [f"{day}T20:21:00.000Z"],
        "form": ["8-K"],
        "items": ["2.02,9.01"],
        "primaryDocument": ["nvda-8k.htm"],
        "primaryDocDescription": ["8-K"],
    }
    server.put(
        f"/{group['id']}",
        "application/json",
        json.dumps(
            {
                "cik": f"{_CIK:010d}",
                "name": "NVIDIA CORP",
                "tickers": ["NVDA"],
                "filings": {"recent": recent, "files": []},
            }
        ),
    )
    return {"archives": f"{server.base}/Archives/edgar/data", "follow": True}


_TAGS: Final = {"revenue": "Revenues", "gross_profit": "GrossProfit"}


def _companyfacts(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    tags: dict[str, list[dict[str, Any]]] = {}
    for i in group["items"]:
        tags.setdefault(_TAGS[i["metric"]], []).append(
            {
                "start": str(i["start"]),
                "end": str(i["end"]),
                "val": i["value"],
                "accn": _ACCESSION,
                "form": "10-Q",
                "filed": str(i["filed"]),
            }
        )
    facts = {tag: {"label": tag, "units": {"USD": rows}} for tag, rows in tags.items()}
    server.put(
        f"/{group['id']}",
        "application/json",
        json.dumps({"cik": _CIK, "entityName": "NVIDIA CORP", "facts": {"us-gaap": facts}}),
    )
    return {}


def _csv(server: SampleServer, group: dict[str, Any]) -> dict[str, Any]:
    rows = "".join(f"{i['month']},2330,{i['value']}\n" for i in group["items"])
    server.put(f"/{group['id']}", "text/csv; charset=utf-8", f"資料年月,公司代號,當月營收(千元)\n{rows}")
    return {}


_RENDERERS: Final[dict[str, Callable[[SampleServer, dict[str, Any]], dict[str, Any]]]] = {
    "rss": _rss,
    "atom": _atom,
    "json_feed": _json_feed,
    "json_api": _json_api,
    "html_list": _html_list,
    "edgar_submissions": _edgar,
    "xbrl_companyfacts": _companyfacts,
    "csv": _csv,
}


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[dict[str, tuple[str, bytes]]] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        media_type, body = self.pages.get(urlsplit(self.path).path, ("text/plain", b""))
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        status = 404 if not body else 304 if self.headers.get("If-None-Match") == tag else 200
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the tracker tells what it fetched."""


def _bound(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer(("127.0.0.1", PORT), handler)
    except OSError:  # another demonstration is running
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


@contextmanager
def running() -> Iterator[SampleServer]:
    """The server on 127.0.0.1, in a thread of its own.

    Documents are known by their address, so the port is the same in every run where it can be had.
    """

    class Handler(_Handler):
        pages: ClassVar[dict[str, tuple[str, bytes]]] = {}

    with _bound(Handler) as httpd:
        samples = SampleServer(f"http://127.0.0.1:{httpd.server_address[1]}")
        Handler.pages = samples.pages
        thread = threading.Thread(target=httpd.serve_forever, name="samples", daemon=True)
        thread.start()
        try:
            yield samples
        finally:
            httpd.shutdown()
            thread.join()
