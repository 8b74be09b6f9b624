"""The hand-labelled clips: rebuilt from the data, in the vocabulary, drawn apart from each other and from the dev labels."""

from __future__ import annotations

import pytest

from tests.eval import heldout
from tests.eval.draw import draw, taken
from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir
from tracker.vocabulary import BASES, DIRECTIONS, KINDS, UNITS

pytestmark = [pytest.mark.real, pytest.mark.skipif(not heldout.present(), reason="no data beside this checkout")]


READINGS = [(name, reading) for name in heldout.SETS for reading in heldout.READINGS[name]]


@pytest.mark.parametrize(("name", "reading"), READINGS)
def test_labels_fit_their_rebuilt_clips(name: str, reading: str) -> None:
    lexicon = load_lexicon([data_dir("rules")])
    entities = set(lexicon.entities["id"]) | {"MARKET"}
    texts = {row["doc_id"]: row["text"] for row in heldout.documents(name)}
    for doc_id, facts in heldout.labels(name, reading).items():
        for fact in facts:
            assert 0 <= fact["start"] < fact["end"] <= len(texts[doc_id])
            assert fact["end"] - fact["start"] <= 240
            assert fact["entity"] in entities, (doc_id, fact["entity"])
            assert fact["counterparty"] in {*entities, None}, (doc_id, fact["counterparty"])
            assert fact["product"] in {*lexicon.products["id"], None}, (doc_id, fact["product"])
            assert fact["kind"] in KINDS
            assert fact["basis"] in BASES
            assert fact["direction"] in DIRECTIONS
            assert fact["unit"] in {*UNITS, None}
            assert (fact["unit"] is None) == (fact["value_low"] is None and fact["value_high"] is None)
            assert (fact["unit"] == "money") == bool(fact["currency"])


def test_sets_are_apart() -> None:
    seen = taken()[0]
    for name in heldout.SETS:
        sources = {row["source_doc_id"] for row in heldout.references(name)}
        assert not sources & seen, name
        seen |= sources


@pytest.mark.parametrize(("name", "reading"), READINGS)
def test_the_draw_repeats(name: str, reading: str) -> None:
    drawn = [{k: v for k, v in row.items() if k not in ("title", "url")} for row in draw(name)]
    kept = [{k: v for k, v in row.items() if k != "facts"} for row in heldout.references(name, reading)]
    assert kept == drawn[: len(kept)]
