"""One poll of one source over real sockets: archive first, follow what is named, remember what was read."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conftest import Publisher
from tracker.ingest import fetch as fetch_module
from tracker.ingest.archive import Archive
from tracker.ingest.client import HttpClient, HttpSettings
from tracker.ingest.documents import build_documents
from tracker.ingest.fetch import FetchOutcome, fetch_source
from tracker.ingest.sources import Source
from tracker.ingest.state import first_state

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
ARTICLE = "<html><body><article><h1>Racks</h1><p>{}</p></article></body></html>"


def feed(*links: str) -> str:
    items = "".join(f"<item><title>News {n}</title><link>{link}</link></item>" for n, link in enumerate(links))
    return f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"


def source(url: str, kind: str = "rss", poll_minutes: float = 5.0, **options: Any) -> Source:
    return Source("s1", "S", kind, url, "en", 1, poll_minutes, options=options)


def poll(
    polled: Source,
    folder: Path,
    state: dict[str, Any] | None = None,
    known: frozenset[str] = frozenset(),
    issuers: dict[int, tuple[str, int]] | None = None,
    failing: dict[str, tuple[int, datetime]] | None = None,
) -> FetchOutcome:
    settings = HttpSettings(contact="a@example.org", allow_private=True, per_host_rps=1000.0, retries=0)

    async def run() -> FetchOutcome:
        async with HttpClient(settings) as client:
            return await fetch_source(
                polled, state or first_state(polled, NOW), client, Archive(folder), NOW,
                known_urls=known, failing=failing, issuers=issuers,
            )  # fmt: skip

    return asyncio.run(run())


def test_a_body_is_archived_even_when_nothing_can_be_read_from_it(publisher: Publisher, tmp_path: Path) -> None:
    body = b"<html>we moved</html>"
    outcome = poll(source(publisher.put("/feed", body)), tmp_path)
    assert Archive(tmp_path).get(hashlib.sha256(body).hexdigest()) == body
    assert outcome.raw[0]["bytes"] == len(body)
    assert "is not a feed" in outcome.problems[0]
    assert outcome.state["failures"] == 1


def test_validators_come_back_with_the_next_poll_and_a_304_changes_nothing(
    publisher: Publisher, tmp_path: Path
) -> None:
    body = feed("https://news.example.org/1").encode()
    publisher.pages["/feed"] = lambda headers: (
        (304, b"", {}) if headers.get("If-None-Match") == '"v1"' else (200, body, {"ETag": '"v1"'})
    )
    polled = source(f"{publisher.base}/feed")
    first = poll(polled, tmp_path)
    second = poll(polled, tmp_path, first.state)
    assert [item.title for item, _ in first.items] == ["News 0"]
    assert (second.items, second.raw, second.fetches[0]["not_modified"]) == ([], [], True)
    assert second.state["etag"] == '"v1"'
    assert second.state["next_due_at"] == NOW + timedelta(minutes=5)


def test_pages_of_items_are_read_once(publisher: Publisher, tmp_path: Path) -> None:
    words = "NVIDIA ships NVL72 racks in volume this quarter, suppliers say. " * 10
    pages = [publisher.put(f"/a/{n}", ARTICLE.format(words), Content_Type="text/html") for n in range(3)]
    polled = source(publisher.put("/feed", feed(*pages, pages[0])), follow=True)
    first = poll(polled, tmp_path)
    assert {item.url for item, _ in first.items} == set(pages)
    assert all("NVL72" in item.text for item, _ in first.items)
    second = poll(polled, tmp_path, first.state, known=frozenset(pages))
    assert (second.items, second.links_known) == ([], 3)
    assert [publisher.asked(f"/a/{n}") for n in range(3)] == [1, 1, 1]


def test_more_pages_than_the_limit_wait_for_the_next_poll(publisher: Publisher, tmp_path: Path) -> None:
    pages = [publisher.put(f"/a/{n}", ARTICLE.format("words " * 60)) for n in range(5)]
    body = feed(*pages).encode()
    publisher.pages["/feed"] = (200, body, {"ETag": '"v1"'})
    polled = source(f"{publisher.base}/feed", follow=True, max_follow=2)
    first = poll(polled, tmp_path)
    assert (len(first.items), first.links_left, first.state["etag"]) == (2, 3, None)
    read = frozenset(item.url for item, _ in first.items)
    second = poll(polled, tmp_path, first.state, known=read)
    assert read.isdisjoint(item.url for item, _ in second.items)
    assert (second.links_known, second.links_left) == (2, 1)


def test_a_page_that_is_gone_keeps_its_headline_and_the_others_are_read(publisher: Publisher, tmp_path: Path) -> None:
    good = publisher.put("/good", ARTICLE.format("words " * 60))
    outcome = poll(source(publisher.put("/feed", feed(f"{publisher.base}/gone", good)), follow=True), tmp_path)
    assert [(item.title, sha is None) for item, sha in outcome.items] == [("News 0", True), ("News 1", False)]
    assert len(outcome.problems) == 1
    assert outcome.state["failures"] == 0


def test_a_page_that_is_down_is_asked_again_next_time(publisher: Publisher, tmp_path: Path) -> None:
    down = publisher.put("/down", "", 503)
    publisher.pages["/feed"] = (200, feed(down).encode(), {"ETag": '"v1"'})
    outcome = poll(source(f"{publisher.base}/feed", follow=True), tmp_path)
    assert (outcome.items, outcome.state["etag"]) == ([], None)
    assert outcome.problems


def test_a_broken_pdf_is_a_problem_and_its_headline_stays(publisher: Publisher, tmp_path: Path) -> None:
    page = publisher.put("/x.pdf", b"%PDF-1.7 cut", Content_Type="application/pdf")
    outcome = poll(source(publisher.put("/feed", feed(page)), follow=True), tmp_path)
    assert [item.title for item, _ in outcome.items] == ["News 0"]
    assert outcome.problems
    assert len(outcome.raw) == 2


def test_a_source_that_fails_waits_longer_each_time_and_recovers(publisher: Publisher, tmp_path: Path) -> None:
    polled = source(publisher.put("/feed", "", 500))
    state, waits = first_state(polled, NOW), []
    for _ in range(4):
        state = poll(polled, tmp_path, state).state
        waits.append(state["next_due_at"] - NOW)
    assert waits == sorted(waits)
    assert waits[-1] > 6 * waits[0]
    assert (state["failures"], "500" in state["last_error"]) == (4, True)
    publisher.put("/feed", feed("https://news.example.org/1"))
    healed = poll(polled, tmp_path, state).state
    assert (healed["failures"], healed["last_error"]) == (0, None)
    assert healed["next_due_at"] == NOW + timedelta(minutes=5)


def test_a_server_that_asks_for_an_hour_gets_it(publisher: Publisher, tmp_path: Path) -> None:
    polled = source(publisher.put("/feed", "", 429, Retry_After="3600"))
    outcome = poll(polled, tmp_path)
    assert outcome.state["next_due_at"] >= NOW + timedelta(hours=1)
    assert outcome.fetches[0]["error_class"] == "http_429"


def test_a_parser_that_breaks_is_a_failure_of_its_source(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(fetch_module, "parser_for", lambda kind, issuers: broken)
    outcome = poll(source(publisher.put("/feed", "x")), tmp_path)
    assert "a bug" in outcome.problems[0]
    assert outcome.state["failures"] == 1
    assert len(outcome.raw) == 1


@pytest.mark.real
def test_a_filing_is_read_from_submissions_over_its_index_to_the_document(
    publisher: Publisher, tmp_path: Path, shared_data: Path
) -> None:
    """Real submissions and a real index page, served as they were; the documents it names by stand-ins of ours."""
    index = next((shared_data / "edgar" / "filings").glob("*-index.html")).read_text(encoding="utf-8")
    accession = "0001045810-26-000024"
    recent = {"accessionNumber": [accession], "form": ["8-K"], "filingDate": ["2026-03-04"], "items": ["2.02"]}
    answer = {"cik": "1045810", "name": "NVIDIA CORP", "filings": {"recent": recent}}
    folder = f"/data/1045810/{accession.replace('-', '')}"
    publisher.put(f"{folder}/{accession}-index.htm", index)
    for path in set(re.findall(r'href="(?:/ix\?doc=)?(/Archives/[^"]+\.html?)"', index)):
        publisher.put(path, "<html><body><p>Revenue was $57.0 billion.</p></body></html>")
    polled = source(
        publisher.put("/submissions", json.dumps(answer)), "edgar_submissions", archives=f"{publisher.base}/data"
    )
    outcome = poll(polled, tmp_path, issuers={1045810: ("NVDA", 1)})
    assert any("57.0 billion" in item.text for item, _ in outcome.items)
    assert {item.entity for item, _ in outcome.items} == {"NVDA"}
    assert len(outcome.raw) == len(outcome.fetches) >= 3
    again = poll(polled, tmp_path, outcome.state, known=frozenset(item.url for item, _ in outcome.items))
    assert (again.items, len(again.fetches)) == ([], 1)


def test_figures_a_filing_marks_come_with_its_document(publisher: Publisher, tmp_path: Path) -> None:
    context = (
        '<xbrli:context id="q"><xbrli:entity><xbrli:identifier scheme="http://www.sec.gov/CIK">0001045810</xbrli:identifier>'
        "</xbrli:entity><xbrli:period><xbrli:startDate>2025-04-28</xbrli:startDate><xbrli:endDate>2025-07-27</xbrli:endDate>"
        '</xbrli:period></xbrli:context><xbrli:unit id="usd"><xbrli:measure>iso4217:USD</xbrli:measure></xbrli:unit>'
    )
    publisher.put(
        "/Archives/report.htm",
        f'<html><body><div style="display:none">{context}</div><p>10-Q</p><table><tr><td>Revenue</td><td>'
        '<ix:nonFraction unitRef="usd" contextRef="q" name="us-gaap:Revenues" scale="6">46,743</ix:nonFraction>'
        "</td></tr></table></body></html>",
    )
    accession = "0001045810-25-000209"
    publisher.put(
        f"/data/1045810/{accession.replace('-', '')}/{accession}-index.htm",
        "<table class='tableFile'><tr><th>Seq</th></tr><tr><td>1</td><td>10-Q</td>"
        "<td><a href='/ix?doc=/Archives/report.htm'>report.htm</a></td><td>10-Q</td><td>1</td></tr></table>",
    )
    recent = {"accessionNumber": [accession], "form": ["10-Q"], "filingDate": ["2025-08-27"], "items": [""]}
    answer = {"cik": "1045810", "name": "NVIDIA CORP", "filings": {"recent": recent}}
    polled = source(
        publisher.put("/submissions", json.dumps(answer)), "edgar_submissions", archives=f"{publisher.base}/data"
    )
    outcome = poll(polled, tmp_path, issuers={1045810: ("NVDA", 1)})
    documents = build_documents(outcome.items, polled, NOW)
    (fact,) = outcome.facts.to_dicts()
    assert (fact["kind"], fact["entity"], fact["period"], fact["value_low"]) == (
        "revenue",
        "NVDA",
        "FY2026Q2",
        46.743e9,
    )
    text = dict(documents.select("doc_id", "text").iter_rows())[fact["doc_id"]]
    assert text[fact["start"] : fact["end"]] == fact["quote"] == "Revenue | 46,743"


@pytest.mark.real
def test_every_kind_with_real_bytes_goes_through_the_whole_fetch(
    publisher: Publisher, tmp_path: Path, shared_data: Path
) -> None:
    edgar = shared_data / "edgar"
    submissions = gzip.decompress((edgar / "submissions" / "CIK0001045810.json.gz").read_bytes())
    figures = gzip.decompress((edgar / "companyfacts" / "CIK0001045810.json.gz").read_bytes())
    current = max((edgar / "getcurrent").glob("*.atom"), key=lambda file: file.stat().st_size).read_bytes()
    table = (shared_data / "taiwan" / "tsmc_monthly_revenue.csv").read_bytes()
    columns = {"year": "revenue_year", "month": "revenue_month", "value": "revenue", "currency": "TWD"}
    issuers = {1045810: ("NVDA", 1)}
    for kind, body, entity, options in (
        ("edgar_submissions", submissions, (), {"follow": False}),
        ("xbrl_companyfacts", figures, (), {}),
        ("edgar_getcurrent", current, (), {"follow": False, "all": True}),
        ("csv", table, ("2330.TW",), columns),
    ):
        packed = publisher.put(f"/{kind}", gzip.compress(body), Content_Encoding="gzip")
        polled = Source(kind, kind, kind, packed, "en", 1, 5.0, entity, options=options)
        outcome = poll(polled, tmp_path, issuers=issuers)
        assert outcome.problems == []
        assert len(outcome.items) > 5, kind
        assert Archive(tmp_path).get(outcome.raw[0]["sha256"]) == body
        assert outcome.state["failures"] == 0
