"""Mails to look at: the demonstration's evidence told as the editions a reader gets, in both languages.

`python -m tests.browser.mails` draws the pictures of the documentation anew.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from tests.alerts.small import kit, reader
from tests.browser.chromium import launched
from tracker.alerts import editions
from tracker.alerts.links import Links
from tracker.alerts.render import RenderedMail, render, standalone
from tracker.store import Store

LINKS = Links("https://tracker.example.org", b"a secret of these mails")
IMAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
WIDTHS = (375, 800)
SCHEMES = ("light", "dark")


def demonstration(folder: Path) -> Path:
    """The database of the demonstration."""
    command = [sys.executable, "-m", "tracker", "demo", "--dir", str(folder), "--json"]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return folder / "store.duckdb"


def mail_of(store: Store, language: str, kind: str = "digest", *, now: datetime | None = None) -> RenderedMail:
    """An edition of today, with links."""
    who, at = reader(language), now or datetime.now(UTC)
    window = (at - timedelta(days=7 if kind == "weekly" else 1), at)
    mine = replace(kit(), links=LINKS)
    content = editions.edition(store, mine, who, at.date(), kind=kind, window=window)
    return render(content, recipient=who.address, at=at, links=LINKS)


def pages(folder: Path, kinds: tuple[str, ...] = ("digest",)) -> dict[str, Path]:
    """name -> file of every mail, pictures inside."""
    made = {}
    with Store.open(demonstration(folder)) as store:
        for kind in kinds:
            for language in ("en", "zh"):
                name = f"{kind}-{language}"
                made[name] = folder / f"{name}.html"
                made[name].write_text(standalone(mail_of(store, language, kind)), encoding="utf-8")
    return made


def draw(folder: Path = IMAGES) -> list[Path]:
    """Every picture of the documentation, by a real browser."""
    drawn = []
    with tempfile.TemporaryDirectory() as work, launched() as browser:
        for name, file in pages(Path(work)).items():
            for width in WIDTHS:
                for scheme in SCHEMES:
                    drawn.append(folder / f"{name}-{width}-{scheme}.png")
                    _shoot(browser, file, drawn[-1], width, scheme)
    return drawn


def _shoot(browser: Any, file: Path, target: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(file.as_uri())
    page.screenshot(path=str(target), full_page=True)
    with Image.open(target) as whole:  # few colours are enough, and a quarter of the bytes
        small = whole.convert("RGB").quantize(96)
    small.save(target, optimize=True)
    context.close()


if __name__ == "__main__":
    print("\n".join(str(path) for path in draw()))
