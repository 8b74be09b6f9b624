"""From content to a message: HTML and its plain-text twin, then a complete RFC 5322 message. Pure.

Everything that came from outside is escaped by the template and passed through nh3; addresses of links must be http(s).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import css_inline
import jinja2
import nh3

from tracker.alerts.digest import Digest

MAX_SUBJECT: Final = 160
_TEMPLATES: Final = Path(__file__).with_name("templates")
_DIRECTION_MARKS: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f]")

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Rack-scale thesis", "digest": "Daily digest", "immediate": "Alert", "thesis": "Thesis",
        "for": "For", "against": "Against", "nothing": "Nothing moved today. The tracker read {n} documents and is well.",
        "new": "{signals} new signals from {documents} documents", "gains": "gains", "squeezed": "squeezed",
        "racks": "about {n} NVL72-equivalent racks", "also": "Also moved", "health": "Sources",
        "well": "All {n} sources answer.", "failing": "{n} of {all} sources fail:", "before": "from", "none": "nothing known",
        "tightest": "Tightest link", "foot": "Evidence, not advice. Every sentence links to its source.",
        "more": "tracker thesis · tracker signals · tracker sql",
    },
    "zh": {
        "title": "机柜级规模化论点", "digest": "每日摘要", "immediate": "即时提醒", "thesis": "总论点",
        "for": "支持", "against": "反对", "nothing": "今日无变化。共读取{n}篇文档，系统运行正常。",
        "new": "{documents}篇文档带来{signals}条新信号", "gains": "受益", "squeezed": "承压",
        "racks": "约合{n}个NVL72等效机柜", "also": "其他变化", "health": "信息源",
        "well": "全部{n}个信息源正常。", "failing": "{all}个信息源中{n}个异常：", "before": "前值", "none": "暂无",
        "tightest": "最紧环节", "foot": "仅为证据，不构成投资建议。每句均附来源链接。",
        "more": "tracker thesis · tracker signals · tracker sql",
    },
}  # fmt: skip


@dataclass(frozen=True)
class RenderedMail:
    """A message in both forms."""

    subject: str
    html: str
    text: str


def render(digest: Digest) -> RenderedMail:
    """Subject, HTML and text of a digest, in its language."""
    words = WORDS[digest.language]
    context = {"d": digest, "w": words, "spark": sparkline}
    page = _environment(html=True).get_template("mail.html.j2").render(context)
    text = _environment(html=False).get_template("mail.txt.j2").render(context)
    inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
    return RenderedMail(
        clean_header(subject_of(digest)), inliner.inline(page), re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    )


def subject_of(digest: Digest) -> str:
    """What moved most, in one line: the only part everybody reads."""
    words = WORDS[digest.language]
    if digest.empty or not digest.moves:
        return f"{words['title']}: {words['digest']} {digest.local_date}" + ("" if digest.signals else " —")
    top = digest.moves[0]
    if digest.kind == "immediate":
        side = top.evidence_for if top.change >= 0 and top.evidence_for else top.evidence_against or top.evidence_for
        return f"{top.claim} {top.change * 100:+.1f}: {side[0].explanation if side else top.text}"
    parts = ", ".join(f"{m.claim} {m.change * 100:+.1f}" for m in digest.moves[:4])
    return f"{words['title']} {digest.local_date}: {parts}"


def to_message(
    mail: RenderedMail, *, sender: str, recipient: str, message_id: str, at: datetime, unsubscribe: str
) -> bytes:
    """The complete message. The same input gives the same bytes."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = mail.subject
    message["From"] = Address(display_name="Rack tracker", addr_spec=clean_header(sender))
    message["To"] = Address(addr_spec=clean_header(recipient))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["List-Unsubscribe"] = f"<mailto:{clean_header(unsubscribe)}?subject=unsubscribe>"
    message["List-Id"] = "rack tracker <rack-tracker.localhost>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", charset="utf-8", cte="quoted-printable")
    message.set_boundary(f"=_{message_id.strip('<>').partition('@')[0]}")
    return message.as_bytes()


def clean_header(text: str) -> str:
    """One line without control or direction characters, of bounded length: nothing that could start a header."""
    text = _DIRECTION_MARKS.sub("", "".join(c if c.isprintable() else " " for c in text[: MAX_SUBJECT * 8]))
    text = " ".join(text.split())
    return text if len(text) <= MAX_SUBJECT else text[: MAX_SUBJECT - 1] + "…"


def plain(text: str, limit: int = 300) -> str:
    """Text from outside for a mail: markup removed, one line, bounded."""
    bare = nh3.clean(text[: limit * 20], tags=set()) if "<" in text or "&" in text else text
    bare = bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    bare = _DIRECTION_MARKS.sub("", " ".join(bare.split()))
    return bare if len(bare) <= limit else bare[: limit - 1] + "…"


def safe_link(url: str) -> str:
    """The address when it is http(s), else ''."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


def sparkline(values: list[float]) -> str:
    """A line of eight heights in text: every mail client draws it, no picture is loaded."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = max(high - low, 0.02)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int((v - low) / span * 7.999))] for v in values[-16:])


@cache
def _environment(*, html: bool) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=html,  # noqa: S701 - off only for the plain-text twin, where there is nothing to escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": plain,
        "link": safe_link,
        "pct": lambda p: f"{p * 100:.1f} %",
        "pp": lambda p: f"{p * 100:+.1f}",
        "count": lambda n: f"{n:,.0f}",
        "day": lambda d: f"{d:%Y-%m-%d}",
    }
    return environment
