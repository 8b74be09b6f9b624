"""Unknown names and product codes that keep standing beside known ones in independent sources.

A candidate is a run of capitalised words or a code of letters and digits that no list holds, in a sentence that also names
a product of the lexicon. Candidates are ranked by how many publishers and stories name them, and by how often what they
stand beside is the thesis' own vocabulary; one publisher alone makes no candidate.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import polars as pl
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from tracker.errors import RuleError
from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon

CANDIDATE_SCHEMA: Final = {
    "name": pl.String(), "code": pl.Boolean(), "sources": pl.Int64(), "stories": pl.Int64(), "mentions": pl.Int64(),
    "beside": pl.List(pl.String()), "sentence": pl.String(), "score": pl.Float64(),
}  # fmt: skip
_SENTENCE: Final = re.compile(r"[^.!?。！？\n]{20,400}[.!?。！？\n]")
_NAME: Final = re.compile(r"\b(?:[A-Z][a-z]+(?:[A-Z][a-z]+)*|[A-Z]{2,}[a-z]*)(?:[ -](?:[A-Z][a-zA-Z]+))*\b")
_CODE: Final = re.compile(r"\b(?=[A-Z0-9-]*\d)(?=[A-Z0-9-]*[A-Z])[A-Z][A-Z0-9]*(?:-?[A-Z0-9]+)*\b")
_FEWEST_SOURCES: Final = 2
# Words that begin a sentence, months, units and forms of companies: capital letters that name nobody.
_COMMON: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "this",
        "that",
        "these",
        "those",
        "it",
        "its",
        "we",
        "our",
        "you",
        "your",
        "they",
        "their",
        "he",
        "she",
        "his",
        "her",
        "in",
        "on",
        "at",
        "for",
        "from",
        "to",
        "of",
        "and",
        "or",
        "but",
        "with",
        "as",
        "by",
        "if",
        "when",
        "while",
        "after",
        "before",
        "during",
        "since",
        "although",
        "because",
        "however",
        "also",
        "both",
        "all",
        "each",
        "more",
        "most",
        "many",
        "some",
        "such",
        "no",
        "not",
        "new",
        "first",
        "second",
        "third",
        "fourth",
        "quarter",
        "fiscal",
        "year",
        "full",
        "half",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "q1",
        "q2",
        "q3",
        "q4",
        "fy",
        "h1",
        "h2",
        "ai",
        "gpu",
        "gpus",
        "cpu",
        "ceo",
        "cfo",
        "coo",
        "cto",
        "us",
        "usa",
        "uk",
        "eu",
        "inc",
        "corp",
        "ltd",
        "llc",
        "co",
        "company",
        "companies",
        "group",
        "holdings",
        "technologies",
        "technology",
        "systems",
        "revenue",
        "revenues",
        "gross",
        "net",
        "operating",
        "income",
        "margin",
        "margins",
        "data",
        "center",
        "centers",
        "capital",
        "expenditures",
        "total",
        "forward",
        "looking",
        "statements",
        "sec",
        "gaap",
        "non",
        "ebitda",
        "eps",
        "usd",
        "rmb",
        "ntd",
        "billion",
        "million",
        "president",
        "chief",
        "executive",
        "officer",
        "vice",
        "senior",
        "read",
        "press",
        "release",
        "news",
        "source",
        "table",
        "note",
        "image",
        "photo",
        "credit",
        "copyright",
        "rights",
        "reserved",
        "about",
        "contact",
        "investor",
        "relations",
        "united",
        "states",
        "america",
        "china",
        "chinese",
        "taiwan",
        "korea",
        "japan",
        "europe",
        "asia",
        "north",
        "south",
        "east",
        "west",
        "today",
        "yesterday",
        "here",
        "there",
        "what",
        "which",
        "who",
        "how",
        "why",
        "where",
        "then",
        "now",
        "still",
        "even",
        "just",
        "only",
        "over",
        "under",
        "between",
        "through",
        "into",
        "out",
        "up",
        "down",
        "per",
        "vs",
        "via",
    ]
)


def candidates(documents: pl.DataFrame, lexicon: Lexicon) -> pl.DataFrame:
    """CANDIDATE_SCHEMA, best first. documents: (doc_id, story_id, source, text). Linear in the text."""
    known = {fold(term) for term in lexicon.terms}
    words = _product_words(lexicon)
    products = _product_pattern(words)
    sources: dict[str, set[str]] = defaultdict(set)
    stories: dict[str, set[str]] = defaultdict(set)
    beside: dict[str, Counter[str]] = defaultdict(Counter)
    example: dict[str, str] = {}
    mentions: Counter[str] = Counter()
    for source, story, sentence, folded in _sentences(documents, words):
        near = set(products.findall(folded))
        for name in _names(sentence, known) if near else ():
            sources[name].add(source)
            stories[name].add(story)
            beside[name].update(near)
            mentions[name] += 1
            if name not in example or len(sentence) < len(example[name]):
                example[name] = sentence[:300]
    rows = [
        {
            "name": name, "code": bool(_CODE.fullmatch(name)), "sources": len(sources[name]), "stories": len(stories[name]),
            "mentions": mentions[name], "beside": [term for term, _ in beside[name].most_common(4)],
            "sentence": example[name], "score": len(sources[name]) * 2.0 + len(stories[name]) + len(beside[name]) * 0.5,
        }
        for name in mentions
        if len(sources[name]) >= _FEWEST_SOURCES and len(stories[name]) >= _FEWEST_SOURCES
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=CANDIDATE_SCHEMA).sort(
        ["score", "mentions", "name"], descending=[True, True, False]
    )


def _sentences(documents: pl.DataFrame, words: list[str]) -> list[tuple[str, str, str, str]]:
    """(source, story, sentence, folded) of the sentences that hold one of the words anywhere: one pass for all words."""
    rows = [
        (row["source"] or "", row["story_id"] or row["doc_id"], sentence, fold(sentence))
        for row in documents.iter_rows(named=True)
        for sentence in (match[0].strip() for match in _SENTENCE.finditer(row["text"] or ""))
    ]
    held = pl.Series([folded for *_, folded in rows], dtype=pl.String).str.contains_any(
        words, ascii_case_insensitive=True
    )
    return [row for row, held_here in zip(rows, held, strict=True) if held_here]


def _product_words(lexicon: Lexicon) -> list[str]:
    """The wordings of products, longest first."""
    named = {text for text, meanings in lexicon.terms.items() if any(m.role == "product" for m in meanings)}
    return sorted((w for w in named if len(w) > 2), key=len, reverse=True)


def _product_pattern(words: list[str]) -> re.Pattern[str]:
    # the edge is looked at once, before the words: most places in a text are within a word and cost nothing
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, words))})(?![A-Za-z0-9])", re.I)


def _names(sentence: str, known: set[str]) -> set[str]:
    found = set()
    for pattern in (_CODE, _NAME):
        for match in pattern.finditer(sentence):
            if pattern is _NAME and match.start() == 0:
                continue  # the first word of a sentence has its capital anyhow
            name = match[0].strip(" -")
            words = [w for w in re.split(r"[ -]", name) if w]
            if len(name) < 3 or all(w.lower() in _COMMON for w in words):
                continue
            while words and words[0].lower() in _COMMON:
                name = name[len(words.pop(0)) :].strip(" -")
            folded = fold(name)
            if len(name) >= 3 and folded not in known and not _holds(folded, known):
                found.add(name)
    return found


def _holds(folded: str, known: set[str]) -> bool:
    """Whether a known term stands in a name as whole words."""
    words = folded.split(" ")
    return any(" ".join(words[i:j]) in known for i in range(len(words)) for j in range(i + 1, len(words) + 1))


def accept(folder: Path, name: str, belongs_to: str, *, code: bool) -> Path:
    """Add a name to watchlist.yaml (or a code to lexicon.yaml) of a folder; comments and order stay. RuleError if known."""
    path = folder / ("lexicon.yaml" if code else "watchlist.yaml")
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    data: Any = yaml.load(path.read_text(encoding="utf-8")) if path.exists() else CommentedMap()
    part = "products" if code else "entities"
    rows = data.setdefault(part, [])
    identity = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") if code else re.sub(r"[^A-Z0-9]+", "", name.upper())
    if any(row["id"] == identity for row in rows):
        raise RuleError(f"'{identity}' is already there", where=str(path))
    row = CommentedMap()
    if code:
        row.update({"id": identity, "family": belongs_to, "terms": [name]})
    else:
        row.update({"id": identity, "name": name, "aliases": [name], "layer": belongs_to, "roles": ["supplier"]})
    row.fa.set_flow_style()
    rows.append(row)
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(data, out)
    return path
