"""A short run of the chaos: `make chaos` runs the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import ingest_kills
from tests.chaos.chaos import run


@pytest.mark.slow
@pytest.mark.chaos
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    made = run(20, seed=11, folder=tmp_path)
    assert made.alerts > 0
    assert (made.lost, made.doubled) == (0, 0)


@pytest.mark.slow
@pytest.mark.chaos
def test_kills_during_ingestion_leave_the_rows_of_an_undisturbed_run(tmp_path: Path) -> None:
    found = ingest_kills.run(20, seed=3, folder=tmp_path)
    assert found.kills == 20
    assert all(found.rows.values())
    assert not any(found.lost.values())
    assert not any(found.added.values())
