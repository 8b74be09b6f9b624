"""The content of a mail, before any markup: what moved, why, and what speaks against it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from tracker.alerts.route import Recipient
from tracker.thesis.schema import Thesis
from tracker.vocabulary import SEVERITIES

MOVED_AT_LEAST: Final = 0.005  # half a percentage point
READ_WORDS: Final = 480  # two minutes at 240 words a minute
CJK_PER_WORD: Final = 1.7  # 400 Chinese characters a minute take as long as 240 English words
HISTORY: Final = 30  # points of a sparkline
# How much is told in full, from generous to terse: (claims, sentences a side). The first that reads in two minutes wins.
_FOLDS: Final = ((5, 2), (4, 2), (4, 1), (3, 1), (2, 1), (1, 1))
IMMEDIATE_SIDES: Final = (6, 3)


@dataclass(frozen=True)
class Evidence:
    """One signal with the sentence it rests on."""

    signal_id: str
    rule_id: str
    explanation: str
    quote: str
    source: str
    title: str
    url: str
    published_at: datetime
    severity: str
    racks: float | None
    beneficiaries: list[str]
    squeezed: list[str]
    entity: str
    fresh: bool


@dataclass(frozen=True)
class ClaimMove:
    """A claim with its probability before and after, and the evidence on both sides."""

    claim: str
    text: str
    before: float
    after: float
    history: list[float]
    evidence_for: list[Evidence]
    evidence_against: list[Evidence]
    new: int = 0  # signals of the window
    falsified_by: str = ""

    @property
    def change(self) -> float:
        """Change of the probability."""
        return self.after - self.before


@dataclass(frozen=True)
class Tightest:
    """The link of the chain with the least supply per demanded rack, and its quarters (name, demand, supply)."""

    link: str
    quarter: str
    demand: float
    supply: float
    quarters: list[tuple[str, float | None, float | None]]


@dataclass(frozen=True)
class Due:
    """Evidence that is expected, or late."""

    day: date
    who: str
    what: str
    claims: list[str]
    overdue_days: int = 0


@dataclass(frozen=True)
class Reporter:
    """Who reports today: what was said before, and which claims it can move."""

    who: str
    last: date | None
    claims: list[tuple[str, str, float]]  # claim, its text, its probability
    said: list[Evidence]  # the latest that stands on this company


@dataclass(frozen=True)
class Sides:
    """What the mail is made of besides signals and conviction; each may be empty."""

    documents: int = 0
    sources: int = 0
    failing: Sequence[tuple[str, str]] = ()
    tightest: Tightest | None = None
    yearly_racks: float | None = None  # supply of the last four quarters
    due: Sequence[Due] = ()
    reporters: Sequence[tuple[str, str, date | None, list[str]]] = ()  # entity, name, last results, claims
    new_names: Sequence[tuple[str, str]] = ()  # name, sentence
    verdicts: Sequence[tuple[str, int, int]] = ()  # rule, confirmed, rejected


@dataclass(frozen=True)
class Digest:
    """Everything a mail says."""

    kind: str  # digest | weekly | earnings | immediate
    language: str
    local_date: date
    zone: str
    moves: list[ClaimMove]
    thesis_before: float
    thesis_after: float
    signals: int
    sides: Sides
    thesis_history: list[float] = field(default_factory=list)
    quiet: list[ClaimMove] = field(default_factory=list)
    reporters: list[Reporter] = field(default_factory=list)
    gains: list[tuple[str, int]] = field(default_factory=list)
    squeezed: list[tuple[str, int]] = field(default_factory=list)
    days: int = 1

    @property
    def empty(self) -> bool:
        """Nothing moved and nothing new: the mail is a heartbeat."""
        return not self.moves and not self.signals

    @property
    def folded(self) -> int:
        """New signals that stand only on the web page."""
        told = {e.signal_id for m in self.moves for e in (*m.evidence_for, *m.evidence_against) if e.fresh}
        return max(0, self.signals - len(told))


def build_digest(
    *,
    kind: str,
    recipient: Recipient,
    local_date: date,
    thesis: Thesis,
    evidence: pl.DataFrame,
    conviction: pl.DataFrame,
    start: datetime,
    end: datetime,
    names: Mapping[str, str],
    sides: Sides,
) -> Digest:
    """Put a mail together, as long as reads in two minutes.

    evidence: signals with their first fact and document (signal_id, rule_id, claim, direction, severity, strength,
    confidence, created_at, explanation, explanation_zh, racks_base, entity, beneficiaries, squeezed, quote, source, title,
    url, published_at). conviction: history (claim, as_of, probability). names: entity -> name in the reader's language.
    """
    new = evidence.filter((pl.col("created_at") > start) & (pl.col("created_at") <= end))
    history = conviction.filter(pl.col("as_of") <= end).sort("as_of")
    maker = _Maker(recipient, names, new, evidence, history, start)
    moves = [
        m for c in thesis.claims.values() if (m := maker.move(c.id, _text(c, recipient), c.falsified_by)) is not None
    ]
    told = [m for m in moves if abs(m.change) >= MOVED_AT_LEAST or m.new]
    told.sort(key=lambda m: (-abs(m.change), -m.new, m.claim))
    before, after, line = maker.probabilities("THESIS")
    gains, squeezed = _counted(new, names)
    whole = Digest(
        kind=kind,
        language=recipient.language,
        local_date=local_date,
        zone=recipient.zone.key,
        moves=told,
        thesis_before=before,
        thesis_after=after,
        thesis_history=line,
        signals=new.height,
        sides=sides,
        reporters=[maker.reporter(*r, thesis=thesis) for r in sides.reporters],
        gains=gains,
        squeezed=squeezed,
        days=max(1, round((end - start).total_seconds() / 86400)),
    )
    return _folded(whole)


def _folded(whole: Digest) -> Digest:
    """The first fold that reads in two minutes; an immediate alert is one story and keeps what it has."""
    folds = (IMMEDIATE_SIDES,) if whole.kind == "immediate" else _FOLDS
    made = whole
    for claims, per_side in folds:
        full = [
            replace(m, evidence_for=m.evidence_for[:per_side], evidence_against=m.evidence_against[:per_side])
            for m in whole.moves[:claims]
        ]
        made = replace(whole, moves=full, quiet=whole.moves[claims:])
        if reading_words(made) <= READ_WORDS:
            break
    return made


def reading_words(digest: Digest) -> int:
    """How long the mail is for a reader, in English words or what takes as long."""
    texts = [m.text for m in (*digest.moves, *digest.quiet)]
    for move in digest.moves:
        for one in (*move.evidence_for, *move.evidence_against):
            texts += [one.explanation[:300], one.quote[:200], one.source]
    for reporter in digest.reporters:
        texts += [text for _, text, _ in reporter.claims] + [e.explanation[:200] for e in reporter.said]
    texts += [f"{d.who} {d.what}" for d in digest.sides.due]
    texts += [sentence[:160] for _, sentence in digest.sides.new_names]
    texts += [name for name, _ in (*digest.gains, *digest.squeezed)]
    whole = " ".join(texts)
    cjk = sum("\u3400" <= c <= "\u9fff" for c in whole)
    return len("".join(" " if "\u3400" <= c <= "\u9fff" else c for c in whole).split()) + round(cjk / CJK_PER_WORD)


def _counted(new: pl.DataFrame, names: Mapping[str, str]) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Who gains and who is squeezed by the window's signals, most often named first; a story counts once."""
    both = []
    for column in ("beneficiaries", "squeezed"):
        counts: Counter[str] = Counter()
        for who, _ in {
            (one.partition(": ")[0], story)
            for story, many in new.select("story_id", column).iter_rows()
            for one in many or ()
        }:
            counts[names.get(who, who)] += 1
        both.append(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:6])
    return both[0], both[1]


