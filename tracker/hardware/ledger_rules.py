"""What the ledger is told by `rules/hardware/ledger.yaml`: links, leads, stocks and its own factors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jsonschema import Draft202012Validator

from tracker.errors import RuleError
from tracker.hardware.figures import Interval
from tracker.hardware.mix import Mix
from tracker.resources import data_dir
from tracker.yaml_files import YamlFile, load


@dataclass(frozen=True)
class Link:
    """One link of the chain: how many quarters before the rack, how much unsold supply it can carry over.

    An `outcome` (racks shipped) is what the links together let through, no limit of its own: it is never the tightest.
    """

    id: str
    lead_quarters: int
    stock_quarters: float
    outcome: bool = False


@dataclass(frozen=True, eq=False)
class LedgerRules:
    """The ledger's own settings; quarters are labels such as CY2026Q1."""

    quarters: tuple[str, ...]
    coverage: float
    life_quarters: int
    spread_quarters: Mapping[str, int]
    links: tuple[Link, ...]
    figures: Mapping[str, Interval]
    mixes: tuple[Mix, ...]
    watched: tuple[str, ...]
    renters: tuple[str, ...]
    sources: Mapping[str, str]  # of the figures

    @property
    def outcomes(self) -> frozenset[str]:
        """Links that are no limit of their own."""
        return frozenset(link.id for link in self.links if link.outcome)


def quarter_index(label: str) -> int:
    """CY2026Q1 as a running number, for arithmetic on quarters."""
    return int(label[2:6]) * 4 + int(label[7]) - 1


def quarter_at(index: int) -> str:
    """The label of a running number."""
    return f"CY{index // 4}Q{index % 4 + 1}"


def load_ledger_rules(path: Path | None = None) -> LedgerRules:
    """Read and check ledger.yaml (the built-in one by default). RuleError names file:line. Read again when it changed."""
    path = path or data_dir("rules") / "hardware" / "ledger.yaml"
    return _read(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> LedgerRules:
    """changed: when the file was last written."""
    file = load(path)
    check_schema(file, "ledger")
    data = file.data
    for i, row in enumerate(data["figures"]):
        if not row["low"] <= row["base"] <= row["high"]:
            raise RuleError(f"{row['id']}: low <= base <= high does not hold", where=file.where("figures", i))
    for i, mix in enumerate(data["generations"]):
        if abs(sum(mix["shares"].values()) - 1) > 1e-6:
            where = file.where("generations", i)
            raise RuleError(f"shares of {mix['year']} sum to {sum(mix['shares'].values()):g}, not to 1", where=where)
    first, last = (quarter_index(data["quarters"][k]) for k in ("first", "last"))
    if first > last:
        raise RuleError("the first quarter lies after the last", where=file.where("quarters"))
    return LedgerRules(
        quarters=tuple(quarter_at(i) for i in range(first, last + 1)),
        coverage=data["coverage"],
        life_quarters=data["life_quarters"],
        spread_quarters=data["spread_quarters"],
        links=tuple(Link(**row) for row in data["links"]),
        figures={row["id"]: Interval(row["low"], row["base"], row["high"]) for row in data["figures"]},
        watched=tuple(data["watched"]),
        renters=tuple(data["renters"]),
        sources={row["id"]: row["source"] for row in data["figures"]},
        mixes=tuple(
            Mix(str(m["year"]), m["shares"], m["published"], m["source"], file.where("generations", i))
            for i, m in enumerate(data["generations"])
        ),
    )


def check_schema(file: YamlFile, name: str) -> None:
    """Raise RuleError with file:line for the first thing `rules/schema/NAME.json` does not allow."""
    schema = json.loads((data_dir("rules") / "schema" / f"{name}.json").read_text(encoding="utf-8"))
    for error in Draft202012Validator(schema).iter_errors(file.data):
        place = ".".join(str(p) for p in error.absolute_path)
        raise RuleError(
            f"{place}: {error.message}"[:300],
            where=file.where(*error.absolute_path),
            hint=f"what may stand there: rules/schema/{name}.json",
        )
