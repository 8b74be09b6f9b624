"""A sentence as the extractor reads it: its mentions, figures and periods, and what its document is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from tracker.extract.calendar import days_left
from tracker.extract.folding import fold, traditional
from tracker.extract.lexicon import Lexicon
from tracker.extract.mentions import Hits, Roles, find_terms, mentions_of
from tracker.extract.mentions import Mention as Mention
from tracker.extract.periods import Period, find_periods
from tracker.extract.quantities import find_quantities
from tracker.extract.quantity_words import Quantity

# A clause ends where another subject may begin. Every branch begins with a letter of its own, so that the expression
# is tried at few places; the look behind keeps "meanwhile" out.
CLAUSE: Final = re.compile(
    r"[;；]|, (?:while|but(?! (?:are|is|was|were|still|remains?)\b)|whereas|although|though|and (?:its|the company))\b|w(?<!\ww)h(?:ile|ereas)\b|，(?:而|但|同时|同時|不过)"
)


_NONE: Final[list[Mention]] = []
_TRADITIONAL: Final = 3  # characters that make a text one of Taiwan or Hong Kong
# Whose report a title announces: "Quanta Services, Inc. (PWR) earnings call".
_SPEAKER: Final = re.compile(r"([A-Z][\w&.,' -]{2,60}?) \([A-Z][A-Z.]{0,5}\)")
_REPORT: Final = re.compile(
    r"\bearnings\b|\bresults\b|\b(?:record|first|second|third|fourth|q[1-4])[ -]quarter\b|\bquarter(?:ly)? (?:profit|revenue|sales|forecast)|"
    r"\b(?:jump|surge|rise|fall|drop|increase|decline|growth|gain|record|plunge|slump) in (?:\w+ ){0,2}(?:profit|revenue|sales)\b|"
    r"\b(?:profit|revenue|sales) (?:jumps?|surges?|rises?|falls?|soars?|climbs?|beats?|tops?|drops?|grows?)\b|财报|財報|业绩|業績|季报|季報|财测|財測",
    re.IGNORECASE,
)


# What a term means, put behind it by an editor: （Gross Margin: 销售收入减去成本后的百分比）.
_GLOSS: Final = re.compile(r"[（(]\s?[A-Za-z][^（）()：:]{0,60}[:：][^（）()]{4,}[)）]")


def _glosses(text: str) -> list[tuple[int, int]]:
    """Where the words of a term end and its explanation begins, to the end of the bracket."""
    return [
        (text.index(m[0][m[0].index(":" if ":" in m[0] else "：")], m.start()), m.end()) for m in _GLOSS.finditer(text)
    ]


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
    text: str = field(default="", repr=False)
    period: str | None = None  # the quarter its title names
    named: tuple[str, ...] = ()  # entities of the title
    reports: bool = False  # its title says that it is about results
    subject: tuple[str, int] | None = None  # who was spoken of last, and where
    crowd: tuple[tuple[str, ...], int] | None = None  # several who were named together last, and where
    era: tuple[int, int] | None = None  # the latest year that was named last, and where
    product: tuple[str, int] | None = None  # the product that was spoken of last, and where
    told: Told | None = None
    passed: list[Reading] = field(default_factory=list, repr=False)  # read, and not yet remembered
    outlook: tuple[str, int] | None = None  # the period an outlook was announced for, and where
    stranger: str | None = None  # the company whose report it is, when it is not on the watchlist
    currency: str | None = None  # what an amount without a country's name is in
    deal: tuple[str, str, int] | None = None  # (buyer, seller, where) of the deal that was told last


@dataclass(slots=True)
class Reading:
    """A sentence with everything found in it."""

    document: Document
    offset: int
    text: str
    folded: str
    lexicon: Lexicon
    hits: Hits
    index: int  # of its hits
    told_of: str = ""  # whom the figure told right before it is of
    follows: bool = False  # it has no cue of its own and only goes on from the sentence before
    measured: bool = False  # it may hold a quantity
    trials: list[int] = field(default_factory=list)  # patterns of statements that may fit, by number
    _roles: Roles | None = None
    _quantities: list[Quantity] | None = None
    _month: int | None = None
    _glosses: list[tuple[int, int]] | None = None
    _periods: dict[int, list[Period]] = field(default_factory=dict)
    _clauses: list[int] | None = None

    @property
    def quantities(self) -> list[Quantity]:
        """Figures of the sentence, in order."""
        if self._quantities is None:
            found = find_quantities(self.text, currency=self.document.currency) if self.measured else []
            self._quantities = [q for q in found if not self._is_explained(q)]
        return self._quantities

    @property
    def fiscal_year_end_month(self) -> int:
        """Calendar of the document's issuer, or else of who is named first."""
        if self._month is None:
            owner = self.document.issuer
            if owner is None:
                named = self.of("entity")
                owner = named[0].term.value if named else self.told_of
            self._month = self.lexicon.fiscal_year_ends.get(owner, 12)
        return self._month

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
            self._roles = mentions_of(self.text, self.folded, self.hits, self.index, self.lexicon)
            if self._has_glosses():
                self._roles = {r: [m for m in found if not self._is_explained(m)] for r, found in self._roles.items()}
        return self._roles.get(role, _NONE)

    def _has_glosses(self) -> bool:
        if self._glosses is None:
            self._glosses = _glosses(self.text) if self.document.lang == "zh" else []
        return bool(self._glosses)

    def _is_explained(self, found: Mention | Quantity) -> bool:
        """Whether something stands in the explanation an editor put behind a term."""
        return self._has_glosses() and any(a <= found.start and found.end <= b for a, b in self._glosses or ())

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
    hits = find_terms(folded, lexicon, names=True)
    for i, (row, text, title, low) in enumerate(
        zip(documents.drop("text").iter_rows(named=True), documents["text"], titles, folded, strict=True)
    ):
        roles = mentions_of(title, low, hits, i, lexicon)
        named = tuple(
            dict.fromkeys(m.term.value for m in roles.get("entity", ()) if m.term.value not in lexicon.observers)
        )
        published = row.get("published_at")
        if isinstance(published, datetime):
            published = published.date()
        day = published if isinstance(published, date) else datetime.now(UTC).date()
        reports = _REPORT.search(title) is not None
        if row.get("lang") == "zh":
            named = _acting(title, low, roles, named)
        alone = len(named) == 1 or (named and reports)
        if alone and row.get("lang") == "zh" and len(named) + len(roles.get("outsider", ())) > 1:
            alone = False  # a note on several companies, some of them unknown
        issuer = known_issuer(row.get("entity"), lexicon) or (named[0] if alone else None)
        speaks = _SPEAKER.match(title) if reports and issuer is None else None
        month = lexicon.fiscal_year_ends.get(issuer or "", 12)
        quarters = [p.label for p in find_periods(title, fiscal_year_end_month=month, published=day) if "Q" in p.label]
        quarters = [q for q in quarters if days_left(q, day, month) <= 0]  # one that is not over is not reported on
        found[row["doc_id"]] = Document(
            row["doc_id"],
            issuer,
            day,
            row.get("lang") or "en",
            text,
            quarters[0] if quarters else None,
            named,
            reports,
            currency=_bare_currency(row.get("lang") or "en", issuer, f"{title} {text[:400]}", lexicon),
            stranger=fold(speaks[1]) if speaks else None,
        )
    return found


