"""Which generations the racks of a year are: memory, wafers, power and price of an NVL72-equivalent follow the mix.

Shares are of accelerator packages, as the equivalents are counted by packages: a rack-equivalent of a year holds 72
packages of its mix. A year without a mix of its own, or whose mix was not yet known, has the one of the year before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval, as_interval
from tracker.hardware.observations import known_since


@dataclass(frozen=True)
class Mix:
    """Shares of packages by system in a year; they sum to one."""

    year: str
    shares: Mapping[str, float]
    published: str
    source: str

    @property
    def id(self) -> str:
        """How an attribution names it."""
        return f"ledger:generations:{self.year}"

    def __str__(self) -> str:
        return ", ".join(f"{system} {share:.0%}" for system, share in self.shares.items())


def mix_of(mixes: Iterable[Mix], year: str, as_of: datetime) -> Mix | None:
    """The mix of a year as known at a moment, else the newest one before it; None before the first."""
    known = [m for m in mixes if m.year <= year and known_since(m.published) <= as_of]
    return max(known, key=lambda m: (m.year, m.published), default=None)


def per_rack(catalogue: Catalogue, mix: Mix, field: str) -> Interval | None:
    """A field of whole systems (GB, kW, dollars) per rack-equivalent of the mix; None where a system lacks it."""
    packages = float(catalogue.raw[catalogue.reference]["accelerators"])
    total = as_interval(0.0)
    for system, share in mix.shares.items():
        value = catalogue.field(catalogue.resolve(system), field)
        if value is None:
            return None
        total = total + value * (share * packages / float(catalogue.raw[system]["accelerators"]))
    return total


def wafers_per_rack(catalogue: Catalogue, mix: Mix) -> Interval | None:
    """CoWoS wafers per rack-equivalent of the mix, from good packages a wafer."""
    packages = float(catalogue.raw[catalogue.reference]["accelerators"])
    total = as_interval(0.0)
    for system, share in mix.shares.items():
        good = catalogue.field(catalogue.resolve(system), "good_packages_per_cowos_wafer")
        if good is None:
            return None
        total = total + as_interval(share * packages) / good
    return total
