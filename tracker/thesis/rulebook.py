"""What a thesis is made of once it is loaded: claims, rules, and the whole with its weights and its graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tracker.errors import RuleError


@dataclass(frozen=True)
class Claim:
    """One claim of the thesis."""

    id: str
    pillar: str
    text: str
    text_zh: str
    strengthened_by: str
    falsified_by: str
    prior: float  # log-odds
    half_life_days: float
    backtest: str | None = None  # for claims about history: what computes them


@dataclass(frozen=True)
class Rule:
    """One rule, as written and checked; `where` is file:line."""

    id: str
    claim: str
    pillar: str
    direction: int
    severity: str
    when: dict[str, Any]
    strength: str
    confidence: str
    say: str
    say_zh: str
    tests: list[dict[str, Any]]
    version: str
    where: str
    test_lines: tuple[str, ...] = ()
    why: str = ""
    fires: str = ""  # which evidence fires it, in words
    silent: str = ""  # what would silence it


@dataclass(frozen=True, eq=False)
class Thesis:
    """Claims, rules, weights, graph, and what was put aside."""

    claims: dict[str, Claim]
    pillars: dict[str, str]
    rules: list[Rule]
    weights: dict[str, Any]
    graph: list[dict[str, Any]] = field(default_factory=list)
    problems: list[RuleError] = field(default_factory=list)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)  # stage -> what it needs, in order
