"""The content of a mail, before any markup: what moved, why, and what speaks against it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import polars as pl

from tracker.alerts.route import Recipient
from tracker.thesis.schema import Thesis
from tracker.vocabulary import SEVERITIES

MOVED_AT_LEAST: Final = 0.005  # half a percentage point
PER_SIDE: Final = 3  # sentences for and against a claim
CLAIMS: Final = 8  # claims told in full; the rest in a line each
MISSED_AFTER: Final = timedelta(hours=30)


@dataclass(frozen=True)
class Evidence:
    """One signal with the sentence it rests on."""

    signal_id: str
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

    @property
    def change(self) -> float:
        """Change of the probability."""
        return self.after - self.before


@dataclass(frozen=True)
class Digest:
    """Everything a mail says."""

    kind: str  # digest | immediate
    language: str
    local_date: date
    zone: str
    moves: list[ClaimMove]
    thesis_before: float
    thesis_after: float
    documents: int
    signals: int
    quiet: list[ClaimMove] = field(default_factory=list)
    failing_sources: list[tuple[str, str]] = field(default_factory=list)
    sources: int = 0
    tightest: str = ""

    @property
    def empty(self) -> bool:
        """Nothing moved and nothing new: the mail is a heartbeat."""
        return not self.moves and not self.signals


def digest_due(recipient: Recipient, last_date: date | None, now: datetime) -> date | None:
    """The local date whose digest is due now, or None.

    Keyed by the reader's calendar day: on the day a clock hour repeats nothing is sent twice, on the day it is skipped
    the digest goes out at the next moment that exists; a run missed while the machine was off goes out once.
    """
    local = now.astimezone(recipient.zone)
    hour, minute = (int(part) for part in recipient.digest_at.split(":"))
    day = local.date() if (local.hour, local.minute) >= (hour, minute) else local.date() - timedelta(days=1)
    return day if last_date is None or last_date < day else None


def window_of(recipient: Recipient, day: date) -> tuple[datetime, datetime]:
    """The day a digest tells of: from the digest of the day before to its own."""
    hour, minute = (int(part) for part in recipient.digest_at.split(":"))
    end = datetime.combine(day, time(hour, minute), tzinfo=recipient.zone)
    start = datetime.combine(day - timedelta(days=1), time(hour, minute), tzinfo=recipient.zone)
    return start, end


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
    documents: int,
    sources: pl.DataFrame,
    tightest: str = "",
) -> Digest:
    """Put a digest together.

    evidence: signals with their first fact and document (signal_id, claim, direction, severity, strength, confidence,
    created_at, explanation, explanation_zh, racks_base, entity, beneficiaries, squeezed, quote, source, title, url,
    published_at). conviction: history (claim, as_of, probability). sources: name, health, last_error.
    """
    new = evidence.filter((pl.col("created_at") > start) & (pl.col("created_at") <= end))
    history = conviction.filter(pl.col("as_of") <= end).sort("as_of")
    moves = [
        _move(claim.id, _text(claim, recipient), new, evidence, history, start, recipient)
        for claim in thesis.claims.values()
    ]
    told = [
        m
        for m in moves
        if m is not None and (abs(m.change) >= MOVED_AT_LEAST or new.filter(pl.col("claim") == m.claim).height)
    ]
    told.sort(key=lambda m: (-abs(m.change), m.claim))
    before, after, _ = _probabilities(history, "THESIS", start)
    failing = sources.filter(pl.col("health").is_in(["failing", "dead"]))
    return Digest(
        kind=kind,
        language=recipient.language,
        local_date=local_date,
        zone=recipient.zone.key,
        moves=told[:CLAIMS],
        quiet=told[CLAIMS:],
        thesis_before=before,
        thesis_after=after,
        documents=documents,
        signals=new.height,
        failing_sources=[(str(n), str(e or "")) for n, e in failing.select("name", "last_error").iter_rows()],
        sources=sources.height,
        tightest=tightest,
    )


def _text(claim: Any, recipient: Recipient) -> str:
    return str(claim.text_zh if recipient.language == "zh" else claim.text)


def _probabilities(history: pl.DataFrame, claim: str, start: datetime) -> tuple[float, float, list[float]]:
    own = history.filter(pl.col("claim") == claim)
    if own.is_empty():
        return 0.5, 0.5, []
    after = float(own.item(-1, "probability"))
    earlier = own.filter(pl.col("as_of") <= start)
    before = float(earlier.item(-1, "probability")) if earlier.height else float(own.item(0, "probability"))
    return before, after, [float(p) for p in own["probability"].tail(30)]


def _move(
    claim: str,
    text: str,
    new: pl.DataFrame,
    evidence: pl.DataFrame,
    history: pl.DataFrame,
    start: datetime,
    recipient: Recipient,
) -> ClaimMove | None:
    before, after, line = _probabilities(history, claim, start)
    own_new = new.filter(pl.col("claim") == claim)
    if not line and own_new.is_empty():
        return None
    known = evidence.filter(pl.col("claim") == claim)
    sides = []
    for sign in (1, -1):
        fresh_side = own_new.filter(pl.col("direction") == sign)
        # the other side is always shown: without news of it, the strongest that is known
        shown = fresh_side if fresh_side.height else known.filter(pl.col("direction") == sign)
        sides.append([_evidence(row, recipient) for row in _strongest(shown).iter_rows(named=True)])
    return ClaimMove(claim, text, before, after, line, sides[0], sides[1])


def _strongest(signals: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)}, return_dtype=pl.Int32)
    return (
        signals.with_columns(rank=rank, weight=pl.col("strength") * pl.col("confidence"))
        .sort(["rank", "weight", "published_at", "signal_id"], descending=[True, True, True, False], nulls_last=True)
        .unique("explanation", keep="first", maintain_order=True)
        .head(PER_SIDE)
    )


def _evidence(row: dict[str, Any], recipient: Recipient) -> Evidence:
    chinese = recipient.language == "zh"
    return Evidence(
        signal_id=row["signal_id"],
        explanation=(row["explanation_zh"] or row["explanation"]) if chinese else row["explanation"],
        quote=row["quote"] or "",
        source=row["source"] or "",
        title=row["title"] or "",
        url=row["url"] or "",
        published_at=row["published_at"].astimezone(recipient.zone),
        severity=row["severity"],
        racks=row["racks_base"],
        beneficiaries=[one.partition(": ")[0] for one in row["beneficiaries"] or []],
        squeezed=[one.partition(": ")[0] for one in row["squeezed"] or []],
        entity=row["entity"] or "",
    )
