"""Extraction against labelled documents: `python -m tests.eval.run_eval [--set NAME] [--lang en|zh] [--predictions F] [--misses N]`.

Scores each set of labelled documents (one that is not beside the checkout is left out), prints precision, recall and
F1 per kind and group and the agreement of the fields, and exits 1 below the recorded floor. A further set is one more
entry of `SETS`: its name, and a function that gives its documents and labels, or None when they are not there. Nothing
is tuned to `heldout2`, so it has no floor and its misses are not printed. `heldout` (first labelling), `heldout-agreed` (the
same clips, two labellings settled), `dev2`, `dev3` and `dev4` are there to learn from.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl

from tests.eval import heldout
from tests.eval.score import FIELDS, Fact, Score, f1, pairs, score
from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import load_lexicon
from tracker.ingest.files import documents_from_jsonl
from tracker.resources import data_dir

HERE = Path(__file__).parent
SHARED = HERE.parent.parent.parent / "shared" / "data" / "labels"
FLOOR = HERE / "floor.json"
SAMPLES = HERE / "samples.jsonl"
GROUPS = ("figures", "statements", "all")

Labels = dict[str, list[Fact]]
Labelled = tuple[pl.DataFrame, Labels]  # documents, and the facts of each by doc_id


def documents_of(body: bytes, where: object) -> pl.DataFrame:
    """Documents of JSON Lines, as the extractor takes them."""
    return documents_from_jsonl(body, str(where), datetime.now(UTC))


def labels_of(path: Path) -> Labels:
    """Facts by document of a JSON Lines file of `{"doc_id", "facts"}`."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {row["doc_id"]: row["facts"] for row in rows}


def shared_labels() -> Labelled | None:
    """The labelled documents beside the checkout."""
    documents = SHARED / "dev_documents.jsonl"
    if not documents.exists():
        return None
    return documents_of(documents.read_bytes(), documents), labels_of(SHARED / "dev_labels.jsonl")


def own_samples() -> Labelled | None:
    """The project's own sentences: each row is a document and its facts."""
    return documents_of(SAMPLES.read_bytes(), SAMPLES), labels_of(SAMPLES)


def held_out(name: str, reading: str = "labels") -> Labelled | None:
    """Clips labelled by hand and kept by reference."""
    return (documents_of(heldout.as_jsonl(name), name), heldout.labels(name, reading)) if heldout.present() else None


SETS: dict[str, Callable[[], Labelled | None]] = {
    "labels": shared_labels,
    "samples": own_samples,
    "heldout": partial(held_out, "heldout"),
    "heldout-agreed": partial(held_out, "heldout", "agreed"),
    "dev2": partial(held_out, "dev2"),
    "dev3": partial(held_out, "dev3"),
    "dev4": partial(held_out, "dev4"),
    "heldout2": partial(held_out, "heldout2"),
}
UNREAD = ("heldout2",)  # whoever changes rules must not read what these hold


def predictions(documents: pl.DataFrame) -> Labels:
    """Facts by document."""
    facts = extract_facts(documents, load_lexicon([data_dir("rules")]))
    found: Labels = {doc_id: [] for doc_id in documents["doc_id"]}
    for row in facts.iter_rows(named=True):
        found[row["doc_id"]].append(row)
    return found


def report(name: str, result: Score) -> dict[str, float]:
    """Print a score; returns the figures a floor may name."""
    print(f"# {name}: {result.labels['all']} labels, {result.predictions['all']} predictions")
    kinds = (set(result.labels) | set(result.predictions)) - set(GROUPS)
    for kind in (*sorted(kinds, key=lambda k: (-result.labels[k], k)), *GROUPS):
        precision, recall = result.rates(kind)
        rates = f"precision {precision:.3f}  recall {recall:.3f}  f1 {f1(precision, recall):.3f}"
        print(f"{kind:<18} labels {result.labels[kind]:>4}  predictions {result.predictions[kind]:>4}  {rates}")
    made = {}
    for field in FIELDS:
        if result.field_seen[field]:
            made[field] = round(result.accuracy(field), 3)
            print(f"field {field:<13} {made[field]:.3f} over {result.field_seen[field]}")
    for group in ("figures", "statements"):
        precision, recall = result.rates(group)
        made |= {f"{group}_precision": round(precision, 3), f"{group}_recall": round(recall, 3)}
    return made


def print_misses(labels: Labels, found: Labels, most: int) -> None:
    """Print up to `most` labels nobody found and as many predictions no label asked for."""
    missed, spurious = [], []
    for doc_id, wanted in labels.items():
        made = found.get(doc_id, [])
        met = pairs(wanted, made)
        missed += [(doc_id, f) for i, f in enumerate(wanted) if i not in {i for i, _ in met}]
        spurious += [(doc_id, f) for j, f in enumerate(made) if j not in {j for _, j in met}]
    for title, rows in (("missed", missed), ("spurious", spurious)):
        for doc_id, fact in rows[:most]:
            about = {k: v for k, v in fact.items() if v is not None and k not in ("doc_id", "start", "end")}
            print(title, doc_id, json.dumps(about, ensure_ascii=False, default=str))


def main(arguments: list[str] | None = None) -> int:
    """Run; exit code 1 below the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=SETS, action="append", help="only this set (again for more)")
    parser.add_argument("--lang", choices=("en", "zh"), help="only documents in this language, without the floors")
    parser.add_argument("--predictions", type=Path, help="also write the predictions for the shared labels here")
    parser.add_argument(
        "--misses",
        type=int,
        default=0,
        help="print up to N missed and N spurious facts of each set but the held-out ones",
    )
    options = parser.parse_args(arguments)
    floors: dict[str, dict[str, float]] = json.loads(FLOOR.read_text(encoding="utf-8"))
    below = []
    for name in options.set or SETS:
        labelled = SETS[name]()
        if labelled is None:
            print(f"# {name}: not beside this checkout, left out")
            continue
        documents, labels = labelled
        if options.lang is not None:
            documents = documents.filter(pl.col("lang") == options.lang)
            labels = {doc_id: labels[doc_id] for doc_id in documents["doc_id"] if doc_id in labels}
        found = predictions(documents)
        if options.predictions and name == "labels":
            rows = (json.dumps({"doc_id": d, "facts": f}, ensure_ascii=False) for d, f in found.items())
            options.predictions.write_text("\n".join(rows) + "\n", encoding="utf-8")
        made = report(name, score(labels, found))
        if name not in UNREAD:
            print_misses(labels, found, options.misses)
        if options.lang is not None:
            continue
        below += [
            f"{name}.{k}: {made.get(k, 0.0)} < {v}" for k, v in floors.get(name, {}).items() if made.get(k, 0.0) < v
        ]
    for line in below:
        print(f"below the floor: {line}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
