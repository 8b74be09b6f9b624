"""Would an inline test notice a comparison or a direction written the wrong way round? In every rule, yes."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir
from tracker.thesis.check import coverage
from tracker.thesis.mutate import check_mutants
from tracker.thesis.schema import load_thesis

RULES = [Path(data_dir("rules"))]


def test_every_mutant_of_every_rule_is_noticed() -> None:
    thesis = load_thesis(RULES)
    checked = check_mutants(thesis, load_lexicon(RULES))
    assert set(checked["rule"]) == {rule.id for rule in thesis.rules}
    assert checked.filter(~pl.col("noticed")).rows() == []


def test_ninety_rules_cover_every_claim_in_both_directions() -> None:
    thesis = load_thesis(RULES)
    assert len(thesis.rules) >= 90
    for claim, sides in coverage(thesis).items():
        missing = {side for side in ("for", "against") if not sides[side]}
        if sides["backtest"] is None:
            assert not missing, claim


def test_every_rule_says_what_fires_and_what_silences_it() -> None:
    unsaid = [rule.id for rule in load_thesis(RULES).rules if not (rule.fires and rule.silent)]
    assert unsaid == []
