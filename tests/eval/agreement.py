"""How far two readers of the held-out clips agree: `python -m tests.eval.agreement [--write]`.

Pairs the facts of `heldout/labels.jsonl` (first reader) and `heldout/second.jsonl` with the pairing of `score.py` and
prints, per kind and group, what each reader's facts find with the other. The pairing is not symmetric (a label without
value may be met by a fact with one), so both directions are counted on their own. `--write` puts `heldout/agreed.jsonl`
together anew: what both have, and what `heldout/adjudication.tsv` keeps of the rest.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.eval import heldout
from tests.eval.score import FIELDS, Fact, Score, f1, pairs, score

HELD = Path(__file__).parent / "heldout"
DECISIONS = HELD / "adjudication.tsv"
AGREED = HELD / "agreed.jsonl"
GROUPS = ("figures", "statements", "all")


class Decision(NamedTuple):
    """A row of the adjudication: a fact of one reader kept or dropped, or a field of a fact of both settled."""

    clip: int
    start: int
    end: int
    kind: str
    entity: str
    by: str  # first, second, both
    decision: str  # keep, drop, or FIELD=VALUE (nothing after the sign: null)
    reason: str


def decisions() -> list[Decision]:
    """Rows of the adjudication, in order."""
    with DECISIONS.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Decision(
                int(row["clip"]), int(row["start"]), int(row["end"]), row["kind"], row["entity"],
                row["by"], row["decision"], row["reason"],
            )
            for row in rows
        ]  # fmt: skip


def agree(clip: int, first: list[Fact], second: list[Fact], made: list[Decision]) -> list[Fact]:
    """The facts of a clip both readers stand for after adjudication, in the order of the text.

    A fact of both carries the first reader's fields, save where a decision settles one. ValueError names a difference
    nothing decides and a decision that fits no difference.
    """
    left = {d[1:6] + ((d.decision.partition("=")[0],) if d.by == "both" else ()): d for d in made if d.clip == clip}

    def take(fact: Fact, by: str, *field: str) -> str:
        key = (fact["start"], fact["end"], fact["kind"], fact["entity"], by, *field)
        if key not in left:
            raise ValueError(f"{DECISIONS.name}: clip {clip} has no decision for {key}")
        return left.pop(key).decision

    met = pairs(first, second)
    kept = []
    for i, j in met:
        fact = dict(first[i])
        for field in FIELDS:
            if first[i].get(field) != second[j].get(field):
                fact[field] = take(first[i], "both", field).partition("=")[2] or None
        kept.append(fact)
    for by, facts, side in (("first", first, 0), ("second", second, 1)):
        alone = set(range(len(facts))) - {pair[side] for pair in met}
        kept += [facts[n] for n in sorted(alone) if take(facts[n], by) == "keep"]
    if left:
        raise ValueError(f"{DECISIONS.name}: clip {clip} decides what is no difference: {sorted(left)}")
    return sorted(kept, key=lambda fact: (fact["start"], fact["end"]))


def agreed() -> list[dict[str, Any]]:
    """Rows of the agreed reading, put together from both readings and the adjudication."""
    made = decisions()
    rows = zip(heldout.references("heldout"), heldout.references("heldout", "second"), strict=True)
    return [a | {"facts": agree(n, a["facts"], b["facts"], made)} for n, (a, b) in enumerate(rows, start=1)]


def by_clip(reading: str) -> dict[str, list[Fact]]:
    """Facts of a reading by number of the clip."""
    return {str(n): row["facts"] for n, row in enumerate(heldout.references("heldout", reading), start=1)}


def table(there: Score, back: Score) -> list[str]:
    """Lines per kind and group: facts of each reader, how many the other has too, and the F1 of both shares."""
    lines = [f"{'kind':<18} first  of these second has   second  of these first has   f1"]
    kinds = (set(there.labels) | set(back.labels)) - set(GROUPS)
    for kind in (*sorted(kinds, key=lambda k: (-there.labels[k], k)), *GROUPS):
        one, two = there.rates(kind)[1], back.rates(kind)[1]
        lines.append(
            f"{kind:<18} {there.labels[kind]:>5}  {there.found[kind]:>7} = {one:.3f}       "
            f"{back.labels[kind]:>6}  {back.found[kind]:>7} = {two:.3f}      {f1(one, two):.3f}"
        )
    for field in FIELDS:
        seen = there.field_seen[field]
        if seen:
            lines.append(
                f"field {field:<13} {there.accuracy(field):.3f} over {seen} facts of the first reader that name it"
            )
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Print the agreement; with `--write` also write the agreed reading."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="also write heldout/agreed.jsonl anew")
    options = parser.parse_args(arguments)
    first, second = by_clip("labels"), by_clip("second")
    print("\n".join(table(score(first, second), score(second, first))))
    made = decisions()
    for by in ("first", "second"):
        kept, dropped = (sum(d.by == by and d.decision == word for d in made) for word in ("keep", "drop"))
        print(f"only the {by} reader: {kept} kept, {dropped} dropped")
    rows = agreed()
    print(f"agreed: {sum(len(row['facts']) for row in rows)} facts")
    if options.write:
        AGREED.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
