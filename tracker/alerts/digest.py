"""The content of a mail, before any markup: what moved, why, and what speaks against it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from tracker.alerts.parts import MOVED_AT_LEAST, ClaimMove, Digest, Evidence, Reporter, Sides
from tracker.alerts.recipients import Recipient
from tracker.thesis.rulebook import Claim, Thesis
from tracker.vocabulary import SEVERITIES

READ_WORDS: Final = 480  # two minutes at 240 words a minute
CJK_PER_WORD: Final = 1.7  # 400 Chinese characters a minute take as long as 240 English words
HISTORY: Final = 30  # points of a sparkline
# How much is told in full, from generous to terse: (claims, sentences a side). The first that reads in two minutes wins.
_FOLDS: Final = ((5, 2), (4, 2), (4, 1), (3, 1), (2, 1), (1, 1))
ALERT_CLAIMS: Final = 6  # an alert is one story and keeps what it has
ALERT_SIDE: Final = 3

Row = Mapping[str, Any]
Line = tuple[list[datetime], list[float]]  # when a claim moved and to what probability, oldest first


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
    own = [c for c in thesis.claims.values() if recipient.wants(c.pillar)]
    evidence = evidence.filter(pl.col("claim").is_in([c.id for c in own]))
    new = evidence.filter((pl.col("created_at") > start) & (pl.col("created_at") <= end))
    history = conviction.filter(pl.col("as_of") <= end).sort("as_of")
    lines = {
        str(key[0]): (part["as_of"].to_list(), part["probability"].to_list())
        for key, part in history.partition_by("claim", as_dict=True).items()
    }
    counts = dict(new.group_by("claim").len().iter_rows())
    maker = _Maker(recipient, names, start, lines, counts, _strongest(new), _strongest(evidence))
    before, after, line = maker.probabilities("THESIS")
    gains, squeezed = _counted(new, names)
    whole = Digest(
        kind=kind,
        language=recipient.language,
        local_date=local_date,
        zone=recipient.zone.key,
        moves=maker.moves(own),
        thesis_before=before,
        thesis_after=after,
        thesis_history=line,
        signals=new.height,
        sides=sides,
        reporters=[maker.reporter(*r, thesis=thesis, evidence=evidence) for r in sides.reporters],
        gains=gains,
        squeezed=squeezed,
        days=max(1, round((end - start).total_seconds() / 86400)),
    )
    for claims, per_side in _FOLDS:  # the first fold that reads in two minutes
        made = _folded(whole, claims, per_side)
        if reading_words(made) <= READ_WORDS:
            break
    return made


def build_alert(
    *,
    recipient: Recipient,
    local_date: date,
    thesis: Thesis,
    own: Sequence[Row],
    known: Mapping[tuple[str, int], Sequence[Row]],
    lines: Mapping[str, Line],
    start: datetime,
    names: Mapping[str, str],
) -> Digest:
    """An alert on signals: one piece of news, told with all it has, and what was known on the other side.

    own: rows of evidence (as for `build_digest`) of the signals; known: the strongest others of their claims; lines: how the
    claims moved; start: the moment before the signals came. No frames: a flood is a hundred of these a second.
    """
    counts = Counter(row["claim"] for row in own)
    claims = [c for c in thesis.claims.values() if c.id in counts and recipient.wants(c.pillar)]
    before_start = {side: [row for row in rows if row["created_at"] <= start] for side, rows in known.items()}
    maker = _Maker(recipient, names, start, lines, counts, by_side(own), before_start)
    before, after, line = maker.probabilities("THESIS")
    whole = Digest(
        kind="immediate",
        language=recipient.language,
        local_date=local_date,
        zone=recipient.zone.key,
        moves=maker.moves(claims),
        thesis_before=before,
        thesis_after=after,
        thesis_history=line,
        signals=len(own),
        sides=Sides(),
    )
    return _folded(whole, ALERT_CLAIMS, ALERT_SIDE)


def _folded(whole: Digest, claims: int, per_side: int) -> Digest:
    """The first claims in full, so many sentences a side; the others in a line each."""
    full = [
        replace(m, evidence_for=m.evidence_for[:per_side], evidence_against=m.evidence_against[:per_side])
        for m in whole.moves[:claims]
    ]
    return replace(whole, moves=full, quiet=whole.moves[claims:])


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


def _text(claim: Claim, recipient: Recipient) -> str:
    return str(claim.text_zh if recipient.language == "zh" else claim.text)


@dataclass(frozen=True)
class _Maker:
    """What the parts of one mail are made from."""

    recipient: Recipient
    names: Mapping[str, str]
    start: datetime
    lines: Mapping[str, Line]
    counts: Mapping[str, int]  # claim -> signals of the window
    new: Mapping[tuple[str, int], Sequence[Row]]  # (claim, direction) -> the strongest of the window
    known: Mapping[tuple[str, int], Sequence[Row]]  # the same of all that is known

    def probabilities(self, claim: str) -> tuple[float, float, list[float]]:
        """(before, after, the last points) of a claim."""
        own = self.lines.get(claim)
        if own is None:
            return 0.5, 0.5, []
        times, line = own
        earlier = bisect_right(times, self.start)
        return line[max(earlier - 1, 0)], line[-1], line[-HISTORY:]

    def moves(self, claims: Sequence[Claim]) -> list[ClaimMove]:
        """Claims that moved or have news, by how far they moved."""
        made = [m for c in claims if (m := self.move(c.id, _text(c, self.recipient), c.falsified_by)) is not None]
        told = [m for m in made if abs(m.change) >= MOVED_AT_LEAST or m.new]
        return sorted(told, key=lambda m: (-abs(m.change), -m.new, m.claim))

    def move(self, claim: str, text: str, falsified_by: str) -> ClaimMove | None:
        """A claim's move; None for one nothing was ever known of."""
        before, after, line = self.probabilities(claim)
        if not line and claim not in self.counts:
            return None
        # the other side is always shown: without news of it, the strongest that is known
        sides = [
            [self.told(row) for row in self.new.get((claim, sign)) or self.known.get((claim, sign)) or []]
            for sign in (1, -1)
        ]
        return ClaimMove(claim, text, before, after, line, sides[0], sides[1], self.counts.get(claim, 0), falsified_by)

    def reporter(
        self,
        entity: str,
        name: str,
        last: date | None,
        claims: Sequence[str],
        *,
        thesis: Thesis,
        evidence: pl.DataFrame,
    ) -> Reporter:
        """Who reports, the three latest signals about them, and what their figures can move."""
        said = evidence.filter(pl.col("entity") == entity).sort("published_at", "signal_id", descending=True)
        own = said.unique("explanation", keep="first", maintain_order=True).head(3)
        movable = [
            (c, _text(thesis.claims[c], self.recipient), self.probabilities(c)[1]) for c in claims if c in thesis.claims
        ]
        return Reporter(name, last, movable[:4], [self.told(row) for row in own.iter_rows(named=True)])

    def told(self, row: Row) -> Evidence:
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


