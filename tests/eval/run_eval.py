"""Extraction against labelled documents: `python -m tests.eval.run_eval [--predictions F]`.

Scores the labelled documents beside the checkout (left out when they are not there), the project's own samples and
the project's own labels for clips of the data (`heldout`: never to be tuned to),
prints precision and recall per kind and the agreement of the fields, and exits 1 below the recorded floor.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.eval import heldout
from tests.eval.score import FIELDS, Fact, Score, score
from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import load_lexicon
from tracker.ingest.files import documents_from_jsonl
from tracker.resources import data_dir

HERE = Path(__file__).parent
SHARED = HERE.parent.parent.parent / "shared" / "data" / "labels"
FLOOR = HERE / "floor.json"


def predictions(body: bytes, where: str) -> dict[str, list[Fact]]:
    """Facts by document of JSON Lines."""
    frame = documents_from_jsonl(body, where, datetime.now(UTC))
    facts = extract_facts(frame, load_lexicon([data_dir("rules")]))
    found: dict[str, list[Fact]] = {doc_id: [] for doc_id in frame["doc_id"]}
    for row in facts.iter_rows(named=True):
        found[row["doc_id"]].append(row)
    return found


def labels(path: Path) -> dict[str, list[Fact]]:
    """Labels by document."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {row["doc_id"]: row["facts"] for row in rows}


def report(name: str, result: Score) -> dict[str, float]:
    """Print a score; returns the figures the floor is about."""
    print(f"# {name}: {result.labels['all']} labels, {result.predictions['all']} predictions")
    for kind in sorted(set(result.labels) | set(result.predictions), key=lambda k: (-result.labels[k], k)):
        precision, recall = result.rates(kind)
        print(f"{kind:<18} labels {result.labels[kind]:>4}  precision {precision:.3f}  recall {recall:.3f}")
    for name_ in FIELDS:
        if result.field_seen[name_]:
            print(
                f"field {name_:<13} {result.field_right[name_] / result.field_seen[name_]:.3f} over {result.field_seen[name_]}"
            )
    made = {}
    for group in ("figures", "statements"):
        precision, recall = result.rates(group)
        made |= {f"{group}_precision": round(precision, 3), f"{group}_recall": round(recall, 3)}
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run; exit code 1 below the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=Path, help="also write the predictions for the labelled documents here")
    options = parser.parse_args(arguments)
    floors: dict[str, dict[str, float]] = json.loads(FLOOR.read_text(encoding="utf-8"))
    below = []
    sets = {"labels": (SHARED / "dev_documents.jsonl", SHARED / "dev_labels.jsonl")}
    for name, (documents, wanted) in sets.items():
        if not documents.exists():
            print(f"# {name}: not beside this checkout, left out")
            continue
        found = predictions(documents.read_bytes(), str(documents))
        if options.predictions:
            rows = (json.dumps({"doc_id": d, "facts": f}, ensure_ascii=False) for d, f in found.items())
            options.predictions.write_text("\n".join(rows) + "\n", encoding="utf-8")
        made = report(name, score(labels(wanted), found))
        below += [f"{name}.{k}: {made[k]} < {v}" for k, v in floors.get(name, {}).items() if made[k] < v]
    for name in heldout.SETS if heldout.present() else ():
        report(name, score(heldout.labels(name), predictions(heldout.as_jsonl(name), name)))
    for line in below:
        print(f"below the floor: {line}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
