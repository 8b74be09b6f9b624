"""Which generations the racks of a year are: memory, wafers, power and price of an NVL72-equivalent follow the mix.

Shares are of accelerator packages, as the equivalents are counted by packages: a rack-equivalent of a year holds 72
packages of its mix. A year without a mix of its own, or whose mix was not yet known, has the one of the year before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval, as_interval
from tracker.hardware.observations import known_since

_ENOUGH: Final = (
    0.75  # of the packages must be of systems whose figure is known; a system to come often has no price yet
)


@dataclass(frozen=True)
class Mix:
    """Shares of packages by system in a year; they sum to one."""

    year: str
    shares: Mapping[str, float]
    published: str
    source: str
    where: str = ""  # file:line

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


def at_quarter(mixes: Iterable[Mix], quarter: str, as_of: datetime) -> Mix | None:
    """The mix of a quarter: a year's shares hold in its middle, and between two middles they shift evenly."""
    known, year = tuple(mixes), int(quarter[2:6])
    own = mix_of(known, str(year), as_of)
    at = (int(quarter[7]) - 0.5) / 4 - 0.5  # years from the middle of its own
    other = mix_of(known, str(year + (1 if at > 0 else -1)), as_of)
    if own is None or other is None or other.year == own.year:
        return own
    shares = {
        system: own.shares.get(system, 0.0) * (1 - abs(at)) + other.shares.get(system, 0.0) * abs(at)
        for system in (*own.shares, *(s for s in other.shares if s not in own.shares))
    }
    return Mix(own.year, shares, own.published, own.source)


def per_rack(catalogue: Catalogue, mix: Mix, field: str) -> Interval | None:
    """A field of whole systems (GB, kW, dollars) per rack-equivalent of the mix; None where too few systems know it."""

    def of(system: str) -> Interval | None:
        value = catalogue.field(system, field)
        return None if value is None else value / float(catalogue.raw[system]["accelerators"])

    return _mean(catalogue, mix, of)


def wafers_per_rack(catalogue: Catalogue, mix: Mix) -> Interval | None:
    """CoWoS wafers per rack-equivalent of the mix, from good packages a wafer."""

    def of(system: str) -> Interval | None:
        good = catalogue.field(system, "good_packages_per_cowos_wafer")
        return None if good is None else 1.0 / good

    return _mean(catalogue, mix, of)


def _mean(catalogue: Catalogue, mix: Mix, of: Callable[[str], Interval | None]) -> Interval | None:
    """Per rack-equivalent what `of` gives per package, over the systems that know it, if they are `_ENOUGH` of the mix."""
    known = {system: value for system in mix.shares if (value := of(catalogue.resolve(system))) is not None}
    covered = sum(mix.shares[system] for system in known)
    if covered < _ENOUGH:
        return None
    packages = float(catalogue.raw[catalogue.reference]["accelerators"])
    total = as_interval(0.0)
    for system, value in known.items():
        total = total + value * (mix.shares[system] / covered * packages)
    return total
