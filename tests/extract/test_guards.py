"""An expression behind a guard cannot match a text without the guard's letters."""

from __future__ import annotations

import pytest

from tracker.extract import footing, growth, observers
from tracker.extract.guards import Guarded
from tracker.extract.literals import alternatives

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


def test_guards_are_there() -> None:
    assert len(_GUARDED) >= 5
