"""Fixtures every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real inputs as their publishers served them; not part of the project, so tests that need them skip without."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real inputs are not beside this checkout (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def rules_dir() -> Path:
    """The built-in thesis."""
    return ROOT / "rules"
