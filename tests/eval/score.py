"""Score extracted facts against labels: the matching of the vocabulary, greedy and one to one."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

FIELDS = ("period", "basis", "direction", "product", "counterparty")
Fact = dict[str, Any]


def _close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is None and b is None
    return abs(a - b) <= 0.01 * max(abs(a), abs(b), 1e-12)


def has_value(fact: Fact) -> bool:
    return fact.get("value_low") is not None or fact.get("value_high") is not None


def matches(label: Fact, found: Fact) -> bool:
    if label["kind"] != found["kind"] or label["entity"] != found["entity"]:
        return False
    if has_value(label):
        ends = all(_close(label.get(end), found.get(end)) for end in ("value_low", "value_high"))
        return ends and label.get("unit") == found.get("unit") and label.get("currency") == found.get("currency")
    return not label.get("product") or label["product"] == found.get("product")


@dataclass
class Score:
    """Counts per kind and group, and how often each field agrees."""

    labels: Counter[str] = field(default_factory=Counter)
    predictions: Counter[str] = field(default_factory=Counter)
    matched: Counter[str] = field(default_factory=Counter)
    field_seen: Counter[str] = field(default_factory=Counter)
    field_right: Counter[str] = field(default_factory=Counter)

    def rates(self, name: str) -> tuple[float, float]:
        """(precision, recall) of a kind or group."""
        made, wanted = self.predictions[name], self.labels[name]
        return (self.matched[name] / made if made else 0.0, self.matched[name] / wanted if wanted else 0.0)


def score(labels: dict[str, list[Fact]], predictions: dict[str, list[Fact]]) -> Score:
    """Score of predictions for the labelled documents."""
    total = Score()
    for doc_id, wanted in labels.items():
        found = predictions.get(doc_id, [])
        for rows, counter in ((wanted, total.labels), (found, total.predictions)):
            for fact in rows:
                counter.update([fact["kind"], "figures" if has_value(fact) else "statements", "all"])
        for label, match in _pairs(wanted, found):
            total.matched.update([label["kind"], "figures" if has_value(label) else "statements", "all"])
            for name in FIELDS:
                if label.get(name) is not None:
                    total.field_seen[name] += 1
                    total.field_right[name] += label[name] == match.get(name)
    return total


def _pairs(wanted: list[Fact], found: list[Fact]) -> list[tuple[Fact, Fact]]:
    def agreement(a: Fact, b: Fact) -> int:
        return sum((a.get(f) or None) == (b.get(f) or None) for f in FIELDS)

    candidates = sorted(
        (-agreement(a, b), i, j) for i, a in enumerate(wanted) for j, b in enumerate(found) if matches(a, b)
    )
    used: dict[str, set[int]] = defaultdict(set)
    pairs = []
    for _, i, j in candidates:
        if i not in used["wanted"] and j not in used["found"]:
            used["wanted"].add(i)
            used["found"].add(j)
            pairs.append((wanted[i], found[j]))
    return pairs
