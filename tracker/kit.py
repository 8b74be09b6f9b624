"""Everything the pure steps read besides the data: loaded once, replaced whole on reload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.alerts.links import Links
from tracker.alerts.routing import Names, Routing
from tracker.alerts.routing_file import load_routing
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.hardware.catalogue import Catalogue, load_catalogue
from tracker.hardware.interconnect import Interconnect, load_interconnect
from tracker.thesis.rulebook import Thesis
from tracker.thesis.schema import load_thesis


@dataclass(frozen=True, eq=False)
class Kit:
    """Everything the pure steps read: loaded once, replaced whole on reload. Two kits are equal when they are the same
    one, so that what was worked out from a kit can be kept for it.
    """

    lexicon: Lexicon
    catalogue: Catalogue
    net: Interconnect
    thesis: Thesis
    routing: Routing
    links: Links | None = None  # signs what a reader may click, when a web page is there to answer

    @classmethod
    def load(cls, rules_dirs: Sequence[Path]) -> Kit:
        """Load the thesis folders; raises RuleError with file:line when a file every step needs is unusable."""
        hardware = _last_folder(rules_dirs, "hardware")
        lexicon, thesis = load_lexicon(rules_dirs), load_thesis(rules_dirs)
        return cls(
            lexicon,
            load_catalogue(hardware),
            load_interconnect(hardware / "interconnect.yaml" if (hardware / "interconnect.yaml").exists() else None),
            thesis,
            load_routing(rules_dirs, names_of(thesis, lexicon)),
        )


def names_of(thesis: Thesis, lexicon: Lexicon) -> Names:
    """What a route may name."""
    return Names(
        claims=frozenset(thesis.claims),
        pillars=frozenset(thesis.pillars),
        entities=frozenset(lexicon.entities["id"]),
        layers=frozenset(lexicon.layers.values()),
        rules=frozenset(rule.id for rule in thesis.rules),
    )


def _last_folder(dirs: Sequence[Path], name: str) -> Path:
    """The folder of a later thesis over that of an earlier one; the built-in one when none brings it."""
    from tracker.resources import data_dir

    return next((d / name for d in reversed(dirs) if (d / name).exists()), data_dir("rules") / name)
