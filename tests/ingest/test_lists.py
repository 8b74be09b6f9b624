"""Feeds, JSON and list pages: the traps their publishers set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tracker.ingest.formats import feed, html_list, json_api, sitemap
from tracker.ingest.sources import Source

NOW = datetime(2026, 11, 24, tzinfo=UTC)
URL = "https://news.example.org/press/list"


def source(kind: str, **options: Any) -> Source:
    return Source("s", "S", kind, URL, "en", 1, 60.0, options=options)


def read_feed(body: str | bytes, charset: str | None = None) -> Any:
    packed = body.encode() if isinstance(body, str) else body
    return feed.parse(packed, source("rss"), url=URL, fetched_at=NOW, charset=charset)


def rss(item: str) -> str:
    return f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>"


def test_a_feed_without_entries_is_no_failure() -> None:
    parsed = read_feed(rss(""))
    assert (parsed.items, parsed.problems) == ([], [])


def test_a_page_instead_of_a_feed_is_a_problem() -> None:
    assert "is not a feed" in read_feed("<!doctype html><html><body>Just a moment...</body></html>").problems[0]


def test_broken_xml_keeps_the_entries_before_and_after_the_break() -> None:
    broken = rss("<item><title>A & B</title></item><item><title>C</titel></item><item><title>D</title></item>")
    assert len(read_feed(broken).items) == 3
    assert [i.title for i in read_feed(rss("<item><title>A</title></item>")[:-24]).items] == ["A"]


def test_relative_links_are_resolved_against_the_feed() -> None:
    item = read_feed(rss("<item><title>A</title><link>../2026/a.html</link></item>")).items[0]
    assert item.url == "https://news.example.org/2026/a.html"


def test_an_entry_with_only_a_text_is_kept() -> None:
    item = read_feed(
        rss("<item><description>&lt;p&gt;Sold &lt;b&gt;out&lt;/b&gt;&lt;/p&gt;</description></item>")
    ).items[0]
    assert "Sold" in item.text
    assert item.url.startswith(URL)


@pytest.mark.parametrize(
    ("declared", "encoding", "header"),
    [("", "utf-8", None), ("big5", "big5", None), ("gb2312", "gb18030", None), ("utf-8", "big5", "big5")],
)
def test_chinese_feeds_are_read_in_the_charset_that_holds(declared: str, encoding: str, header: str | None) -> None:
    head = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    body = (head + rss("<item><title>台積電營收</title></item>")).encode(encoding)
    assert read_feed(body, header).items[0].title == "台積電營收"


def test_a_publication_date_in_the_republics_years_is_read() -> None:
    item = read_feed(rss("<item><title>A</title><pubDate>115年11月10日</pubDate></item>")).items[0]
    assert item.published_at == datetime(2026, 11, 10, tzinfo=UTC)


def read_json(body: str, kind: str = "json_api", **options: Any) -> Any:
    parse = json_api.parse_feed if kind == "json_feed" else json_api.parse
    return parse(body.encode(), source(kind, **options), url=URL, fetched_at=NOW)


@pytest.mark.parametrize("column", ["主旨", "主旨 "])
def test_blanks_around_a_column_name_do_not_matter(column: str) -> None:
    for served in ("主旨", "主旨 "):
        parsed = read_json(f'[{{"{served}": "公告", "發言日期": "1151110"}}]', title=column, published="發言日期")
        assert (parsed.items[0].title, parsed.items[0].published_at) == ("公告", datetime(2026, 11, 10, tzinfo=UTC))


def test_json_feed_falls_back_to_what_the_standard_offers() -> None:
    body = (
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "external_url": "https://else.example/1",'
        ' "content_text": "Only text", "date_modified": "2026-02-03T00:00:00Z", "authors": [{"name": "Ada"}]}]}'
    )
    item = read_json(body, "json_feed").items[0]
    assert (item.url, item.author, item.text) == ("https://else.example/1", "Ada", "Only text")
    assert item.published_at == datetime(2026, 2, 3, tzinfo=UTC)


def test_a_row_that_is_no_object_is_named_and_the_rest_is_read() -> None:
    parsed = read_json(
        '{"rows": [7, {"title": "A", "url": "http://["}, null, {"title": "B", "url": "/b"}]}', items="rows"
    )
    assert [item.title for item in parsed.items] == ["A", "B"]
    assert parsed.items[1].url == "https://news.example.org/b"
    assert [problem.split(": ")[1] for problem in parsed.problems] == [
        "item 0 is not an object",
        "item 2 is not an object",
    ]


def test_a_list_page_survives_links_that_lead_nowhere() -> None:
    page = b"<ul><li><a href='http://['>Broken</a></li><li><a href='mailto:a@b'>Mail</a></li><li><a href='b'>B</a></li></ul>"
    parsed = html_list.parse(page, source("html_list", item="li"), url=URL, fetched_at=NOW)
    assert [item.title for item in parsed.items] == ["Broken", "Mail", "B"]
    assert [item.url for item in parsed.items][2] == "https://news.example.org/press/b"
    assert all(item.url.startswith("https://news.example.org/press/") for item in parsed.items)


def test_a_selector_that_is_none_is_a_problem() -> None:
    parsed = html_list.parse(b"<p>x</p>", source("html_list", item="li[["), url=URL, fetched_at=NOW)
    assert "is not a selector" in parsed.problems[0]


SITEMAP = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>https://news.example.org/news/older-chip</loc><lastmod>2026-01-02</lastmod></url>
<url><loc>https://news.example.org/about</loc></url>
<url><loc>https://news.example.org/news/new-rack-ships</loc><lastmod>2026-05-06T07:08:09Z</lastmod></url></urlset>"""


def test_a_sitemap_gives_the_pages_that_match_latest_first() -> None:
    parsed = sitemap.parse(SITEMAP.encode(), source("sitemap", match="/news/"), url=URL, fetched_at=NOW)
    assert [(item.title, item.published_at) for item in parsed.items] == [
        ("new rack ships", datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("older chip", datetime(2026, 1, 2, tzinfo=UTC)),
    ]
    followed = sitemap.parse(SITEMAP.encode(), source("sitemap", follow=True), url=URL, fetched_at=NOW)
    assert (len(followed.links), followed.items) == (3, [])


def test_a_sitemap_reads_no_file_of_this_machine() -> None:
    bait = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><urlset><url><loc>https://h/a</loc><title>&e;</title></url></urlset>'
    assert [i.title for i in sitemap.parse(bait.encode(), source("sitemap"), url=URL, fetched_at=NOW).items] == ["a"]


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b"\x00\xff", b"<sitemapindex><sitemap><loc>x</loc></sitemap></sitemapindex>"]
)
def test_what_is_no_sitemap_is_a_problem(body: bytes) -> None:
    assert sitemap.parse(body, source("sitemap"), url=URL, fetched_at=NOW).problems
