"""Signals over real documents: `python -m tests.eval.claims [--documents DIR] [--draw N --seed S] [--db FILE]`.

Ingests a folder into a fresh store by the command of the product, prints the signals per claim and direction and how many
a document of the negatives (files named `*negatives*`: documents that are not about the thesis) raises, and exits 1 below
`CLAIMS` or above `PER_NEGATIVE`. With --draw it also prints random signals with their sentences, to be read by hand.
"""

from __future__ import annotations

import argparse
import gzip
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from tracker.ingest.files import documents_from_jsonl
from tracker.store import open_snapshot, query

FOLDER = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "documents"
CLAIMS = 18
PER_NEGATIVE = 0.02
_PER_CLAIM = """
SELECT claim, count(*) FILTER (direction > 0) AS "for", count(*) FILTER (direction < 0) AS against
FROM v_signals GROUP BY claim ORDER BY claim
"""
_OF_DOCUMENTS = "SELECT rule_id, unnest(doc_ids) AS doc_id FROM v_signals"
_TOLD = """
SELECT s.signal_id, s.claim, s.direction, s.rule_id, s.explanation, d.published_at, d.source_id, d.title, f.start, f."end",
       d.text
FROM v_signals s JOIN facts f ON f.fact_id = s.fact_ids[1] JOIN documents d ON d.doc_id = f.doc_id
WHERE f.extractor NOT IN ('xbrl', 'table') ORDER BY s.signal_id
"""
_AROUND = 160  # characters of the document shown on either side of the quote


def negatives(folder: Path) -> set[str]:
    """Ids of the documents that should raise nothing."""
    now = datetime.now(UTC)
    found: set[str] = set()
    for path in sorted(folder.glob("*negatives*")):
        body = path.read_bytes()
        lines = gzip.decompress(body) if path.suffix == ".gz" else body
        found |= set(documents_from_jsonl(lines, path.name, now)["doc_id"])
    return found


def draw(connection: object, count: int, seed: int) -> None:
    """Print `count` random signals that rest on a sentence, each with what stands around it."""
    rows = query(connection, _TOLD).to_dicts()
    random.Random(seed).shuffle(rows)
    print(f"{min(count, len(rows))} of {len(rows)} signals that rest on a sentence, seed {seed}")
    for number, row in enumerate(rows[:count], start=1):
        side = "for" if row["direction"] > 0 else "against"
        before = row["text"][max(0, row["start"] - _AROUND) : row["start"]]
        after = row["text"][row["end"] : row["end"] + _AROUND]
        around = f"{before}[[{row['text'][row['start'] : row['end']]}]]{after}".replace("\n", " ")
        print(f"\n{number}. {row['signal_id']} {row['claim']} {side}, {row['rule_id']}: {row['explanation']}")
        print(f"   {row['published_at']:%Y-%m-%d} {row['source_id']}: {row['title']}")
        print(f"   {around}")


def main() -> int:
    """Print the figures; 1 when they miss what is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=Path, default=FOLDER)
    parser.add_argument("--draw", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--db", type=Path, help="keep the store here; one that exists is read, not filled")
    asked = parser.parse_args()
    if not asked.documents.is_dir():
        print(f"{asked.documents} is not here: nothing to measure")
        return 0
    with TemporaryDirectory() as spare:
        db = asked.db or Path(spare) / "claims.duckdb"
        command = [sys.executable, "-m", "tracker", "ingest", str(asked.documents), "--db", str(db), "--json"]
        if not db.exists():
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connection = open_snapshot(db)
        per_claim = query(connection, _PER_CLAIM)
        off = negatives(asked.documents)
        raised = query(connection, _OF_DOCUMENTS).filter(pl.col("doc_id").is_in(list(off)))
        for claim, up, down in per_claim.iter_rows():
            print(f"{claim:4} {up:5} for {down:5} against")
        rate = raised.height / max(len(off), 1)
        print(f"claims with signals: {per_claim.height} (wanted: at least {CLAIMS})")
        print(
            f"signals a negative document: {rate:.4f} ({raised.height} of {len(off)}; wanted: at most {PER_NEGATIVE})"
        )
        for rule, count in (
            raised.group_by("rule_id").len().sort("len", "rule_id", descending=[True, False]).iter_rows()
        ):
            print(f"  {rule}: {count}")
        if asked.draw:
            draw(connection, asked.draw, asked.seed)
    return 0 if per_claim.height >= CLAIMS and rate <= PER_NEGATIVE else 1


if __name__ == "__main__":
    sys.exit(main())
