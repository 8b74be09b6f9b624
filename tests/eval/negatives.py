"""Facts and signals in ordinary documents: `python -m tests.eval.negatives [--show N] [--file NAME]`.

Reads the collections of documents that are not about the thesis, beside the checkout: ordinary news, Chinese notes and
earnings calls of other companies. Most hold no fact, a few do (a chip maker's results in a note on the market), so the
count is an upper bound of the false ones; `--show` prints what was found, to be read. Exits 1 above the recorded bound.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from tests.eval.draw import SHARED
from tracker.extract.facts import extract_facts
from tracker.hardware.equivalents import add_racks
from tracker.ingest.files import documents_from_jsonl
from tracker.kit import Kit
from tracker.resources import data_dir
from tracker.thesis.score import score_facts
from tracker.vocabulary import SCORED_FACTS_SCHEMA, conform

FILES = ("news_negatives_en.jsonl", "negatives_zh.jsonl.gz", "transcripts_negatives_en.jsonl.gz")
FLOOR = Path(__file__).parent / "floor.json"
CONTEXT = ("doc_id", "published_at", "ingested_at", "story_id", "source_id", "tier", "lang")


def documents(name: str) -> pl.DataFrame:
    """The documents of one collection."""
    body = (SHARED / "documents" / name).read_bytes()
    return documents_from_jsonl(gzip.decompress(body) if name.endswith(".gz") else body, name, datetime.now(UTC))


def found(texts: pl.DataFrame, kit: Kit) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Facts and signals of documents, as `tracker extract` and `tracker score` find them."""
    facts = extract_facts(texts, kit.lexicon)
    joined = add_racks(facts.join(texts.select(CONTEXT), on="doc_id", how="left"), kit.catalogue, kit.lexicon.entities)
    scored = conform(joined, SCORED_FACTS_SCHEMA)
    return facts, score_facts(scored, scored, kit.thesis, kit.lexicon, model={}, now=datetime.now(UTC))


def main(arguments: list[str] | None = None) -> int:
    """Print counts a document; exit code 1 above the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0, help="print up to N facts of each collection with their quotes")
    parser.add_argument("--file", choices=FILES, action="append", help="only this collection (again for more)")
    options = parser.parse_args(arguments)
    if not (SHARED / "documents").is_dir():
        print("# negatives: not beside this checkout, left out")
        return 0
    kit = Kit.load([data_dir("rules")])
    total = dict.fromkeys(("documents", "statements", "figures", "signals"), 0)
    for name in options.file or FILES:
        texts = documents(name)
        facts, signals = found(texts, kit)
        valued = pl.col("value_low").is_not_null() | pl.col("value_high").is_not_null()
        counts = {
            "documents": texts.height,
            "statements": facts.filter(~valued).height,
            "figures": facts.filter(valued).height,
            "signals": signals.height,
        }
        _print(name, counts)
        for row in facts.head(options.show).iter_rows(named=True):
            about = {k: row[k] for k in ("doc_id", "kind", "entity", "product", "value_low", "direction", "quote")}
            print("  ", json.dumps(about, ensure_ascii=False))
        total = {key: total[key] + counts[key] for key in total}
    _print("all", total)
    bounds: dict[str, float] = json.loads(FLOOR.read_text(encoding="utf-8")).get("negatives", {})
    above = [k for k, most in bounds.items() if total[k] / max(1, total["documents"]) > most]
    for key in above:
        print(f"above the bound: {key} a document {total[key] / total['documents']:.3f} > {bounds[key]}")
    return 1 if above else 0


def _print(name: str, counts: dict[str, int]) -> None:
    each = ", ".join(
        f"{counts[k]} {k} ({counts[k] / max(1, counts['documents']):.3f} a document)" for k in list(counts)[1:]
    )
    print(f"{name}: {counts['documents']} documents, {each}")


if __name__ == "__main__":
    sys.exit(main())
