"""The one path: documents -> facts -> signals -> conviction -> alerts.

`process` takes a batch of documents through all of it inside one transaction of the store: after a crash either all of
a batch is there or none of it, and running the same batch again changes nothing. Every step is a pure function of
another room; this module only fetches what the step needs and writes what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.hardware.catalogue import Catalogue, load_catalogue
from tracker.thesis.schema import Thesis, load_thesis

Report = Callable[[str, int], None]  # (stage, rows): for progress bars


@dataclass(frozen=True)
class Kit:
    """Everything the pure steps read: loaded once, replaced whole on reload."""

    lexicon: Lexicon
    catalogue: Catalogue
    thesis: Thesis

    @classmethod
    def load(cls, rules_dirs: Sequence[Path]) -> Kit:
        """Load the thesis folders; raises RuleError with file:line when a file every step needs is unusable."""
        hardware = next(d / "hardware" for d in [*reversed(rules_dirs), *rules_dirs] if (d / "hardware").is_dir())
        return cls(load_lexicon(rules_dirs), load_catalogue(hardware), load_thesis(rules_dirs))


@dataclass
class Counts:
    """What a run did."""

    documents: int = 0
    facts: int = 0
    series: int = 0
    signals: int = 0
    alerts: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Sum up."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    @property
    def anything(self) -> bool:
        """Whether something new came in."""
        return bool(self.documents or self.facts or self.series or self.signals)
