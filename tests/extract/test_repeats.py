"""A figure two readers tell is kept once, and many figures of one kind do not multiply."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tracker.extract.repeats import beside
from tracker.vocabulary import FACTS_SCHEMA, conform

FACT = {"fact_id": "a", "doc_id": "d", "kind": "revenue", "entity": "NVDA", "value_low": 46.7e9, "value_high": 46.7e9,
        "unit": "money", "period": "FY2026Q2"}  # fmt: skip


def facts(*rows: dict[str, Any]) -> pl.DataFrame:
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), FACTS_SCHEMA)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, True), ({"value_low": 46.743e9, "value_high": 46.743e9}, True), ({"value_low": 47.3e9, "value_high": 47.3e9}, False),
        ({"value_high": 48e9}, False), ({"value_high": None}, False), ({"period": None}, True), ({"period": "FY2025Q2"}, False),
        ({"unit": "pct"}, False), ({"entity": "AMD"}, False), ({"doc_id": "e"}, False), ({"kind": "capex"}, False),
        ({"value_low": -46.7e9, "value_high": -46.7e9}, False),
    ],
)  # fmt: skip
def test_what_is_told_already(change: dict[str, Any], told: bool) -> None:
    both = beside(facts(FACT), facts(FACT | {"fact_id": "b"} | change))
    assert both["fact_id"].to_list() == (["a"] if told else ["a", "b"])


@pytest.mark.parametrize("low", [1e-3, 0.0, 1.0, 99.99, 1e12, -3.0])
def test_figures_of_any_size_meet(low: float) -> None:
    one = FACT | {"value_low": low, "value_high": low}
    assert beside(facts(one), facts(one | {"fact_id": "b"})).height == 1
    open_end = FACT | {"value_low": low, "value_high": None}
    assert beside(facts(open_end), facts(open_end | {"fact_id": "b"})).height == 1


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [("hbm", "hbm", True), ("hbm", None, True), (None, "hbm", True), (None, None, True), ("hbm", "nand", False)],
)
def test_a_statement_is_made_once_for_a_product(first: str | None, second: str | None, told: bool) -> None:
    plain = FACT | {"kind": "ramp", "value_low": None, "value_high": None, "unit": None, "product": first}
    assert beside(facts(plain), facts(plain | {"fact_id": "b", "product": second})).height == (1 if told else 2)
    assert beside(facts(plain), facts(plain | {"fact_id": "b", "entity": "MU"})).height == 2
    assert beside(facts(FACT | {"kind": "ramp"}), facts(plain | {"fact_id": "b"})).height == 2


def test_many_figures_of_one_kind_do_not_multiply() -> None:
    many = [FACT | {"fact_id": str(n), "value_low": 1.05**n, "value_high": 1.05**n} for n in range(5_000)]
    frame = facts(*many).filter(pl.col("value_low") < 1e100)
    grown = beside(
        frame, frame.with_columns(value_low=pl.col("value_low") * 1.02, value_high=pl.col("value_high") * 1.02)
    )
    assert grown.height == 2 * frame.height
    assert beside(frame, frame).height == frame.height
