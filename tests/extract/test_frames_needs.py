"""What a frame's pattern needs is told from the pattern; a sentence that it fits always holds it."""

from __future__ import annotations

import functools
import operator
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.extract.frames import CHINESE, ENTITY, PRODUCT, Wording, block, needs
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.resources import data_dir

E, P = block(ENTITY), block(PRODUCT)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        (f"{ENTITY} buys {PRODUCT}", {E, P}),
        (f"{ENTITY}? buys [{PRODUCT}-{chr(ord(PRODUCT) + 255)}]", {P}),
        (f"(?:{ENTITY}|{PRODUCT}) buys", set()),
        (f"(?:{ENTITY} a|{ENTITY} b)+ buys", {E}),
        (f"[{ENTITY}{PRODUCT}] buys", {E | P}),
        (f"[^{ENTITY}] buys (?!{PRODUCT})(?<!扩)", set()),
        ("扩产|扩张", {CHINESE}),
        ("扩?expand", set()),
        ("(?:扩产){0,3} [扩产]{1,3}", {CHINESE}),
        (rf"\({ENTITY}\)\.*", {E}),
        ("expand(?:扩|ed)", set()),
    ],
)
def test_needs_of_a_pattern(pattern: str, wanted: set[int]) -> None:
    re.compile(pattern)
    assert needs(pattern) == wanted


@pytest.fixture(scope="module")
def wordings() -> list[Wording]:
    lexicon: Lexicon = load_lexicon([data_dir("rules")])
    return [w for frames in lexicon.frames.kinds.values() for frame in frames for w in frame.patterns]


def test_most_patterns_of_the_table_need_something(wordings: list[Wording]) -> None:
    assert sum(bool(w.needs) for w in wordings) > len(wordings) / 2


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_a_pattern_fits_holds_what_it_needs(wordings: list[Wording], data: st.DataObject) -> None:
    wording = data.draw(st.sampled_from(wordings))
    text = data.draw(st.from_regex(wording.pattern))
    assert wording.may_fit(functools.reduce(operator.or_, map(block, text), 0))
