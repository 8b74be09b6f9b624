"""Text of an article page: a fast path where the page says where its article is, a robust extractor behind it.

The fast path (lexbor) takes the element a page marks as its article and drops what is navigation by its markup; when
that gives too little, or too much of it is links, trafilatura decides. Tables come out as rows of text, one row a line,
cells separated by " | ", so that facts in them have offsets like any other.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import trafilatura
from selectolax.lexbor import LexborHTMLParser, LexborNode

from tracker.text.dates import parse_date
from tracker.text.normalise import normalise_text, one_line

MAX_CHARS: Final = 20_000_000
_ARTICLE: Final = "[itemprop=articleBody], .article-body, .article-content, .entry-content, .post-content, .news-release-body, article"
_NOISE: Final = (
    "script, style, noscript, template, svg, nav, header, footer, aside, form, button, iframe, figure, .share, .related"
)
_BLOCKS: Final = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "ul",
        "ol",
        "blockquote",
        "pre",
        "tr",
        "table",
        "br",
        "dd",
        "dt",
    ]
)
_BETWEEN_CELLS: Final = frozenset(["tr", "tbody", "thead", "tfoot", "table"])
_MAX_CELL: Final = 300  # characters, and nodes
_MIN_CHARS: Final = 400
_MAX_LINK_SHARE: Final = 0.35
_FILING: Final = re.compile(r"(?i)<(?:table|ix:|type>)")


@dataclass(frozen=True)
class Article:
    """What a page says."""

    title: str
    text: str
    published_at: datetime | None
    canonical_url: str | None
    path: str  # fast | robust | whole: which reader decided


def extract_article(markup: str, url: str) -> Article:
    """The article of a page; text is '' when there is none. Linear; never raises on any markup."""
    markup = markup[:MAX_CHARS]
    tree = LexborHTMLParser(markup)
    title, published, canonical = _title(tree), _published(tree), _canonical(tree)
    text, path = fast_text(tree), "fast"
    if not text:
        text, path = robust_text(markup, url), "robust"
    if len(text) < _MIN_CHARS // 4 and tree.body is not None:
        whole = _flatten(tree.body)
        if len(whole) > len(text) * 2:
            text, path = whole, "whole"
    return Article(title, normalise_text(text), published, canonical, path)


def whole_page(markup: str) -> str:
    """All text of a page with its tables: for filings and exhibits, which are nothing but article."""
    tree = LexborHTMLParser(markup[:MAX_CHARS])
    tree.strip_tags(["script", "style", "noscript", "template", "head"])
    return normalise_text(_flatten(tree.body)) if tree.body is not None else ""


def fast_text(tree: LexborHTMLParser) -> str:
    """Text of the element that a page marks as its article; '' when there is none worth it. Changes the tree."""
    found = tree.css(_ARTICLE)
    if not found:
        return ""
    best = max(found, key=lambda node: len(node.text(deep=True)))
    for noise in best.css(_NOISE):
        noise.decompose()
    text = _flatten(best)
    linked = sum(len(a.text(deep=True)) for a in best.css("a"))
    return text if len(text) >= _MIN_CHARS and linked <= _MAX_LINK_SHARE * len(text) else ""


def robust_text(markup: str, url: str) -> str:
    """Text of an article by trafilatura; '' when it finds none."""
    try:
        return (
            trafilatura.extract(markup, url=url, include_comments=False, include_tables=True, favor_precision=True)
            or ""
        )
    except (ValueError, TypeError, RecursionError, AttributeError):  # markup no parser should meet
        return ""


def _flatten(root: LexborNode) -> str:
    """Text in reading order, a line break at every block, cells of a row joined; no recursion, so any depth is fine."""
    pieces: list[str] = []
    skip = 0  # nodes of a cell that was taken whole
    for node in root.traverse(include_text=True):
        if skip:
            skip -= 1
            continue
        tag = node.tag
        if tag == "-text":
            text = node.text(deep=False)
            parent = node.parent
            if parent is None or parent.tag not in _BETWEEN_CELLS or text.strip():
                pieces.append(text)
        elif tag in ("td", "th"):
            cell, nodes = _cell(node)
            pieces += ["\x1f", cell or ""]
            skip = nodes if cell is not None else 0
        elif tag in _BLOCKS:
            pieces.append("\n")
    lines = []
    for line in "".join(pieces).split("\n"):
        lines.append(join_cells(line) if "\x1f" in line else line)
    return merge_rows("\n".join(lines))


def _cell(cell: LexborNode) -> tuple[str | None, int]:
    """A cell on one line, whatever blocks and line ends it is made of, and how many nodes that took.

    A cell that holds paragraphs or further tables is there for the layout of a page: None, its nodes are read on.
    """
    pieces: list[str] = []
    chars = nodes = 0
    for node in cell.traverse(include_text=True):
        tag = node.tag
        if tag == "-text":
            text = node.text(deep=False)
            pieces.append(text)
            chars += len(text.strip())
        elif tag == "table":
            return None, 0
        elif tag in _BLOCKS:
            pieces.append(" ")
        nodes += 1
        if chars > _MAX_CELL or nodes > _MAX_CELL:
            return None, 0
    return " ".join("".join(pieces).split()), nodes - 1  # the traversal begins with the cell itself


def join_cells(line: str) -> str:
    """Cells of one row: empty ones dropped, "$", "(", ")" and "%" put back to their number, " | " between the rest."""
    cells = [" ".join(cell.split()) for cell in line.split("\x1f")]
    joined: list[str] = []
    for cell in (c for c in cells if c):
        if (joined and (cell in {")", "%", ")%", "%)", "pts"} or re.fullmatch(r"\)\s*%?", cell))) or (
            joined and re.fullmatch(r"(?:US|NT|HK|RMB)?[$€£¥₩(]+", joined[-1])
        ):
            joined[-1] += cell
        else:
            joined.append(cell)
    return " | ".join(joined)


def merge_rows(text: str) -> str:
    """Cells whose content is a block of its own arrive on several lines: a row that breaks off goes on."""
    return re.sub(r" \|\s*\n", " | ", text)


def _title(tree: LexborHTMLParser) -> str:
    for selector, attribute in (("meta[property='og:title']", "content"), ("h1", None), ("title", None)):
        node = tree.css_first(selector)
        if node is not None:
            value = (node.attributes.get(attribute) if attribute else node.text(deep=True)) or ""
            if value.strip():
                return one_line(value)
    return ""


def _published(tree: LexborHTMLParser) -> datetime | None:
    for selector, attribute in (
        ("meta[property='article:published_time']", "content"),
        ("meta[itemprop='datePublished']", "content"),
        ("meta[name='pubdate']", "content"),
        ("meta[name='publish-date']", "content"),
        ("meta[name='date']", "content"),
        ("time[datetime]", "datetime"),
    ):
        node = tree.css_first(selector)
        if node is not None and (found := parse_date(node.attributes.get(attribute))) is not None:
            return found
    for script in tree.css("script[type='application/ld+json']"):
        if (found := _from_ld(script.text(deep=True))) is not None:
            return found
    return None


def _from_ld(text: str) -> datetime | None:
    try:
        stack: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return None
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if isinstance(value.get("datePublished"), str):
                return parse_date(value["datePublished"])
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return None


def _canonical(tree: LexborHTMLParser) -> str | None:
    node = tree.css_first("link[rel='canonical']")
    href = node.attributes.get("href") if node is not None else None
    return href if href and href.startswith("http") else None
