"""Finds the folders that travel with the code: `rules/` and `storage/`.

In a checkout they stand at the root; in an installed wheel the build puts them under `tracker/_data/`.
"""

from __future__ import annotations

from pathlib import Path

from tracker.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """The shipped folder `name` ("rules", "storage", "samples")."""
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise ConfigError(
        f"the folder '{name}' that belongs to the program is missing",
        where=str(_PACKAGE / "_data" / name),
        hint="the installation is damaged: install the package again",
    )
