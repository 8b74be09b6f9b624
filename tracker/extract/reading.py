"""A sentence as the extractor reads it: its mentions, figures and periods, and what its document is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon, Term, term_at
from tracker.extract.periods import Period, find_periods
from tracker.extract.quantities import Quantity, find_quantities

# A clause ends where another subject may begin.
CLAUSE: Final = re.compile(
    r"[;；]|, (?:while|but|whereas|although|though|and (?:its|the company))\b|\b(?:while|whereas)\b|，(?:而|但|同时|同時|不过)"
)


_REPORT: Final = re.compile(
    r"\b(?:earnings|quarterly results|quarter results|reports results)\b|财报|財報|业绩|業績", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A term where it stands in a sentence."""

    start: int
    end: int
    term: Term


@dataclass(frozen=True, slots=True)
class Told:
    """A figure that has been told: what an elliptical figure after it goes on about."""

    kind: str
    entity: str
    product: str | None
    period: str | None
    unit: str | None
    end: int  # in the document


@dataclass(slots=True)
class Document:
    """What is known of a document while its sentences are read in order."""

    doc_id: str
    issuer: str | None
    published: date
    lang: str
    period: str | None = None  # the quarter its title names
    named: tuple[str, ...] = ()  # entities of the title
    reports: bool = False  # its title says that it is about results
    subject: tuple[str, int] | None = None  # who was spoken of last, and where
    told: Told | None = None
    outlook: tuple[str, int] | None = None  # the period an outlook was announced for, and where
    currency: str | None = None  # what an amount without a country's name is in
    deal: tuple[str, str, int] | None = None  # (buyer, seller, where) of the deal that was told last


@dataclass(slots=True)
class Reading:
    """A sentence with everything found in it."""

    document: Document
    offset: int
    text: str
    mentions: list[Mention]
    follows: bool = False  # it has no cue of its own and only goes on from the sentence before
    fiscal_year_end_month: int = 12
    quantities: list[Quantity] = field(default_factory=list)
    _roles: dict[str, list[Mention]] | None = None
    _periods: dict[int, list[Period]] = field(default_factory=dict)
    _clauses: list[int] | None = None

    @property
    def periods(self) -> list[Period]:
        """Periods of the sentence in the calendar of the document's issuer."""
        return self.periods_in(self.fiscal_year_end_month)

    def periods_in(self, fiscal_year_end_month: int) -> list[Period]:
        """Periods of the sentence in somebody's calendar; looked for when a fact first asks: most sentences hold none."""
        if fiscal_year_end_month not in self._periods:
            own = fiscal_year_end_month == self.fiscal_year_end_month
            self._periods[fiscal_year_end_month] = find_periods(
                self.text,
                fiscal_year_end_month=fiscal_year_end_month,
                published=self.document.published,
                reference=self.document.period if own else None,
            )
        return self._periods[fiscal_year_end_month]

    def of(self, role: str) -> list[Mention]:
        """Mentions of a role, in order."""
        if self._roles is None:
            self._roles = {}
            for mention in self.mentions:
                self._roles.setdefault(mention.term.role, []).append(mention)
        return self._roles.get(role, [])

    def clause_start(self, at: int) -> int:
        """Where the clause that holds `at` begins."""
        if self._clauses is None:
            self._clauses = [m.end() for m in CLAUSE.finditer(self.text)]
        return max((c for c in self._clauses if c <= at), default=0)


def prepared(documents: pl.DataFrame, lexicon: Lexicon) -> dict[str, Document]:
    """Documents by id with their issuer and day; titles are scanned all at once."""
    titles = (
        documents["title"] if "title" in documents.columns else pl.repeat("", documents.height, eager=True)
    ).fill_null("")
    folded = [fold(title) for title in titles]
    found: dict[str, Document] = {}
    for row, text, title, low, hits in zip(
        documents.drop("text").iter_rows(named=True),
        documents["text"],
        titles,
        folded,
        term_hits(folded, lexicon),
        strict=True,
    ):
        named = tuple(
            dict.fromkeys(
                m.term.value
                for m in mentions_of(title, low, hits, lexicon)
                if m.term.role == "entity" and m.term.value not in lexicon.observers
            )
        )
        published = row.get("published_at")
        if isinstance(published, datetime):
            published = published.date()
        day = published if isinstance(published, date) else datetime.now(UTC).date()
        issuer = known_issuer(row.get("entity"), lexicon) or (named[0] if len(named) == 1 else None)
        month = lexicon.fiscal_year_ends.get(issuer or "", 12)
        quarters = [p.label for p in find_periods(title, fiscal_year_end_month=month, published=day) if "Q" in p.label]
        found[row["doc_id"]] = Document(
            row["doc_id"],
            issuer,
            day,
            row.get("lang") or "en",
            quarters[0] if quarters else None,
            named,
            _REPORT.search(title) is not None,
            currency=_bare_currency(row.get("lang") or "en", issuer, f"{title} {text[:400]}", lexicon),
        )
    return found


