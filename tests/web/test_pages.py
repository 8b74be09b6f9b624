"""The pages, the guard before them, and the links of mails: in process, on a small store."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from tests.alerts.small import NOW, filled, kit
from tracker.alerts.feedback import Effect, apply
from tracker.alerts.links import Answer, Links
from tracker.alerts.subscriptions import begin_again
from tracker.config import DaemonSettings
from tracker.kit import Kit
from tracker.store import Store
from tracker.web.app import Health, build_app

HOSTILE = (
    "Evil Wire",
    'Micron says HBM for 2026 is sold out <script>alert("x")</script><img src=x onerror=alert(1)>.',
)
PAGES = ("/", "/claims/S1", "/signals", "/ledger", "/sources", "/rules", "/sql", "/sql?q=SELECT+42+AS+answer")


class Site:
    """The application on a store, with a client that comes from a given address."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = filled(
            folder,
            (HOSTILE, ("Beta Wire", "Amazon raised its 2026 capital expenditure guidance to $220 billion.")),
            url="javascript:alert(1)",
        )
        self.store.publish()
        self.links = Links("https://tracker.example.org", b"a secret of this test")
        self.kit: Kit = replace(kit(), links=self.links)
        self.settings = DaemonSettings(web_token="right token", public_url="https://tracker.example.org")

    async def apply(self, answer: Answer) -> Effect:
        return apply(self.store, self.kit, answer, NOW.replace(minute=30))

    def ask(
        self,
        path: str,
        *,
        peer: str = "127.0.0.1",
        host: str = "127.0.0.1:8765",
        method: str = "GET",
        **options: object,
    ) -> httpx.Response:
        app = build_app(self.settings, Health(started_at=NOW), self.store.path, lambda: self.kit, self.apply)

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app=app, client=(peer, 1234))
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
                return await client.request(method, path, **options)  # type: ignore[arg-type]

        return asyncio.run(call())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.store.close()


def signal_of(site: Site, claim: str) -> str:
    return str(site.store.scalar("SELECT min(signal_id) FROM v_signals WHERE claim = $c", {"c": claim}))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_and_carries_no_live_markup_of_others(site: Site, path: str) -> None:
    answer = site.ask(path)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "<img src=x" not in answer.text
    assert "javascript:" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_sentence_is_marked_in_its_document(site: Site) -> None:
    page = site.ask(f"/signals/{signal_of(site, 'S1')}").text
    marked = page.partition("<mark>")[2].partition("</mark>")[0]
    assert "sold out" in marked
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_json_and_atom_tell_the_same_signals(site: Site) -> None:
    rows = site.ask("/api/signals?claim=D1").json()["signals"]
    feed = ElementTree.fromstring(site.ask("/signals.atom?claim=D1").text)
    space = "{http://www.w3.org/2005/Atom}"
    ids = [e.findtext(f"{space}id") for e in feed.findall(f"{space}entry")]
    assert ids == [f"urn:tracker:signal:{r['signal_id']}" for r in rows]
    assert rows
    one = site.ask(f"/api/signals/{rows[0]['signal_id']}").json()
    assert one["facts"][0]["marked"] in "Amazon raised its 2026 capital expenditure guidance to $220 billion."
    assert site.ask("/api/signals/none").status_code == 404
    assert {r["claim"] for r in site.ask("/api/conviction").json()["conviction"]} >= {"THESIS", "D1"}


def test_pictures_are_drawn(site: Site) -> None:
    for path in ("/claims/D1/line.svg", "/ledger.svg"):
        assert "<svg" in site.ask(path).text


