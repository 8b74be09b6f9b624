"""The score counts as the vocabulary says, and the project's own samples keep its rules."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.eval.run_eval import SAMPLES, labels_of, predictions, report, shared_labels
from tests.eval.score import score
from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir
from tracker.vocabulary import BASES, DIRECTIONS, KINDS, MAX_QUOTE_CHARS, UNITS

ROWS = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
FIGURE = {"kind": "price", "entity": "MU", "value_low": 5.0, "value_high": 5.0, "unit": "pct", "currency": None}
STATEMENT = {"kind": "price", "entity": "MU", "product": "hbm", "value_low": None, "value_high": None}


@pytest.fixture(scope="module")
def known() -> tuple[set[str | None], set[str | None]]:
    """Ids a label may name: entities and products."""
    lexicon = load_lexicon([data_dir("rules")])
    return {*lexicon.entities["id"], None}, {*lexicon.products["id"], None}


def test_a_pair_counts_for_the_group_of_its_label_and_of_its_prediction() -> None:
    result = score({"d": [STATEMENT]}, {"d": [FIGURE | {"product": "hbm"}]})
    assert result.rates("statements") == (0.0, 1.0)
    assert result.rates("figures") == (1.0, 0.0)
    assert result.rates("all") == (1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "met"),
    [
        ({}, True), ({"value_low": 5.04}, True), ({"value_low": 5.06}, False), ({"value_high": None}, False),
        ({"unit": "pct_yoy"}, False), ({"currency": ""}, True), ({"entity": "NVDA"}, False), ({"kind": "ramp"}, False),
    ],
)  # fmt: skip
def test_what_meets_a_figure(change: dict[str, Any], met: bool) -> None:
    assert score({"d": [FIGURE]}, {"d": [FIGURE | change]}).found["all"] == met


def test_each_label_and_each_prediction_is_met_once() -> None:
    result = score({"d": [FIGURE, FIGURE]}, {"d": [FIGURE]})
    assert (result.found["all"], result.labels["all"], result.rates("all")[0]) == (1, 2, 1.0)


@pytest.mark.real
def test_the_score_is_the_one_of_the_shared_tool(shared_data: Path, tmp_path: Path) -> None:
    labelled = shared_labels()
    tool = shared_data.parent / "tools" / "score_facts.py"
    if labelled is None or not tool.exists():
        pytest.skip("the labels or the tool are not beside this checkout")
    found = predictions(labelled[0])
    rows = (json.dumps({"doc_id": d, "facts": f}, ensure_ascii=False) for d, f in found.items())
    (tmp_path / "found.jsonl").write_text("\n".join(rows), encoding="utf-8")
    labels = shared_data / "labels" / "dev_labels.jsonl"
    told = subprocess.run(
        [sys.executable, str(tool), str(labels), str(tmp_path / "found.jsonl")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    result = score(labelled[1], found)
    for group in ("figures", "statements"):
        precision, recall = result.rates(group)
        assert f"group {group} precision={precision:.3f} recall={recall:.3f} " in told
    for field in result.field_seen:
        assert any(
            line.split()[:3] == ["field", field, f"accuracy={result.accuracy(field):.3f}"] for line in told.splitlines()
        )


def test_the_samples_cover_each_kind_both_languages_and_hard_negatives() -> None:
    kinds = Counter(fact["kind"] for row in ROWS for fact in row["facts"])
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 3
    languages = Counter(row["lang"] for row in ROWS)
    assert languages["en"] + languages["zh"] == len(ROWS) >= 150
    assert languages["zh"] >= 50
    assert sum(not row["facts"] for row in ROWS) >= 40
    assert len({row["doc_id"] for row in ROWS}) == len({row["text"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["doc_id"]))
def test_a_sample_speaks_the_vocabulary(row: dict[str, Any], known: tuple[set[str | None], set[str | None]]) -> None:
    entities, products = known
    assert not row["facts"] or row["source"].startswith("http")
    for fact in row["facts"]:
        assert row["text"][fact["start"] : fact["end"]] == fact["quote"]
        assert len(fact["quote"]) <= MAX_QUOTE_CHARS
        assert fact["entity"] in entities
        assert fact["counterparty"] in entities
        assert fact["product"] in products
        assert fact["basis"] in BASES
        assert fact["direction"] in DIRECTIONS
        valued = fact["value_low"] is not None or fact["value_high"] is not None
        assert (fact["unit"] in UNITS) == valued
        assert (fact["currency"] is not None) == (fact["unit"] == "money")


def test_a_report_names_what_a_floor_may_hold(capsys: pytest.CaptureFixture[str]) -> None:
    made = report("x", score({"d": [FIGURE | {"basis": "actual"}]}, {"d": [FIGURE | {"basis": "plan"}]}))
    assert made["basis"] == 0.0
    assert made["figures_precision"] == 1.0
    assert "f1 1.000" in capsys.readouterr().out
    assert labels_of(SAMPLES).keys() == {row["doc_id"] for row in ROWS}