# In a title: 受惠台积电扩产, 打入Meta供应链, 輝達概念股 are about somebody else.
_BESIDE: Final = re.compile(r"(?:受惠|受惠于|受益于|得益于|打入|切入|卡位|搭上|攻入|挤进|供货|代工|挟)\s?$")
_THEIRS: Final = re.compile(r"\s?(?:供应链|概念股|概念|大联盟|平台|体系|链|家族|的?客户|大单|订单|伺服器|服务器)")


def _acting(title: str, folded: str, roles: Roles, named: tuple[str, ...]) -> tuple[str, ...]:
    """The companies of a title that are more than whom others gain by or deliver to."""
    beside = {
        m.term.value
        for m in roles.get("entity", ())
        if _BESIDE.search(folded, max(0, m.start - 6), m.start) or _THEIRS.match(folded, m.end)
    }
    elsewhere = {
        m.term.value
        for m in roles.get("entity", ())
        if not _BESIDE.search(folded, max(0, m.start - 6), m.start) and not _THEIRS.match(folded, m.end)
    }
    return tuple(name for name in named if name not in beside or name in elsewhere)


def _bare_currency(lang: str, issuer: str | None, beginning: str, lexicon: Lexicon) -> str | None:
    """What 元 means where no country stands beside it: Taiwan writes traditional characters, the mainland simplified ones."""
    if lang != "zh":
        return None
    if lexicon.currencies.get(issuer or "") not in (None, "TWD", "USD"):
        return "CNY"
    return "TWD" if traditional(beginning) >= _TRADITIONAL else "CNY"


def known_issuer(name: str | None, lexicon: Lexicon) -> str | None:
    """A watchlist id for an issuer given as id, ticker or name; None for one that is not watched."""
    if not name or name in lexicon.fiscal_year_ends:
        return name or None
    return next((t.value for t in lexicon.terms.get(fold(name), ()) if t.role == "entity"), None)