def _text(claim: Any, recipient: Recipient) -> str:
    return str(claim.text_zh if recipient.language == "zh" else claim.text)


@dataclass(frozen=True)
class _Maker:
    """What the parts of one mail are made from."""

    recipient: Recipient
    names: Mapping[str, str]
    new: pl.DataFrame
    evidence: pl.DataFrame
    history: pl.DataFrame
    start: datetime

    def probabilities(self, claim: str) -> tuple[float, float, list[float]]:
        """(before, after, the last points) of a claim."""
        own = self.history.filter(pl.col("claim") == claim)
        if own.is_empty():
            return 0.5, 0.5, []
        earlier = own.filter(pl.col("as_of") <= self.start)
        before = earlier.item(-1, "probability") if earlier.height else own.item(0, "probability")
        return float(before), float(own.item(-1, "probability")), [float(p) for p in own["probability"].tail(HISTORY)]

    def move(self, claim: str, text: str, falsified_by: str) -> ClaimMove | None:
        """A claim's move; None for one nothing was ever known of."""
        before, after, line = self.probabilities(claim)
        own_new = self.new.filter(pl.col("claim") == claim)
        if not line and own_new.is_empty():
            return None
        known = self.evidence.filter(pl.col("claim") == claim)
        sides = []
        for sign in (1, -1):
            fresh_side = own_new.filter(pl.col("direction") == sign)
            # the other side is always shown: without news of it, the strongest that is known
            shown = fresh_side if fresh_side.height else known.filter(pl.col("direction") == sign)
            sides.append([self.told(row) for row in _strongest(shown).iter_rows(named=True)])
        return ClaimMove(claim, text, before, after, line, sides[0], sides[1], own_new.height, falsified_by)

    def reporter(self, entity: str, name: str, last: date | None, claims: Sequence[str], *, thesis: Thesis) -> Reporter:
        """Who reports, the three latest signals about them, and what their figures can move."""
        said = self.evidence.filter(pl.col("entity") == entity).sort("published_at", "signal_id", descending=True)
        own = said.unique("explanation", keep="first", maintain_order=True).head(3)
        movable = [
            (c, _text(thesis.claims[c], self.recipient), self.probabilities(c)[1]) for c in claims if c in thesis.claims
        ]
        return Reporter(name, last, movable[:4], [self.told(row) for row in own.iter_rows(named=True)])

    def told(self, row: dict[str, Any]) -> Evidence:
        """A row of evidence in the reader's language and time zone."""
        chinese = self.recipient.language == "zh"
        explanation = (row["explanation_zh"] or row["explanation"]) if chinese else row["explanation"]
        return Evidence(
            signal_id=row["signal_id"],
            rule_id=row["rule_id"],
            explanation=explanation,
            quote=row["quote"] or "",
            source=row["source"] or "",
            title=row["title"] or "",
            url=row["url"] or "",
            published_at=row["published_at"].astimezone(self.recipient.zone),
            severity=row["severity"],
            racks=row["racks_base"],
            beneficiaries=self._named(row["beneficiaries"]),
            squeezed=self._named(row["squeezed"]),
            entity=self.names.get(row["entity"] or "", row["entity"] or ""),
            fresh=row["created_at"] > self.start,
        )

    def _named(self, paths: list[str] | None) -> list[str]:
        return [self.names.get(who, who) for who in (one.partition(": ")[0] for one in paths or [])]


def _strongest(signals: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)}, return_dtype=pl.Int32)
    return (
        signals.with_columns(rank=rank, weight=pl.col("strength") * pl.col("confidence"))
        .sort(["rank", "weight", "published_at", "signal_id"], descending=[True, True, True, False], nulls_last=True)
        .unique("explanation", keep="first", maintain_order=True)
        .head(max(sides for _, sides in (*_FOLDS, IMMEDIATE_SIDES)))
    )
