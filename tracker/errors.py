"""The one hierarchy of errors a user can meet. The message says what, where, and what to do."""

from __future__ import annotations

from pathlib import Path


class TrackerError(Exception):
    """Anything this program refuses or cannot do, told without a traceback.

    `where` is a place a person can open: a file, or file and line ("rules/demand.yaml:12").
    `hint` is the way out.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class UsageError(TrackerError):
    """What was asked for on the command line cannot be done as it was asked."""

    exit_code = 2


class ConfigError(TrackerError):
    """The configuration, or a file it names, cannot be used."""

    exit_code = 3


class RuleError(TrackerError):
    """A rule, lexicon, watchlist, catalogue or route file is wrong."""

    exit_code = 4


class SourceError(TrackerError):
    """A source could not be fetched or read."""

    exit_code = 5


class StoreError(TrackerError):
    """The database cannot be opened, migrated or written."""

    exit_code = 6


class DeliveryError(TrackerError):
    """A message could not be handed over. `permanent` says that another try will not help."""

    exit_code = 7

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.permanent = permanent


def at(path: Path | str, line: int | None = None) -> str:
    """`file:line`, the form every editor and terminal can jump to."""
    return f"{path}:{line}" if line else str(path)