def _bare_currency(lang: str, issuer: str | None, beginning: str, lexicon: Lexicon) -> str | None:
    """What 元 means where no country stands beside it: Taiwan writes traditional characters, the mainland simplified ones."""
    if lang != "zh":
        return None
    own = lexicon.currencies.get(issuer or "")
    traditional = sum(a != b for a, b in zip(beginning, fold(beginning), strict=True) if "\u4e00" <= a <= "\u9fff")
    return "TWD" if traditional >= 3 and own in (None, "TWD", "USD") else "CNY"


def known_issuer(name: str | None, lexicon: Lexicon) -> str | None:
    """A watchlist id for an issuer given as id, ticker or name; None for one that is not watched."""
    if not name or name in lexicon.fiscal_year_ends:
        return name or None
    return next((t.value for t in lexicon.terms.get(fold(name), ()) if t.role == "entity"), None)


def term_hits(folded: list[str], lexicon: Lexicon) -> list[list[tuple[int, str]]]:
    """(byte offset, wording) of every term in each text; overlapping ones included."""
    series = pl.Series(folded, dtype=pl.String)
    patterns = list(lexicon.patterns)
    places = series.str.find_many(patterns, overlapping=True)
    words = series.str.extract_many(patterns, overlapping=True)
    return [
        list(zip(p.to_list(), w.to_list(), strict=True)) if p is not None and w is not None else []
        for p, w in zip(places, words, strict=True)
    ]


def mentions_of(text: str, folded: str, hits: list[tuple[int, str]], lexicon: Lexicon) -> list[Mention]:
    """The terms of a sentence; of one role the longest wording wins ("GB200 NVL72" hides "GB200" and "NVL72")."""
    raw = None if folded.isascii() else folded.encode("utf-8")
    found: list[Mention] = []
    for offset, word in hits:
        start = offset if raw is None else len(raw[:offset].decode("utf-8", errors="ignore"))
        end = start + len(word)
        found += [Mention(start, end, term) for term in term_at(lexicon, folded, text, start, end)]
    found.sort(key=lambda m: (m.start, -m.end))
    kept: list[Mention] = []
    last: dict[str, Mention] = {}
    for mention in found:
        role = mention.term.role
        before = last.get(role)
        if before is not None and mention.end <= before.end and mention.end - mention.start < before.end - before.start:
            continue
        kept.append(mention)
        if before is None or mention.end >= before.end:
            last[role] = mention
    return kept


def readings(sentences: pl.DataFrame, documents: dict[str, Document], lexicon: Lexicon) -> Iterator[Reading]:
    """Readings of candidate sentences, in order; sentences of boilerplate are left out."""
    hits = term_hits(sentences["folded"].to_list(), lexicon)
    for (doc_id, start, _, sentence, folded, figures, follows), found in zip(sentences.iter_rows(), hits, strict=True):
        mentions = mentions_of(sentence, folded, found, lexicon)
        roles = {m.term.role for m in mentions}
        if "boilerplate" in roles or not (
            follows or not roles.isdisjoint(("cue", "strong", "weak", "heard", "implied"))
        ):
            continue
        document = documents[doc_id]
        reading = Reading(document, start, sentence, mentions, follows)
        owner = document.issuer
        if owner is None:
            named = reading.of("entity")
            owner = named[0].term.value if named else ""
        reading.fiscal_year_end_month = lexicon.fiscal_year_ends.get(owner, 12)
        if figures:
            reading.quantities = find_quantities(sentence, currency=document.currency)
        yield reading
