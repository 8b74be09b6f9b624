"""The built-in catalogue, and a copy of its files that a test may spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.hardware.catalogue import Catalogue, load_catalogue
from tracker.resources import data_dir


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue(data_dir("rules") / "hardware")


@pytest.fixture
def spoil(tmp_path: Path) -> Callable[..., Path]:
    """spoil(file, old, new): a copy of the catalogue's folder with one text replaced; again for more."""
    folder = tmp_path / "hardware"
    shutil.copytree(data_dir("rules") / "hardware", folder)

    def change(file: str, old: str, new: str) -> Path:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return change
