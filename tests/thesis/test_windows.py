"""Windows and comparisons against the same sums done by hand, and never with a figure from the future."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.thesis.windows import Comparison, Window, compared, window_values

START = datetime(2025, 1, 1, tzinfo=UTC)


def history(days: list[int], values: list[float], entities: list[str] | None = None) -> pl.DataFrame:
    n = len(days)
    return pl.DataFrame(
        {
            "fact_id": [f"f{i}" for i in range(n)], "story_id": [f"s{i}" for i in range(n)],
            "entity": entities or ["A"] * n, "kind": ["capex"] * n, "unit": ["money"] * n, "_product": ["?"] * n,
            "_span": ["Q"] * n, "value_mid": values, "growth": values,
            "published_at": [START + timedelta(days=d) for d in days],
        }
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 400), st.floats(1, 100), st.sampled_from("AB")), min_size=1, max_size=25),
    span=st.integers(1, 200), agg=st.sampled_from(["count", "sum", "distinct_entities"]), own=st.booleans(),
)  # fmt: skip
def test_a_window_is_what_counting_by_hand_gives(
    rows: list[tuple[int, float, str]], span: int, agg: str, own: bool
) -> None:
    frame = history([d for d, _, _ in rows], [v for _, v, _ in rows], [e for _, _, e in rows])
    window = Window(timedelta(days=span), agg, ("entity",) if own else (), 0, None)
    made = dict(window_values(frame, window).iter_rows())
    for i, (day, _, entity) in enumerate(rows):
        inside = [r for r in rows if day - span < r[0] <= day and (not own or r[2] == entity)]
        expected = {
            "count": len(inside), "sum": sum(v for _, v, _ in inside), "distinct_entities": len({e for _, _, e in inside}),
        }  # fmt: skip
        assert made[f"f{i}"] == pytest.approx(expected[agg])


@pytest.mark.parametrize(
    ("agg", "values", "expected"),
    [
        ("trend", [10, 10, 10, 10], 0.0),
        ("trend", [10, 20, 30], 50.0),  # ten a quarter over a mean of twenty
        ("acceleration", [10, 20, 30, 30], -44.4),  # from ten a step to none, over a mean of 22.5
        ("yoy", [10, 11, 12, 13, 15], 50.0),
        ("zscore", [10, 12, 10, 12, 15], 3.464),
    ],
)
def test_shapes_of_a_series(agg: str, values: list[float], expected: float) -> None:
    frame = history([round(91.3 * i) for i in range(len(values))], [float(v) for v in values])
    made = window_values(frame, Window(timedelta(days=500), agg, ("entity",), -1e9, None))
    assert dict(made.iter_rows())[f"f{len(values) - 1}"] == pytest.approx(expected, rel=0.15, abs=0.2)


def test_a_comparison_takes_the_last_figure_before_and_no_later_one() -> None:
    other = history([0, 50, 120], [5.0, 40.0, 99.0], ["B"] * 3)
    mine = history([100], [30.0], ["A"]).with_columns(fact_id=pl.lit("mine"))
    of_b = pl.col("entity") == "B"
    asked = Comparison(of_b, of_b, ("capex",), False, "growth", 90, (None, None), (None, 0.0))
    found = compared(mine, pl.concat([other, mine]), asked)
    assert found["compare_value"].to_list() == [40.0]  # not the five before it, not the 99 after
    too_old = Comparison(of_b, of_b, ("capex",), False, "growth", 30, (None, None), (None, 0.0))
    assert compared(mine, pl.concat([other, mine]), too_old).is_empty()


def test_a_comparison_of_one_product_leaves_the_figures_of_others_aside() -> None:
    """Growth of the whole is laid beside the last growth of the whole, not of a part told since."""
    told = history([0, 50, 100], [60.0, 90.0, 70.0]).with_columns(_product=pl.Series(["?", "data_center", "?"]))
    mine = told.tail(1)
    anyone = Comparison(
        pl.lit(True), pl.lit(True), ("capex",), True, "value", 200, (None, None), (None, None), earlier=True
    )
    assert compared(mine, told, anyone)["compare_value"].to_list() == [90.0]
    same = replace(anyone, same_product=True)
    assert compared(mine, told, same)["compare_value"].to_list() == [60.0]
