"""Mails and pages in a real Chromium: no sideways scrolling, readable colours, nothing loaded from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.alerts.small import NOW, kit
from tests.browser.chromium import launched, needs_chromium
from tests.browser.mails import LINKS, SCHEMES, WIDTHS, pages
from tests.daemon.world import free_port
from tracker.alerts.feedback import Effect, apply
from tracker.alerts.links import Answer
from tracker.config import DaemonSettings
from tracker.store import Store
from tracker.web.app import Health, build_app

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]
MAILS = ("digest-en", "digest-zh", "weekly-en", "weekly-zh", "earnings-en", "earnings-zh")
PAGES = ("/", "/claims/D1", "/signals", "/ledger", "/sources", "/rules", "/sql?q=SELECT+1+AS+one")
# axe looks at a page, a mail is shown inside one: these rules are about pages of a site
PAGE_RULES = {"region", "landmark-one-main", "bypass"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def mails(folder: Path) -> dict[str, Path]:
    return pages(folder, ("digest", "weekly", "earnings"))


@pytest.fixture(scope="module")
def site(folder: Path, mails: dict[str, Path]) -> Iterator[str]:
    """The web view on the demonstration's database, by a real server."""
    store = Store.open(folder / "store.duckdb")

    async def answer(asked: Answer) -> Effect:
        return apply(store, kit(), asked, NOW)

    mine = replace(kit(), links=LINKS)
    app = build_app(DaemonSettings(), Health(started_at=NOW), store.path, lambda: mine, answer)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as made:
        yield made


def look(browser: Any, address: str, width: int, scheme: str) -> tuple[int, list[str], list[str]]:
    """(width of the content, violations axe finds, addresses asked for from outside)."""
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    wide = int(page.evaluate("document.documentElement.scrollWidth"))
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}).response["violations"]
    context.close()
    problems = [f"{v['id']}: {n['html'][:120]}" for v in found if v["id"] not in PAGE_RULES for n in v["nodes"]]
    return wide, problems, [url for url in asked if not url.startswith(("data:", address.rpartition("/")[0]))]


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_mail_fits_reads_and_loads_nothing(
    browser: Any, mails: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    wide, problems, outside = look(browser, mails[name].as_uri(), width, scheme)
    assert wide <= width
    assert problems == []
    assert outside == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_page_fits_a_phone_and_reads(browser: Any, site: str, path: str, scheme: str) -> None:
    wide, problems, _ = look(browser, f"{site}{path}", 375, scheme)
    assert wide <= 375
    assert problems == []


def test_contrast_is_really_looked_at(browser: Any, tmp_path: Path) -> None:
    pale = tmp_path / "pale.html"
    pale.write_text(
        '<!doctype html><html lang="en"><title>pale</title><main><p style="color:#bbb">pale words</p></main></html>',
        encoding="utf-8",
    )
    _, problems, _ = look(browser, pale.as_uri(), 375, "light")
    assert [p.partition(":")[0] for p in problems] == ["color-contrast"]
