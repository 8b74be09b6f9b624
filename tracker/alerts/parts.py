"""What a mail is made of, before any markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

MOVED_AT_LEAST: Final = 0.005  # half a percentage point


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
    withheld: Sequence[tuple[str, int]] = ()  # reason, signals that were not told at once


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
