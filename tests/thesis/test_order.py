"""Order of arrival changes nothing in the end, and nobody sees what was not yet there."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tracker.kit import Kit
from tracker.pipeline import process
from tracker.resources import data_dir
from tracker.store import Store
from tracker.text.identity import document_id
from tracker.thesis.conviction import conviction
from tracker.vocabulary import DOCUMENTS_SCHEMA, SIGNALS_SCHEMA, conform

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SENTENCES = [
    "Meta raised its 2026 capital expenditure guidance to $72 billion.",
    "Meta raised its 2026 capital expenditure guidance to $72 billion, the company repeated.",
    "Meta now guides 2026 capital expenditures of $80 billion.",
    "Microsoft raised its 2026 capital expenditure guidance to $90 billion.",
    "Amazon raised its 2026 capital expenditure guidance to $125 billion.",
    "SK hynix said HBM is sold out for 2026.",
    "SK hynix said that HBM is sold out through 2026.",
    "Meta said its capital expenditures were $19.4 billion in the third quarter of 2025.",
    "NVIDIA reported gross margin of 73.4% for the third quarter of fiscal 2026.",
    "NVIDIA reported revenue of $57.0 billion for the third quarter of fiscal 2026, up 62% from a year ago.",
]


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.load([Path(data_dir("rules"))])


def documents() -> list[pl.DataFrame]:
    rows = []
    for i, text in enumerate(SENTENCES):
        at = datetime(2025, 11, 1, tzinfo=UTC) + timedelta(days=9 * i)
        url = f"https://example.org/{i}"
        row = {
            "doc_id": document_id(url, text), "source_id": f"s{i}", "source": f"source {i}", "tier": 2, "url": url,
            "canonical_url": url, "title": f"News {i}", "lang": "en", "published_at": at, "ingested_at": at, "text": text,
            "raw_sha256": "",
        }  # fmt: skip
        rows.append(conform(pl.DataFrame([row]), DOCUMENTS_SCHEMA))
    return rows


def take(folder: Path, kit: Kit, order: list[int]) -> tuple[Store, pl.DataFrame]:
    store = Store.open(folder)
    made = documents()
    for step, i in enumerate(order):
        process(store, kit, made[i], NOW + timedelta(minutes=step))
    live = store.read("SELECT * FROM v_signals WHERE rule_id NOT LIKE 'stage.%'").sort("signal_id")
    return store, live


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_arrival_gives_the_same_signals_and_conviction(tmp_path: Path, kit: Kit, seed: int) -> None:
    straight, shuffled = list(range(len(SENTENCES))), list(range(len(SENTENCES)))
    random.Random(seed).shuffle(shuffled)
    then = NOW + timedelta(days=1)
    ends = []
    for name, order in (("a", straight), ("b", shuffled)):
        store, live = take(tmp_path / f"{name}.duckdb", kit, order)
        with store:
            reviews = store.read("SELECT * FROM v_reviews")
            ends.append((live, conviction(conform(live, SIGNALS_SCHEMA), kit.thesis, reviews, then)))
    (one, first), (other, second) = ends
    assert one.height >= 6
    columns = ["signal_id", "claim", "direction", "strength", "confidence", "explanation"]
    assert one.select(columns).equals(other.select(columns))
    assert first["log_odds"].to_list() == pytest.approx(second["log_odds"].to_list())


def test_a_late_document_changes_history_only_from_its_arrival_on(tmp_path: Path, kit: Kit) -> None:
    late = 0  # the first to be told arrives last: until then its repetition was news
    store, _ = take(tmp_path / "late.duckdb", kit, [1, 2, 3, late])
    with store:
        before = store.read("SELECT * FROM signals_as_of($ts)", {"ts": NOW + timedelta(minutes=2, seconds=30)})
        after = store.read("SELECT * FROM signals_as_of($ts)", {"ts": NOW + timedelta(minutes=3, seconds=30)})
        repeated = "SELECT fact_id FROM facts f JOIN documents d USING (doc_id) WHERE d.source_id = 's1'"
        fact = store.scalar(repeated)
    strength = {
        name: frame.filter(pl.col("fact_ids").list.contains(fact))["strength"].to_list()
        for name, frame in (("before", before), ("after", after))
    }
    assert strength["before"]
    assert not strength["after"] or max(strength["after"]) < max(strength["before"])


@pytest.mark.parametrize("seed", range(3))
def test_replay_of_any_moment_shows_what_was_live_then_and_nothing_that_came_later(
    tmp_path: Path, kit: Kit, seed: int
) -> None:
    order = list(range(len(SENTENCES)))
    random.Random(seed).shuffle(order)
    columns = "signal_id, strength, confidence, direction, effective_at"
    live = []
    with Store.open(tmp_path / "store.duckdb") as store:
        made = documents()
        for step, i in enumerate(order):
            now = NOW + timedelta(minutes=step)
            process(store, kit, made[i], now)
            live.append((now, store.read(f"SELECT {columns} FROM v_signals ORDER BY 1, 2, 3"), made[i]["doc_id"][0]))
        arrived: set[str] = set()
        for now, then, doc_id in live:
            arrived.add(doc_id)
            moment = now + timedelta(seconds=30)
            replayed = store.read(f"SELECT {columns} FROM signals_as_of($ts) ORDER BY 1, 2, 3", {"ts": moment})
            assert replayed.equals(then)
            told = store.read("SELECT DISTINCT unnest(doc_ids) AS d FROM signals_as_of($ts)", {"ts": moment})
            assert set(told["d"]) <= arrived


def test_one_fact_of_a_story_speaks_for_it_however_the_others_are_looked_at_again(tmp_path: Path, kit: Kit) -> None:
    """Two figures of one document; a late one touches only the first: the second must not fire beside it."""
    made = documents()[0]
    text = "Meta guides 2026 capital expenditures of $80 billion, up. Meta raised 2027 capital expenditures to $95 billion."
    both = made.with_columns(text=pl.lit(text), doc_id=pl.lit(document_id("https://example.org/both", text)))
    late_text = "Meta guided 2026 capital expenditures of $70 billion."
    late = made.with_columns(
        text=pl.lit(late_text), doc_id=pl.lit(document_id("https://example.org/late", late_text)),
        published_at=pl.col("published_at") - timedelta(days=40), url=pl.lit("https://example.org/late"),
        canonical_url=pl.lit("https://example.org/late"),
    )  # fmt: skip
    with Store.open(tmp_path / "store.duckdb") as store:
        process(store, kit, both, NOW)
        process(store, kit, late, NOW + timedelta(minutes=1))
        crowd = store.read(
            "SELECT story_id FROM v_signals WHERE rule_id NOT LIKE 'stage.%' "
            "GROUP BY claim, direction, entity, story_id HAVING count(*) > 1"
        )
        assert store.scalar("SELECT count(*) FROM v_signals WHERE claim = 'D1'")
    assert crowd.is_empty()


def test_two_stories_of_the_same_moment_corroborate_each_other_whichever_came_first(tmp_path: Path, kit: Kit) -> None:
    """Many sources give a day without an hour: what is told with a fact counts as much as what is told before it."""
    made = [frame.with_columns(published_at=pl.lit(NOW)) for frame in documents()[:4]]
    text = "Meta raised its guidance for 2026 capital expenditures to $72 billion, people in the market tell us."
    other = made[0].with_columns(text=pl.lit(text), doc_id=pl.lit(document_id("https://example.org/o", text)))
    made.append(other.with_columns(url=pl.lit("https://example.org/o"), canonical_url=pl.lit("https://example.org/o")))
    ends = []
    for name, order in (("a", [0, 4]), ("b", [4, 0])):
        with Store.open(tmp_path / f"{name}.duckdb") as store:
            for step, i in enumerate(order):
                process(store, kit, made[i], NOW + timedelta(minutes=step))
            ends.append(
                store.read(
                    "SELECT signal_id, strength, confidence FROM v_signals WHERE rule_id NOT LIKE 'stage.%' ORDER BY 1"
                )
            )
    assert ends[0].height
    assert ends[0].equals(ends[1])
