"""Wafers: counts against published ones, and what must hold of any die."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.hardware import geometry

SIDE = st.floats(3, 60)


@pytest.mark.parametrize(("reticles", "published"), [(2.0, 29), (3.3, 16), (5.5, 9)])
def test_interposers_on_a_wafer_match_published_counts(reticles: float, published: int) -> None:
    assert geometry.packages_per_wafer(geometry.interposer_area(reticles)) == published


def test_full_field_die_without_scribe_is_near_the_grid_calculators_count() -> None:
    assert geometry.gross_dies(26, 33, scribe_mm=0.0) == pytest.approx(62, abs=3)


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE)
def test_dies_never_cover_more_than_the_wafer(width: float, height: float) -> None:
    count = geometry.gross_dies(width, height)
    assert 0 <= count * width * height <= geometry.wafer_area(294)


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE, st.floats(0, 5), st.floats(0, 1))
def test_more_edge_or_scribe_never_gives_more_dies(width: float, height: float, edge: float, scribe: float) -> None:
    # the best of a finite set of offsets may differ by a die or two between two grids
    assert (
        geometry.gross_dies(width, height, edge_mm=edge + 2, scribe_mm=scribe)
        <= 1.03 * geometry.gross_dies(width, height, edge_mm=edge, scribe_mm=scribe) + 2
    )


@given(st.floats(1, 900), st.floats(0, 1), st.floats(0.5, 10))
def test_yields_lie_between_zero_and_one_and_clustering_helps(area: float, defects: float, alpha: float) -> None:
    poisson = math.exp(-area / 100 * defects)
    for found in (geometry.murphy_yield(area, defects), geometry.negative_binomial_yield(area, defects, alpha)):
        assert 0 < found <= 1
        assert found >= poisson - 1e-12
