"""From content to a message: HTML and its plain-text twin, with the pictures they show. Pure.

Everything that came from outside is escaped by the template and passed through nh3; addresses of links must be http(s).
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import css_inline
import jinja2
import nh3

from tracker.alerts import charts
from tracker.alerts.links import Links
from tracker.alerts.parts import MOVED_AT_LEAST, Digest, Tightest
from tracker.alerts.words import WORDS, quarter_in_words, racks_in_words, round_figure

MAX_SUBJECT: Final = 160
_TEMPLATES: Final = Path(__file__).with_name("templates")
_DIRECTION_MARKS: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


@dataclass(frozen=True)
class Picture:
    """A picture a mail brings along."""

    cid: str
    png: bytes


@dataclass(frozen=True)
class RenderedMail:
    """A message in both forms. `unsubscribe`: the address of the one click that ends such mails, when there is one."""

    subject: str
    html: str
    text: str
    pictures: tuple[Picture, ...] = ()
    unsubscribe: str = ""


@dataclass
class _Frame:
    """What the templates may ask for while a mail is made."""

    digest: Digest
    links: Links | None
    recipient: str
    at: datetime
    pictures: dict[str, Picture] = field(default_factory=dict)

    def spark(self, name: str, values: list[float]) -> str:
        """The content id of a sparkline; '' when there is nothing to draw."""
        return self._picture(f"spark-{name}", charts.sparkline_png(tuple(values))) if len(values) > 1 else ""

    def ledger(self, tightest: Tightest) -> str:
        """The content id of the picture of the tightest link."""
        return self._picture("ledger", charts.ledger_png(tightest))

    def link(self, action: Any, target: str) -> str:
        """A signed link; '' when no web page is there to answer it."""
        return self.links.url(action, target, self.recipient, self.at, self.digest.language) if self.links else ""

    def page(self, path: str = "") -> str:
        """A page of the web view; '' without one."""
        return self.links.page(path) if self.links else ""

    def racks(self, racks: float) -> str:
        """Rack-equivalents in plain words."""
        return racks_in_words(racks, self.digest.sides.yearly_racks, self.digest.language)

    def lede(self) -> str:
        """The day in one sentence: what rose most and what fell most, and on whose account."""
        words, parts = WORDS[self.digest.language], []
        rising = [m for m in self.digest.moves if m.change >= MOVED_AT_LEAST][:1]
        falling = [m for m in self.digest.moves if m.change <= -MOVED_AT_LEAST][:1]
        for move in (*rising, *falling):
            side = move.evidence_for if move.change > 0 else move.evidence_against
            told = plain(side[0].explanation, 110) if side else ""
            word = words["rose" if move.change > 0 else "fell"]
            parts.append(word.format(text=move.text, points=f"{abs(move.change) * 100:.1f}", why=told))
        return words["then"].join(parts) or words["calm"]

    def tightest_words(self, tightest: Tightest) -> str:
        """The tightest link in one sentence."""
        language, words = self.digest.language, WORDS[self.digest.language]
        share = tightest.supply / tightest.demand
        told = words["short" if share < 1 else "enough"]
        figures = {"link": tightest.link, "share": f"{share if share < 1 else share - 1:.0%}"}
        sides = words["sides"].format(
            demand=round_figure(tightest.demand, language), supply=round_figure(tightest.supply, language)
        )
        return told.format(**figures, quarter=quarter_in_words(tightest.quarter, language)) + (
            sides if language == "zh" else f" {sides}"
        )

    def tightest_figures(self, tightest: Tightest) -> str:
        """The picture's figures in words: what is read out, and what stands in the plain text."""
        language, words = self.digest.language, WORDS[self.digest.language]
        parts = []
        for quarter, *both in tightest.quarters:
            told = [
                f"{words[side]} {round_figure(value, language)}"
                for side, value in zip(("demand", "supply"), both, strict=True)
                if value
            ]
            if told:
                parts.append(f"{quarter[4:6]}{quarter[6:]} {' / '.join(told)}")
        return words["picture"].format(link=tightest.link, figures="; ".join(parts))

    def _picture(self, name: str, png: bytes) -> str:
        cid = f"{name.lower()}@tracker"
        self.pictures[cid] = Picture(cid, png)
        return cid


