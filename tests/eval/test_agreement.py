"""Two readings of the held-out clips: same clips, no text, and an agreed reading that follows from the adjudication."""

from __future__ import annotations

from typing import Any

import pytest

from tests.eval import heldout
from tests.eval.agreement import Decision, agree, agreed, by_clip, decisions, main, table
from tests.eval.run_eval import SETS, UNREAD
from tests.eval.score import score

FACT: dict[str, Any] = {
    "kind": "price", "entity": "MU", "counterparty": None, "product": "hbm", "value_low": 5.0, "value_high": 5.0,
    "unit": "pct", "currency": None, "period": "CY2026", "basis": "actual", "direction": "up", "start": 3, "end": 9,
}  # fmt: skip
OTHER = FACT | {"value_low": 7.0, "value_high": 7.0, "start": 20, "end": 30}


def decision(by: str, word: str, fact: dict[str, Any] = FACT) -> Decision:
    return Decision(1, fact["start"], fact["end"], fact["kind"], fact["entity"], by, word, "because")


@pytest.mark.parametrize("reading", heldout.READINGS["heldout"][1:])
def test_readings_are_of_the_same_clips_and_hold_no_text(reading: str) -> None:
    first, other = heldout.references("heldout"), heldout.references("heldout", reading)
    assert [{**row, "facts": None} for row in other] == [{**row, "facts": None} for row in first]
    for row in other:
        for fact in row["facts"]:
            assert set(fact) == set(FACT)
            assert 0 <= fact["start"] < fact["end"] <= row["clip_end"] - row["clip_start"]


def test_the_agreed_reading_follows_from_the_adjudication() -> None:
    assert heldout.references("heldout", "agreed") == agreed()


def test_every_decision_is_made_once_with_a_reason() -> None:
    made = decisions()
    assert all(d.reason for d in made)
    assert all(d.decision in ("keep", "drop") or d.by == "both" for d in made)
    assert len({(*d[:6], d.decision.partition("=")[0] if d.by == "both" else "") for d in made}) == len(made)


def test_agree_keeps_what_both_have_and_what_is_decided() -> None:
    later = FACT | {"period": None}
    made = [decision("both", "period="), decision("second", "keep", OTHER)]
    assert agree(1, [FACT], [OTHER, later], made) == [later, OTHER]
    made = [decision("both", "period=CY2026"), decision("second", "drop", OTHER)]
    assert agree(1, [FACT], [OTHER, later], made) == [FACT]


@pytest.mark.parametrize(
    ("made", "message"),
    [([], "has no decision"), ([decision("first", "keep"), decision("first", "keep", OTHER)], "is no difference")],
)
def test_agree_refuses_an_open_difference_and_an_idle_decision(made: list[Decision], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        agree(1, [FACT], [], made)


def test_table_counts_each_direction_on_its_own() -> None:
    first, second = {"1": [FACT]}, {"1": [FACT, OTHER]}
    lines = table(score(first, second), score(second, first))
    line = next(line for line in lines if line.startswith("all "))
    assert line.split() == ["all", "1", "1", "=", "1.000", "2", "1", "=", "0.500", "0.667"]


def test_command_prints_groups_and_the_agreed_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    kept = sum(len(facts) for facts in by_clip("agreed").values())
    assert f"agreed: {kept} facts" in printed
    assert {"figures", "statements", "all"} <= {line.split()[0] for line in printed.splitlines()}


def test_both_readings_are_scored_and_what_nobody_may_read_is_not_printed() -> None:
    assert {"heldout", "heldout-agreed"} <= set(SETS)
    assert set(UNREAD) <= set(SETS)
    assert "heldout2" in UNREAD
