"""What a mail says, and what it does with what others wrote."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import polars as pl
import pytest
from lxml import etree
from lxml import html as lxml_html

from tests.alerts.small import NOW, kit, reader
from tracker.alerts.digest import READ_WORDS, build_digest, reading_words
from tracker.alerts.links import Links
from tracker.alerts.message import to_message
from tracker.alerts.parts import Digest, Due, Sides, Tightest
from tracker.alerts.quotes import sentence_at
from tracker.alerts.render import RenderedMail, clean_header, plain, render, safe_link, standalone
from tracker.alerts.words import racks_in_words, round_figure

LINKS = Links("https://tracker.example.org", b"a secret of this test")
UTC_TIME = pl.Datetime("us", "UTC")
START = NOW - timedelta(days=1)
GMAIL_CUTS_AT = 102 * 1024
HOSTILE_TITLES = (
    '<script>alert("x")</script>Micron',
    '<img src=x onerror="alert(1)">Micron',
    "Micron\r\nBcc: everybody@example.org\r\n\r\n<html>",
    "\u202eevil\u202c Micron \U0001f680\U0001f525",
    "</td></tr></table><h1>Broken out</h1>",
    "{{ 7 * 7 }} {% raw %} Micron",
    '<a href="javascript:alert(1)">click</a> <style>*{display:none}</style>',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<svg/onload=alert(1)> <math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "\x00\x07\x1b[31m Micron",
)
HOSTILE_LINKS = (
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "//evil.example.net/x",
    "https://example.org/\r\nBcc: x",
    'https://example.org/" onmouseover="alert(1)',
    "http://[broken",
    "file:///etc/passwd",
    "",
)


def evidence(
    n: int,
    *,
    explanation: str = "",
    quote: str = "",
    url: str = "https://news.example.org/a",
    title: str = "",
    source: str = "news.example.org",
    claims: tuple[str, ...] = ("D1", "S1", "R1", "L1", "X2", "S2"),
) -> pl.DataFrame:
    """n signals of the window, spread over claims and both directions."""
    rows = [
        {
            "signal_id": f"{i:016x}", "rule_id": "a.rule", "claim": claims[i % len(claims)], "direction": 1 if i % 3 else -1,
            "severity": ("high", "medium", "low")[i % 3], "strength": 0.5, "confidence": 0.5, "created_at": NOW - timedelta(hours=1),
            "explanation": explanation or f"Company {i} guides its 2026 capital expenditure up, to ${i}0.0bn", "explanation_zh": None,
            "racks_base": 1000.0 * i, "entity": "NVDA", "beneficiaries": ["MU: a path", "TSM: a path"], "squeezed": ["META: a path"],
            "story_id": f"story{i}", "quote": quote or f"Company {i} said that it will spend more than it thought, on racks and on the power for them.",
            "source": source, "title": title, "url": url, "published_at": NOW - timedelta(hours=2),
        }
        for i in range(n)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else evidence(1).clear()
    return frame.with_columns(pl.col("created_at", "published_at").cast(UTC_TIME), pl.col("direction").cast(pl.Int8))


def conviction(claims: tuple[str, ...] = ("D1", "S1", "R1", "L1", "X2", "S2", "THESIS")) -> pl.DataFrame:
    rows = [
        {"claim": c, "as_of": NOW - timedelta(days=d, hours=1), "probability": 0.6 + 0.02 * k - 0.01 * d}
        for k, c in enumerate(claims)
        for d in range(12)
    ]
    return pl.DataFrame(rows).with_columns(pl.col("as_of").cast(UTC_TIME))


SIDES = Sides(
    documents=42,
    sources=9,
    failing=[("A feed", "HTTP 503 for three days")],
    tightest=Tightest("HBM", "CY2026Q4", 21_000, 15_000, [(f"CY202{5 + i // 4}Q{i % 4 + 1}", 9000.0 + 900 * i, 8000.0 + 500 * i) for i in range(8)]),
    yearly_racks=60_000,
    due=[Due(date(2026, 11, 25), "NVIDIA", "results", ["L1", "S1"]), Due(date(2026, 11, 1), "TSMC", "monthly revenue", ["S2"], 14)],
    reporters=[("NVDA", "NVIDIA", date(2026, 8, 27), ["L1", "S1", "X2"])],
    new_names=[("Foo Photonics", "Foo Photonics couples lasers into racks.")],
    verdicts=[("a.rule", 1, 3)],
    withheld=[("over the budget of the hour", 3)],
)  # fmt: skip


def digest(
    language: str = "en", kind: str = "digest", frame: pl.DataFrame | None = None, sides: Sides = SIDES
) -> Digest:
    return build_digest(
        kind=kind, recipient=reader(language), local_date=date(2026, 11, 24), thesis=kit().thesis,
        evidence=evidence(18) if frame is None else frame, conviction=conviction(), start=START, end=NOW,
        names={"NVDA": "NVIDIA", "MU": "Micron"}, sides=sides,
    )  # fmt: skip


def everything(language: str, kind: str, frame: pl.DataFrame | None = None) -> RenderedMail:
    """A mail with every part a mail can have."""
    return render(digest(language, kind, frame), recipient="reader@example.org", at=NOW, links=LINKS)


def message(mail: RenderedMail) -> EmailMessage:
    raw = to_message(
        mail,
        sender="tracker@example.org",
        recipient="reader@example.org",
        message_id="<abc@example.org>",
        at=NOW,
        unsubscribe="tracker@example.org",
    )
    made = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made


# --- what it says ----------------------------------------------------------------------------------------------------


def test_both_sides_are_told_with_links_and_dates() -> None:
    told = digest()
    assert told.moves
    for move in told.moves:
        assert move.evidence_for or move.evidence_against
    mail = everything("en", "digest")
    for part in (mail.html, mail.text):
        assert "For" in part
        assert "Against" in part
        assert "https://news.example.org/a" in part
        assert "2026-11-24" in part
        assert "60.0 % " in part or "% →" in part or "% ->" in part


def test_without_news_of_the_other_side_the_strongest_known_is_told_as_older() -> None:
    fresh = evidence(4, claims=("D1",)).filter(pl.col("direction") > 0)
    old = evidence(1, claims=("D1",)).with_columns(
        signal_id=pl.lit("f" * 16),
        direction=pl.lit(-1, pl.Int8),
        created_at=pl.lit(NOW - timedelta(days=40)).cast(UTC_TIME),
    )
    move = next(m for m in digest(frame=pl.concat([fresh, old.select(fresh.columns)])).moves if m.claim == "D1")
    assert [e.signal_id for e in move.evidence_against] == ["f" * 16]
    assert not move.evidence_against[0].fresh


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["digest", "weekly", "earnings"])
@pytest.mark.parametrize("signals", [1, 18, 400])
def test_a_mail_reads_in_two_minutes(language: str, kind: str, signals: int) -> None:
    told = digest(language, kind, evidence(signals, explanation="" if signals < 400 else "A long explanation " * 16))
    assert reading_words(told) <= READ_WORDS or len(told.moves) == 1
    assert told.signals == signals
    shown = {e.signal_id for m in told.moves for e in (*m.evidence_for, *m.evidence_against)}
    assert told.folded == signals - len(shown)


def test_a_day_without_news_says_so_in_one_line() -> None:
    empty = digest(frame=evidence(0), sides=Sides(documents=7, sources=3))
    calm = build_digest(
        kind="digest", recipient=reader(), local_date=date(2026, 11, 24), thesis=kit().thesis, evidence=evidence(0),
        conviction=conviction().with_columns(probability=pl.lit(0.6)), start=START, end=NOW, names={}, sides=empty.sides,
    )  # fmt: skip
    assert calm.empty
    mail = render(calm, recipient="r@example.org", at=NOW)
    assert "Nothing moved. The tracker read 7 documents and is well." in mail.text
    assert mail.subject.endswith("—")


def test_a_mail_in_chinese_has_no_english_words_of_ours() -> None:
    text = everything("zh", "weekly").text
    ours = re.sub(
        r"Company \d+[^\n]*|https?://\S+|Foo Photonics[^\n]*|HTTP 503[^\n]*|over the budget[^\n]*|news\.example\.org|a\.rule|NVL72|NVIDIA|TSMC|HBM|A feed|Micron|META|results|monthly revenue",
        "",
        text,
    )
    ours = re.sub(r"\b[A-Z]\d\b|\bAMD\b|scaling|scale|NASDAQ", "", ours)
    assert re.findall(r"[A-Za-z]{4,}", ours) == []


def test_an_earnings_brief_opens_with_who_reports_and_what_it_can_move() -> None:
    mail = everything("en", "earnings")
    assert "NVIDIA" in mail.subject
    assert mail.text.index("Reports today") < mail.text.index("\nD1  ")
    assert "last results: 2026-08-27" in mail.text


def test_racks_are_told_in_plain_words() -> None:
    assert (
        racks_in_words(27_677, 60_000, "en")
        == "about 28,000 NVL72 racks (2 million accelerators, 46% of the last year's supply)"
    )
    assert racks_in_words(27_677, None, "zh") == "约2.8万个NVL72等效机柜（200万颗加速器）"
    assert [round_figure(v, "en") for v in (3.14, 42, 987, 12_345, 4_560_000)] == [
        "3",
        "42",
        "990",
        "12,000",
        "4.6 million",
    ]


def test_a_short_quote_is_told_as_its_sentence() -> None:
    text = "First one. Micron says that HBM is sold out for 2026. Last one."
    assert sentence_at(text, text.index("sold"), text.index("sold") + 8) == "Micron says that HBM is sold out for 2026."


def test_the_same_input_gives_the_same_bytes() -> None:
    assert everything("zh", "weekly") == everything("zh", "weekly")


# --- what it does with what others wrote ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE_TITLES)
@pytest.mark.parametrize("kind", ["digest", "immediate"])
def test_hostile_text_stays_text(text: str, kind: str) -> None:
    mail = everything("en", kind, evidence(4, explanation=text, quote=text, title=text, source=text))
    tree = lxml_html.document_fromstring(mail.html)
    assert not list(tree.iter("script", "svg", "math", "iframe", "object"))
    assert len(list(tree.iter("h1"))) == 1
    assert len(list(tree.iter("style"))) == 1
    for node in tree.iter(etree.Element):
        assert not [name for name in node.attrib if name.startswith("on")]
        assert not str(node.get("href", "")).lower().startswith(("javascript", "data", "vbscript"))
        assert str(node.get("src", "cid:")).startswith("cid:")
    for part in (mail.subject, mail.text, mail.html):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x07\x1b]", part)
    assert "49" not in mail.subject
    sent = message(mail)
    assert sent["Bcc"] is None
    assert "\n" not in str(sent["Subject"])


@pytest.mark.parametrize("url", HOSTILE_LINKS)
def test_a_hostile_link_is_no_link(url: str) -> None:
    assert safe_link(url) == ""
    tree = lxml_html.document_fromstring(everything("en", "digest", evidence(4, url=url)).html)
    assert all(str(a.get("href")).startswith("https://tracker.example.org/") for a in tree.iter("a"))


def test_a_subject_of_ten_megabytes_is_cut() -> None:
    mail = everything("en", "immediate", evidence(1, explanation="Micron " * 1_500_000, quote="x" * 10_000_000))
    assert len(mail.subject) <= 160
    assert len(mail.html.encode()) < GMAIL_CUTS_AT
    assert len(str(message(mail)["Subject"])) <= 160


@pytest.mark.parametrize("text", ["a\r\nBcc: x@example.org", "a\nb", "a\u2028b", "a\x85b", "a\x0bb", "a\x00b"])
def test_a_header_is_one_line(text: str) -> None:
    assert len(clean_header(text).splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["Profit < 5 & loss > 3", "R&D at AT&T", "x <b>bold</b> y", "表 <i>斜</i> 字", "a &amp; b"]
)
def test_honest_text_is_kept(text: str) -> None:
    bare = re.sub(r"</?[bi]>", "", text).replace("&amp;", "&")
    assert plain(text) == bare


# --- the message ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["digest", "weekly", "earnings", "immediate"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_message_has_both_forms_its_pictures_and_the_headers_programs_act_on(kind: str, language: str) -> None:
    mail = everything(language, kind)
    made = message(mail)
    assert [part.get_content_type() for part in made.walk()] == [
        *("multipart/alternative", "text/plain", "multipart/related", "text/html"),
        *("image/png" for _ in mail.pictures),
    ]
    cids = {part["Content-ID"].strip("<>") for part in made.walk() if part.get_content_maintype() == "image"}
    assert cids == {p.cid for p in mail.pictures}
    assert "List-Unsubscribe=One-Click" in str(made["List-Unsubscribe-Post"])
    assert re.fullmatch(
        r"<https://tracker\.example\.org/a/\S+>, <mailto:tracker@example\.org\?subject=unsubscribe>",
        str(made["List-Unsubscribe"]),
    )
    assert made["Auto-Submitted"] == "auto-generated"
    html = made.get_body(("html",))
    assert html is not None
    assert len(html.get_content().encode()) < GMAIL_CUTS_AT
    assert html.get_content().splitlines() == mail.html.splitlines()


def test_without_a_page_there_are_no_links_to_one() -> None:
    mail = render(digest(), recipient="reader@example.org", at=NOW)
    made = message(mail)
    assert made["List-Unsubscribe-Post"] is None
    assert "/a/" not in mail.html.replace("https://news.example.org/a", "")
    assert "mailto:" in str(made["List-Unsubscribe"])


def test_the_preview_holds_its_pictures() -> None:
    mail = everything("en", "digest")
    page = standalone(mail)
    assert "cid:" not in page
    assert page.count("data:image/png;base64,") == len(mail.pictures)


def test_times_are_the_readers() -> None:
    late = evidence(1).with_columns(published_at=pl.lit(datetime(2026, 11, 23, 23, 30, tzinfo=UTC)).cast(UTC_TIME))
    text = render(digest(frame=late), recipient="r@example.org", at=NOW).text
    assert "2026-11-24" in text.partition("news.example.org, ")[2][:12]