def _strongest(signals: pl.DataFrame) -> dict[tuple[str, int], list[Row]]:
    """(claim, direction) -> rows, strongest first; what reads the same counts once."""
    rank = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)}, return_dtype=pl.Int32)
    most = max(sides for _, sides in _FOLDS)
    side = ["claim", "direction"]
    best = (
        signals.with_columns(rank=rank, weight=pl.col("strength") * pl.col("confidence"))
        .sort(["rank", "weight", "published_at", "signal_id"], descending=[True, True, True, False], nulls_last=True)
        .unique([*side, "explanation"], keep="first", maintain_order=True)
        .group_by(side, maintain_order=True)
        .head(most)
    )
    found: dict[tuple[str, int], list[Row]] = {}
    for row in best.iter_rows(named=True):
        found.setdefault((row["claim"], row["direction"]), []).append(row)
    return found


def by_side(rows: Sequence[Row]) -> dict[tuple[str, int], list[Row]]:
    """The same of a handful of rows."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in sorted(rows, key=_strength):
        side = found.setdefault((row["claim"], row["direction"]), [])
        if all(row["explanation"] != other["explanation"] for other in side):
            side.append(row)
    return found


def _strength(row: Row) -> tuple[int, float, float, str]:
    at = row["published_at"]
    weight = (row["strength"] or 0.0) * (row["confidence"] or 0.0)
    return -SEVERITIES.index(row["severity"]), -weight, -at.timestamp() if at else 0.0, row["signal_id"]
