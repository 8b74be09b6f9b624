"""A short run of the chaos: `make chaos` runs the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.chaos import run


@pytest.mark.slow
@pytest.mark.chaos
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    made = run(20, seed=11, folder=tmp_path)
    assert made.alerts > 0
    assert (made.lost, made.doubled) == (0, 0)
