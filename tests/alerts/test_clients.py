"""The mail uses only what docs/mail_clients.md answers for, and is HTML without a fault."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import html5lib
import pytest
from lxml import etree
from lxml import html as lxml_html

from tests.alerts.test_mail import everything
from tracker.alerts.render import RenderedMail

KNOWN_TO_ALL = {
    "color",
    "html",
    "head",
    "title",
    "a",
    "br",
    "href",
    "class",
    "style",
    "border",
    "charset",
    "name",
    "content",
    "src",
    "alt",
}
CLIENTS = 8


@cache
def table() -> tuple[frozenset[str], tuple[tuple[str, list[str], str], ...]]:
    """What the page lists: names, and its lines (slug, verdicts, what is said of where it is missing)."""
    page = (Path(__file__).resolve().parent.parent.parent / "docs" / "mail_clients.md").read_text(encoding="utf-8")
    names, lines = set[str](), []
    for line in page.splitlines():
        cells = [c.strip() for c in line.strip("|").split(" | ")]
        if len(cells) != CLIENTS + 4 or not cells[1].startswith("["):
            continue
        names |= set(
            re.findall(r"`([a-z-]+)`|<!?([a-z0-9]+)>|([a-z-]+)=", cells[0])
            and [n for g in re.findall(r"`@?([a-z-]+)`|<([a-z0-9]+)>|([a-z-]+)=", cells[0]) for n in g if n]
        )
        lines.append((cells[1], cells[2 : 2 + CLIENTS], cells[-1]))
    return frozenset(names), tuple(lines)


def used(mail: RenderedMail) -> set[str]:
    """Properties, media features, tags and attributes of a mail."""
    tree = lxml_html.document_fromstring(mail.html)
    found = set[str]()
    sheets = [node.text_content() for node in tree.iter("style")]
    declared = [re.sub(r"@media \(([a-z-]+)", lambda m: found.add(m[1]) or "", s) for s in sheets]
    declared = [block for s in declared for block in re.findall(r"\{([^{}]*)\}", s)]
    for node in tree.iter(etree.Element):
        found.add(str(node.tag))
        found |= set(node.attrib)
        declared.append(node.get("style", ""))
    found |= {part.partition(":")[0].strip() for block in declared for part in block.split(";") if ":" in part}
    return found - {"max-width: 480px"}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["digest", "weekly", "earnings", "immediate"])
def test_nothing_is_used_that_the_page_does_not_answer_for(language: str, kind: str) -> None:
    names, _ = table()
    unanswered = {n for n in used(everything(language, kind)) - names - KNOWN_TO_ALL if not n.startswith("mso-")}
    assert unanswered == set()


def test_every_line_that_is_not_yes_everywhere_says_what_happens() -> None:
    _, lines = table()
    assert len(lines) > 40
    for slug, verdicts, said in lines:
        assert set(verdicts) <= {"yes", "no", "partly"}, slug
        if set(verdicts) != {"yes"}:
            assert len(said) > 5, slug


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", ["digest", "weekly", "earnings", "immediate"])
def test_the_html_has_no_fault(language: str, kind: str) -> None:
    html5lib.HTMLParser(strict=True).parse(everything(language, kind).html)


def test_the_linter_sees_faults() -> None:
    with pytest.raises(html5lib.html5parser.ParseError):
        html5lib.HTMLParser(strict=True).parse("<!doctype html><html><p><table><tr></p></table>")


@pytest.mark.parametrize("kind", ["digest", "weekly", "earnings", "immediate"])
def test_every_rule_of_the_style_sheet_stands_inline_too(kind: str) -> None:
    tree = lxml_html.document_fromstring(everything("en", kind).html)
    for node in tree.iter("td", "p", "h1", "h2", "span"):
        if node.get("class"):
            assert node.get("style"), etree.tostring(node)[:200]


def test_every_picture_has_words_and_a_size_and_comes_along() -> None:
    mail = everything("en", "digest")
    tree = lxml_html.document_fromstring(mail.html)
    shown = {node.get("src") for node in tree.iter("img")}
    assert shown == {f"cid:{p.cid}" for p in mail.pictures}
    assert shown
    for node in tree.iter("img"):
        assert len(node.get("alt", "")) > 8
        assert int(node.get("width")) > 0
        assert "width" in node.get("style")


def test_nothing_is_loaded_from_outside() -> None:
    tree = lxml_html.document_fromstring(everything("en", "digest").html)
    assert not list(tree.iter("script", "link", "iframe", "object", "embed", "video", "audio", "form", "svg"))
    assert "url(" not in everything("en", "digest").html
    assert "@import" not in everything("en", "digest").html
