"""What a frame's pattern needs is told from the pattern; a sentence that it fits always holds it."""

from __future__ import annotations

import functools
import itertools
import operator
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.extract.frames import CHINESE, ENTITY, PRODUCT, Wording, block, needs
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.literals import required
from tracker.extract.mentions import find_terms
from tracker.extract.trials import ANY
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
    assert all(any(word in text.lower() for word in words) for words in wording.words)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("ramp(?:s|ing)? up", [{"ramp up", "ramps up", "ramping up"}]),
        ("sold[^.]{0,9} out", [{"sold"}, {" out"}]),
        (r"\bsold out\b", [{"sold out"}]),
        (r"orders?\.", [{"order.", "orders."}]),
        ("售罄|sold", [{"售罄", "sold"}]),
        ("售罄|s", []),  # a letter stands everywhere
        ("(?:very )*sold", [{"sold"}]),
        ("(?:very ){1,3}sold", [{"very "}, {"sold"}]),
        ("(?:sold|[a-z]+) *", []),
        (r"(?!sold)(?P<who>\w)\d ?of", [{" of", "of"}]),
        ("gr[ae]y", [{"gray", "grey"}]),
        ("q[1-3]", [{"q1", "q2", "q3"}]),
        ("[a-z]x[0-9a]", []),
        (f"{ENTITY} buys", [{" buys"}]),
        (
            "(?:fab|plant)s?, (?:new|old)",
            [{f"{a}{s}, {b}" for a in ("fab", "plant") for s in ("", "s") for b in ("new", "old")}],
        ),
    ],
)
def test_words_a_pattern_cannot_match_without(pattern: str, wanted: list[set[str]]) -> None:
    re.compile(pattern)
    assert sorted(map(sorted, required(pattern))) == sorted(map(sorted, wanted))


def test_few_patterns_are_tried_without_a_word(wordings: list[Wording]) -> None:
    assert sum(not w.words for w in wordings) < len(wordings) / 20


def test_a_pattern_is_tried_where_sign_words_and_roles_stand() -> None:
    lexicon = load_lexicon([data_dir("rules")])
    texts = [
        "nvidia has begun to deliver gb300 to customers.",
        "nvidia said that the weather is mild.",
        "nvidia has begun to deliver flowers to customers.",
        "nvidia has begun to deli(in a gloss, said so)ver gb300 to customers.",
    ]
    hits = find_terms(texts, lexicon)
    others = {3: texts[0]}
    bounds, patterns = lexicon.trials.worth(texts, others, hits.signs | hits.signs[0], hits.blocks | ANY)
    tried = [[lexicon.trials.every[i] for i in patterns[a:b]] for a, b in itertools.pairwise(bounds)]
    delivered = [t for t in tried[0] if t.frame.kind == "shipment" and block(PRODUCT) & min(t.wording.needs, default=0)]
    assert delivered
    assert not tried[1]
    assert not any(t in tried[2] for t in delivered)  # no product is named
    assert tried[3] == tried[0]