@pytest.mark.parametrize(
    "question",
    [
        "DROP TABLE signals",
        "DELETE FROM signals",
        "COPY signals TO '/tmp/out.csv'",
        "SELECT * FROM read_text('/etc/passwd')",
        "ATTACH '/tmp/other.duckdb' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_a_question_cannot_write_or_leave_the_database(site: Site, question: str) -> None:
    before = site.store.scalar("SELECT count(*) FROM signals")
    page = site.ask("/sql", params={"q": question})
    assert page.status_code == 200
    assert 'class="down"' in page.text
    assert "root:" not in page.text
    assert site.store.scalar("SELECT count(*) FROM signals") == before


def test_a_question_gets_at_most_a_page(site: Site) -> None:
    assert "500 rows" in site.ask("/sql", params={"q": "SELECT * FROM range(100000)"}).text


def test_other_machines_need_the_token(site: Site) -> None:
    far = {"peer": "203.0.113.9", "host": "tracker.example.org"}
    assert site.ask("/", **far).status_code == 401
    assert site.ask("/metrics", **far).status_code == 401
    assert site.ask("/", **far, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert site.ask("/", **far, headers={"authorization": "Bearer right token"}).status_code == 200
    opened = site.ask("/?token=right+token", **far)
    assert opened.status_code == 303
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert site.ask("/healthz", **far).status_code == 200


def test_a_proxy_or_a_foreign_name_is_not_this_machine(site: Site) -> None:
    assert site.ask("/", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 401
    assert site.ask("/", host="evil.example.net").status_code == 401
    assert site.ask("/", host="tracker.example.org").status_code == 200


def test_without_a_token_nobody_else_gets_in(tmp_path: Path) -> None:
    made = Site(tmp_path)
    made.settings = DaemonSettings()
    assert made.ask("/?token=", peer="203.0.113.9").status_code == 401
    assert made.ask("/", peer="203.0.113.9", headers={"authorization": "Bearer "}).status_code == 401
    made.store.close()


def test_a_link_asks_by_get_and_acts_by_post_once(site: Site) -> None:
    signal = signal_of(site, "S1")
    far = {"peer": "203.0.113.9", "host": "tracker.example.org"}
    now = path_now(site, "reject", signal)
    asked = site.ask(now, **far)
    assert asked.status_code == 200
    assert 'method="post"' in asked.text
    assert site.store.scalar("SELECT count(*) FROM reviews") == 0
    assert site.ask(now, method="HEAD", **far).status_code == 200
    assert site.store.scalar("SELECT count(*) FROM reviews") == 0
    acted = site.ask(now, method="POST", **far)
    assert "Marked as wrong" in acted.text
    again = site.ask(now, method="POST", **far)
    assert "done before" in again.text
    assert site.store.scalar("SELECT count(*) FROM reviews") == 1


def path_now(site: Site, action: str, target: str) -> str:
    url = site.links.url(action, target, "reader@example.org", datetime.now(UTC))  # type: ignore[arg-type]
    return url.removeprefix("https://tracker.example.org")


def test_a_mail_programs_own_button_unsubscribes(site: Site) -> None:
    path = path_now(site, "unsubscribe", "digest")
    answer = site.ask(path, method="POST", data={"List-Unsubscribe": "One-Click"}, peer="203.0.113.9")
    assert "No more of these mails" in answer.text
    assert site.store.scalar("SELECT count(*) FROM unsubscribed") == 1


def test_a_page_behind_a_link_speaks_the_language_of_its_mail(site: Site) -> None:
    url = site.links.url("reject", signal_of(site, "S1"), "reader@example.org", datetime.now(UTC), "zh")
    path = url.removeprefix("https://tracker.example.org")
    asked, acted, again = (site.ask(path, method=method).text for method in ("GET", "POST", "POST"))
    assert "标为错误" in asked
    assert "已标为错误" in acted
    assert "撤销" in acted
    assert "此前已完成" in again
    for page in (asked, acted, again):
        assert 'lang="zh-CN"' in page
        assert "Mark" not in page
        assert "Undo" not in page
    undo = re.search(r'action="https://tracker.example.org(/a/[^"]+)"', acted)
    assert undo is not None
    assert "已撤回" in site.ask(undo.group(1), method="POST").text


def test_an_old_link_says_why_it_ends_nothing(site: Site) -> None:
    old = path_now(site, "unsubscribe", "immediate")
    assert "No more" in site.ask(old, method="POST").text
    begin_again(site.store, "reader@example.org", datetime.now(UTC) + timedelta(minutes=1))
    answer = site.ask(old, method="POST")
    assert answer.status_code == 400
    assert "asked for these mails again" in answer.text
    spoiled = site.ask("/a/nonsense", method="POST", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert "此链接无效" in spoiled.text


def test_a_spoiled_link_says_so(site: Site) -> None:
    answer = site.ask("/a/nonsense", method="POST")
    assert answer.status_code == 400
    assert "not made here" in answer.text


def test_what_is_not_there_says_so(site: Site) -> None:
    for path in ("/claims/none", "/signals/none"):
        assert site.ask(path).status_code == 404


def test_json_has_no_figures_outside_json(site: Site) -> None:
    json.loads(site.ask("/api/conviction").text, parse_constant=lambda name: pytest.fail(name))
