"""What a source is asked: days and secrets in the address, headers, a form; pages that fail are left alone for a while."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.ingest.conftest import Publisher
from tests.ingest.test_fetch import NOW, feed, poll, source
from tracker.errors import RuleError
from tracker.ingest.client import FetchError
from tracker.ingest.fetch import HOPELESS_AFTER
from tracker.ingest.request import request_of
from tracker.ingest.sources import Source, load_sources
from tracker.jobs import failing_pages
from tracker.store import Store

ADDRESS = "https://example.org/news"


def asked(url: str, environment: Mapping[str, str] | None = None, **request: Any) -> Any:
    return request_of(
        Source("s", "S", "json_api", url, "en", 1, 60.0, request=request),
        datetime(2026, 3, 1, 23, 59, tzinfo=UTC),
        environment,
    )


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (ADDRESS, ADDRESS),
        (ADDRESS + "?d={date:%Y%m%d}", ADDRESS + "?d=20260301"),
        (ADDRESS + "/{date-1:%Y-%m-%d}", ADDRESS + "/2026-02-28"),
        (ADDRESS + "/{date:%R/%m}", ADDRESS + "/115/03"),
        (ADDRESS + "?key=${A_KEY}", ADDRESS + "?key=a%26b"),
    ],
)
def test_days_and_secrets_are_filled_in(url: str, wanted: str) -> None:
    request = asked(url, {"A_KEY": "a&b"})
    assert request.url == wanted
    assert request.changes == ("{date" in url)


def test_headers_and_body_take_them_too() -> None:
    request = asked(ADDRESS, {"A_KEY": "s3"}, headers={"X-Key": "${A_KEY}"}, body='{"from": "{date-7:%Y-%m-%d}"}')
    assert request.headers == {"X-Key": "s3"}
    assert request.body == b'{"from": "2026-02-22"}'
    assert "s3" not in repr(request)


def test_a_secret_that_is_not_set_is_named() -> None:
    with pytest.raises(FetchError, match="A_KEY"):
        asked(ADDRESS + "?key=${A_KEY}", {})


@pytest.mark.parametrize(
    ("url", "good"),
    [
        (ADDRESS + "?d={date:%Y%m%d}", True),
        (ADDRESS + "?d={date-30:%Y}&k=${THE_KEY}", True),
        (ADDRESS + "?price=$5", True),
        (ADDRESS + "?d={day}", False),
        ("https://{date:%Y}.example.org/", False),
        ("https://${HOST}/", False),
    ],
)
def test_the_sources_file_takes_only_templates_behind_the_host(tmp_path: Path, url: str, good: bool) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text(json.dumps({"sources": [{"id": "a", "kind": "rss", "url": url}]}), encoding="utf-8")
    if good:
        assert load_sources([file])[0].url == url
    else:
        with pytest.raises(RuleError, match="url"):
            load_sources([file])


def test_a_form_is_posted_with_its_headers_and_without_validators(publisher: Publisher, tmp_path: Path) -> None:
    answer = json.dumps({"rows": [{"title": "NVIDIA ships racks", "link": "https://example.org/1"}]})
    url = publisher.put("/query", answer)
    form = Source(
        "s1", "S", "json_api", url, "en", 1, 5.0,
        options={"items": "rows", "url": "link"},
        request={"headers": {"Content-Type": "application/json"}, "body": '{"day": "{date:%Y-%m-%d}"}'},
    )  # fmt: skip
    outcome = poll(form, tmp_path, {"etag": '"old"', "last_modified": None, "failures": 0})
    assert [item.title for item, _ in outcome.items] == ["NVIDIA ships racks"]
    assert publisher.bodies == [b'{"day": "2026-11-24"}']
    _, headers = publisher.requests[-1]
    assert headers["Content-Type"] == "application/json"
    assert "If-None-Match" not in headers


def test_another_host_sees_neither_headers_nor_form(publisher: Publisher, tmp_path: Path) -> None:
    there = publisher.put("/there", feed())
    elsewhere = there.replace("127.0.0.1", "localhost")
    publisher.pages["/here"] = (307, b"", {"Location": elsewhere})
    moved = Source(
        "s1", "S", "rss", publisher.base + "/here", "en", 1, 5.0, request={"headers": {"X-Key": "k"}, "body": "b"}
    )
    poll(moved, tmp_path)
    seen = {path: headers for path, headers in publisher.requests if path in ("/here", "/there")}
    assert seen["/here"]["X-Key"] == "k"
    assert "X-Key" not in seen["/there"]
    assert publisher.bodies == [b"b"]


def test_a_page_that_fails_rests_longer_each_time_and_is_given_up_in_the_end(
    publisher: Publisher, tmp_path: Path
) -> None:
    page = publisher.put("/broken", b"", status=503)
    polled = source(publisher.put("/feed", feed(page)), follow=True)
    first = poll(polled, tmp_path)
    assert publisher.asked("/broken") == 1
    assert [row["error_class"] for row in first.fetches] == [None, "http_503"]
    assert first.state["etag"] is None

    resting = poll(polled, tmp_path, failing={page: (3, NOW - timedelta(minutes=10))})
    assert (resting.links_resting, publisher.asked("/broken"), resting.items) == (1, 1, [])

    poll(polled, tmp_path, failing={page: (3, NOW - timedelta(minutes=30))})
    assert publisher.asked("/broken") == 2

    last = poll(polled, tmp_path, failing={page: (HOPELESS_AFTER, NOW - timedelta(minutes=1))})
    assert [(item.title, sha) for item, sha in last.items] == [("News 0", None)]
    assert publisher.asked("/broken") == 2
    assert "given up" in last.problems[0]


def test_the_record_of_requests_tells_which_pages_fail(tmp_path: Path) -> None:
    polled = source("https://example.org/feed")
    rows = [
        ("https://example.org/a", 5, "http_503"), ("https://example.org/a", 4, None), ("https://example.org/a", 3, "timeout"),
        ("https://example.org/a", 1, "http_502"), ("https://example.org/b", 2, "http_500"), ("https://example.org/b", 1, None),
    ]  # fmt: skip
    frame = pl.DataFrame(
        [
            {"fetch_id": str(i), "source_id": "s1", "url": url, "requested_at": NOW - timedelta(hours=hours),
             "not_modified": False, "error_class": error}
            for i, (url, hours, error) in enumerate(rows)
        ]
    )  # fmt: skip
    with Store.open(tmp_path / "s.duckdb") as store:
        store.append("fetches", frame)
        assert failing_pages(store, polled) == {"https://example.org/a": (2, NOW - timedelta(hours=1))}