def render(digest: Digest, *, recipient: str, at: datetime, links: Links | None = None) -> RenderedMail:
    """Subject, HTML, text and pictures of a mail, in its language. The same input gives the same bytes."""
    words = WORDS[digest.language]
    frame = _Frame(digest, links, recipient, at)
    context = {"d": digest, "w": words, "f": frame, "spark": sparkline, "size": charts}
    page = _environment(html=True).get_template("mail.html.j2").render(context)
    text = _environment(html=False).get_template("mail.txt.j2").render(context)
    return RenderedMail(
        clean_header(subject_of(digest)),
        re.sub(r"\n\s*\n+", "\n", _inliner().inline(page)),
        re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        tuple(frame.pictures.values()),
        frame.link("unsubscribe", digest.kind),
    )


def standalone(mail: RenderedMail) -> str:
    """The HTML with its pictures inside, for a browser: nothing else is loaded."""
    page = mail.html
    for picture in mail.pictures:
        page = page.replace(f"cid:{picture.cid}", f"data:image/png;base64,{base64.b64encode(picture.png).decode()}")
    return page


def subject_of(digest: Digest) -> str:
    """What moved most, in one line: the only part everybody reads."""
    words = WORDS[digest.language]
    if digest.kind == "immediate" and digest.moves:
        top = digest.moves[0]
        side = top.evidence_for if top.change >= 0 and top.evidence_for else top.evidence_against or top.evidence_for
        return f"{top.claim} {top.change * 100:+.1f}: {plain(side[0].explanation if side else top.text)}"
    lead = f"{words['title']} {words[digest.kind]} {digest.local_date}"
    if digest.reporters:
        lead += f": {', '.join(r.who for r in digest.reporters)}"
    if not digest.moves:
        return lead if digest.signals else f"{lead} —"
    parts = ", ".join(f"{m.claim} {m.change * 100:+.1f}" for m in digest.moves[:4])
    return f"{lead}: {parts}"


def clean_header(text: str) -> str:
    """One line without control or direction characters, of bounded length: nothing that could start a header."""
    text = _DIRECTION_MARKS.sub("", "".join(c if c.isprintable() else " " for c in text[: MAX_SUBJECT * 8]))
    text = " ".join(text.split())
    return text if len(text) <= MAX_SUBJECT else text[: MAX_SUBJECT - 1] + "…"


def plain(text: str, limit: int = 300) -> str:
    """Text from outside for a mail: markup removed, one line, bounded, in its own reading direction only."""
    bare = text[: limit * 20]
    if "<" in bare or "&" in bare:
        bare = html.unescape(nh3.clean(bare, tags=set()))
    bare = _DIRECTION_MARKS.sub("", "".join(c if c.isprintable() else " " for c in bare))
    bare = " ".join(bare.split())
    return bare if len(bare) <= limit else bare[: limit - 1].rstrip() + "…"


def safe_link(url: str) -> str:
    """The address when it is http(s) and of one piece, else ''."""
    bare = url.strip()
    try:
        parts = urlsplit(bare)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc or len(bare) > 1000:
        return ""
    return bare if bare.isprintable() and " " not in bare else ""


def says_more(quote: str, explanation: str) -> bool:
    """Whether a quote adds to an explanation: many explanations end with the sentence itself."""
    return bool(quote) and plain(quote, 60).rstrip("….").lower() not in plain(explanation, 600).lower()


def sparkline(values: list[float]) -> str:
    """A line of eight heights in text, for the plain-text twin."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = max(high - low, 0.02)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int((v - low) / span * 7.999))] for v in values[-16:])


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


@cache
def _environment(*, html: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=html,  # noqa: S701 - off only for the plain-text twin, where there is nothing to escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # templates are part of the program: compiled once
    )
    environment.filters |= {
        "plain": plain,
        "link": safe_link,
        "pct": lambda p: f"{p * 100:.1f} %",
        "pp": lambda p: f"{p * 100:+.1f}".replace("-0.0", "0.0").replace("+0.0", "0.0").replace("-", "\u2212"),
        "count": lambda n: f"{n:,.0f}",
        "day": lambda d: f"{d:%Y-%m-%d}",
    }
    environment.tests["says_more"] = says_more
    return environment
