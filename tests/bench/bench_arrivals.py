"""Ten documents arrive in a large store: from their texts to signals and conviction, as the daemon takes them in.

The store holds a million facts of five years, the documents they came from, and the signals of a third of them. Each round
takes in ten documents nobody saw before, published over the last hours, so that facts told after them are weighed again.
What is timed is `pipeline.process`, commit included: near-duplicates, extraction, rack-equivalents, rules, conviction.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from tests.bench.bench_hardware import best_cpu
from tests.bench.bench_rules import FACTS, NOW, random_facts
from tracker.kit import Kit
from tracker.pipeline import Counts, process, score
from tracker.resources import data_dir
from tracker.store import Store
from tracker.text.stories import PERMUTATIONS
from tracker.thesis.score import score_facts
from tracker.vocabulary import DOCUMENTS_SCHEMA, SCORED_FACTS_SCHEMA, conform

ROUNDS = 9
_LAST_TOLD = "SELECT * FROM facts WHERE doc_id LIKE 'new%' AND published_at >= $since LIMIT 50"
SCORED = FACTS // 3
# figures differ from round to round, so that they are news; {a} < {b}
_TOLD = (
    "Alphabet expects capital expenditures of ${a}.{c} billion to ${b}.{c} billion in 2026.",
    "NVIDIA reported revenue of ${a}.{c} billion for the third quarter of fiscal 2027, up {p}% from a year ago.",
    "NVIDIA gross margin was 7{p}.{c}% in the third quarter of fiscal 2027.",
    "SK hynix said its HBM is sold out for 2027 and raised prices by {b}%.",
    "TSMC plans CoWoS capacity of {a}{c},000 wafers a month by the end of 2026.",
    "Meta plans to deploy {b}.{c} gigawatts of data center capacity.",
    "Quanta shipped {a}{c}0 GB300 NVL72 racks in the third quarter of 2026.",
    "Microsoft raised its 2026 capital expenditure guidance to ${b}.{c} billion.",
    "Vertiv said its backlog was ${p}.{c} billion at the end of the third quarter of 2026.",
    "OpenAI ordered {b},{c}00 Trainium chips from Amazon for 2027.",
)
_WORDS = [
    a + b
    for a in ("val", "gar", "mus", "win", "pen", "cor", "lam", "har")
    for b in ("ley", "den", "ic", "ter", "cil", "ner")
]


def ten_documents(number: int) -> pl.DataFrame:
    """Ten documents (DOCUMENTS schema) of some two thousand characters with a sentence each, published in six hours."""
    rng = random.Random(number)
    rows = []
    for i, sentence in enumerate(_TOLD):
        low = rng.randint(20, 89)
        figures = {"a": low, "b": low + rng.randint(1, 9), "c": rng.randint(0, 9), "p": rng.randint(2, 9)}
        around = [" ".join(rng.choices(_WORDS, k=14)).capitalize() + "." for _ in range(20)]
        url = f"https://example.org/{number}/{i}"
        at = NOW + timedelta(minutes=number) - timedelta(minutes=rng.randint(1, 360))
        rows.append(
            {
                "doc_id": f"new{number}-{i}", "source_id": "a", "source": "example.org", "tier": 2, "url": url,
                "canonical_url": url, "title": " ".join(rng.choices(_WORDS, k=6)), "lang": "en", "published_at": at,
                "ingested_at": NOW, "text": " ".join([*around[:10], sentence.format(**figures), *around[10:]]),
            }
        )  # fmt: skip
    return conform(pl.DataFrame(rows), DOCUMENTS_SCHEMA)


def fill(store: Store, kit: Kit) -> int:
    """A million facts, oldest first, their documents and the signals of a third of them; returns how many signals."""
    # what is published later stands later in a store; three facts a document, and each document is a story of its own
    told = random_facts(FACTS, kit).sort("published_at").with_columns(pl.int_range(pl.len()).alias("_at") // 3)
    facts = told.with_columns(
        pl.col("published_at").first().over("_at"),
        doc_id=pl.col("_at").cast(pl.String).str.zfill(16),
        story_id=pl.col("_at").cast(pl.String).str.zfill(16),
    ).drop("_at")
    stories = facts.group_by("story_id", maintain_order=True).agg(pl.col("published_at", "lang", "tier").first())
    noise = np.random.default_rng(1).integers(0, 2**32, (stories.height, PERMUTATIONS), dtype=np.uint32)
    documents = stories.with_columns(
        doc_id="story_id", source_id=pl.lit("a"), source=pl.lit("example.org"), title=pl.lit("a day in the valley"),
        url="https://example.org/" + pl.col("story_id"), canonical_url="https://example.org/" + pl.col("story_id"),
        ingested_at="published_at", text=pl.lit("the sentence of a fact"),
        signature=pl.Series([row.tobytes() for row in noise], dtype=pl.Binary),
    )  # fmt: skip
    of_documents = facts.with_columns(doc_id="story_id")
    signals = score_facts(of_documents.sample(SCORED, seed=3), of_documents, kit.thesis, kit.lexicon, model={}, now=NOW)
    with store.transaction():
        store.append("documents", documents)
        store.append("facts", facts.with_columns(pl.lit(NOW).alias("recorded_at")))
        store.append("signals", signals)
    return signals.height


@dataclass
class Taken:
    """What rounds took, in milliseconds, and what came of them."""

    wall: list[float]
    cpu: list[float]
    counts: Counts


def take_in(store: Store, kit: Kit, rounds: range) -> Taken:
    """Let ten documents arrive once a round."""
    taken = Taken([], [], Counts())
    for number in rounds:
        documents = ten_documents(number)
        wall, cpu = time.perf_counter(), time.process_time()
        taken.counts.add(process(store, kit, documents, NOW + timedelta(minutes=number)))
        taken.wall.append(1000 * (time.perf_counter() - wall))
        taken.cpu.append(1000 * (time.process_time() - cpu))
    return taken


def main() -> None:
    """Print one line: `bench NAME VALUE UNIT ...`; the first round warms up and does not count."""
    kit = Kit.load([Path(data_dir("rules"))])
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.duckdb") as store:
        standing = fill(store, kit)
        take_in(store, kit, range(1))
        taken = take_in(store, kit, range(1, ROUNDS + 1))
        told = conform(store.read(_LAST_TOLD, {"since": NOW - timedelta(hours=6)}), SCORED_FACTS_SCHEMA)
        rules = best_cpu(lambda: score(store, kit, told, NOW), 5)
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        print(
            f"bench arrivals_ten_documents_on_{FACTS}_facts {statistics.median(taken.wall):.0f} ms "
            f"{statistics.median(taken.cpu):.0f} cpu_ms, of {ROUNDS} rounds {min(taken.wall):.0f} to {max(taken.wall):.0f} ms; "
            f"{standing} signals before, {len(kit.thesis.rules)} rules, load {load:.1f} a core; new: "
            f"{taken.counts.facts} facts, {taken.counts.signals} signals"
        )
        print(f"bench arrivals_rules_alone {1000 * rules:.0f} cpu_ms for {told.height} facts of the last rounds")


if __name__ == "__main__":
    main()
