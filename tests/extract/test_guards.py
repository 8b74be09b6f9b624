"""An expression behind a guard cannot match a text without the guard's letters."""

from __future__ import annotations

import pytest

from tracker.extract import footing, growth, observers
from tracker.extract.guards import Guarded, holds_any
from tracker.extract.literals import alternatives
from tracker.extract.table_metrics import NAMES, WORDS

_GUARDED = [
    (module.__name__, name, value)
    for module in (footing, growth, observers)
    for name, value in vars(module).items()
    if isinstance(value, Guarded)
]


@pytest.mark.parametrize(("module", "name", "guarded"), _GUARDED, ids=[f"{m}.{n}" for m, n, _ in _GUARDED])
def test_every_match_holds_letters_of_the_guard(module: str, name: str, guarded: Guarded) -> None:
    for alternative in alternatives(guarded.pattern.pattern):
        assert any(all(guarded.may_match(word) for word in words) for words in alternative), (
            f"the guard of {name} in {module} leaves out one of {[sorted(words) for words in alternative]}"
        )


@pytest.mark.parametrize("pattern", [pattern.pattern for _, _, pattern in NAMES])
def test_every_name_of_a_metric_holds_one_of_the_words(pattern: str) -> None:
    for alternative in alternatives(pattern):
        assert any(all(holds_any(word, WORDS) for word in words) for words in alternative), alternative


def test_guards_are_there() -> None:
    assert len(_GUARDED) >= 5
