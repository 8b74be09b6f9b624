"""Score extracted facts against labels: the matching of the vocabulary, greedy and one to one."""

from __future__ import annotations

from collections import Counter
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
        same_currency = (label.get("currency") or None) == (found.get("currency") or None)
        return ends and same_currency and label.get("unit") == found.get("unit")
    return not label.get("product") or label["product"] == found.get("product")


def groups(fact: Fact) -> list[str]:
    """What a fact counts for: its kind, figures (it has a value) or statements, and all."""
    return [fact["kind"], "figures" if has_value(fact) else "statements", "all"]


@dataclass
class Score:
    """Counts per kind and group, and how often each field agrees.

    A pair counts for the group of its label in recall and for the group of its prediction in precision: a label
    without a value may be met by a prediction that has one.
    """

    labels: Counter[str] = field(default_factory=Counter)
    predictions: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    field_seen: Counter[str] = field(default_factory=Counter)
    field_right: Counter[str] = field(default_factory=Counter)

    def rates(self, name: str) -> tuple[float, float]:
        """(precision, recall) of a kind or group."""
        made, wanted = self.predictions[name], self.labels[name]
        return (self.right[name] / made if made else 0.0, self.found[name] / wanted if wanted else 0.0)

    def accuracy(self, name: str) -> float:
        """Share of the pairs whose label names a field in which the prediction agrees."""
        return self.field_right[name] / self.field_seen[name] if self.field_seen[name] else 0.0


def f1(precision: float, recall: float) -> float:
    """Harmonic mean; 0 when both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def score(labels: dict[str, list[Fact]], predictions: dict[str, list[Fact]]) -> Score:
    """Score of predictions for the labelled documents."""
    total = Score()
    for doc_id, wanted in labels.items():
        found = predictions.get(doc_id, [])
        for rows, counter in ((wanted, total.labels), (found, total.predictions)):
            for fact in rows:
                counter.update(groups(fact))
        for i, j in pairs(wanted, found):
            label, match = wanted[i], found[j]
            total.found.update(groups(label))
            total.right.update(groups(match))
            for name in FIELDS:
                if label.get(name) is not None:
                    total.field_seen[name] += 1
                    total.field_right[name] += label[name] == match.get(name)
    return total


def pairs(wanted: list[Fact], found: list[Fact]) -> list[tuple[int, int]]:
    """Positions of labels and the predictions that meet them, best agreement of the fields first, one to one."""

    def agreement(a: Fact, b: Fact) -> int:
        return sum((a.get(f) or None) == (b.get(f) or None) for f in FIELDS)

    candidates = sorted(
        (-agreement(a, b), i, j) for i, a in enumerate(wanted) for j, b in enumerate(found) if matches(a, b)
    )
    used_labels: set[int] = set()
    used_found: set[int] = set()
    met = []
    for _, i, j in candidates:
        if i not in used_labels and j not in used_found:
            used_labels.add(i)
            used_found.add(j)
            met.append((i, j))
    return met
