"""How far rules look: which known facts they ask for beside a new one, and which known facts a new one touches.

Both are asked before anything of the past is read, so only what a fact says of itself can decide: a rule whose plain
conditions no fact meets asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import polars as pl

from tracker.extract.lexicon import Lexicon
from tracker.thesis.compile import compiled
from tracker.thesis.enrich import described
from tracker.thesis.rulebook import Rule

_YEAR_AND_QUARTER_DAYS: Final = 460.0  # a change or a growth on the year needs the figure before


class Wide(NamedTuple):
    """Facts of one kind to look at: how far back, of whom and of what (None: of all)."""

    kind: str
    days: float
    entities: frozenset[str] | None
    products: frozenset[str] | None


class Reach(NamedTuple):
    """The history that rules ask for beyond the same entity and kind."""

    own: set[
        tuple[str, str]
    ]  # (kind, entity): what is laid beside a figure of the same entity (a revenue beside a margin)
    wide: list[Wide]


class Touched(NamedTuple):
    """Known facts that rules weigh against new ones: of these kinds and entities, and of these kinds whoever speaks."""

    of: set[tuple[str, str]]
    kinds: set[str]


def reach_of(rules: list[Rule], facts: pl.DataFrame, lexicon: Lexicon) -> Reach:
    """What windows over the market and comparisons need to see when facts (SCORED_FACTS schema) are scored."""
    own: set[tuple[str, str]] = set()
    wide: list[Wide] = []
    looking = [rule for rule in compiled(rules) if rule.window is not None or rule.comparison is not None]
    met = _met(facts, [rule.looked_at for rule in looking], lexicon)
    for rule, entities in zip(looking, met, strict=True):
        when = rule.rule.when
        if not entities:
            continue
        if rule.window is not None and "entity" not in rule.window.by:
            wide += _wide(rule.kinds, rule.window.span.total_seconds() / 86_400, when, lexicon)
        if rule.comparison is not None and rule.comparison.same_entity:
            own |= {(kind, entity) for kind in rule.comparison.kinds for entity in entities}
        elif rule.comparison is not None:
            days = rule.comparison.days + _YEAR_AND_QUARTER_DAYS
            wide += _wide(rule.comparison.kinds, days, when["compare"]["to"], lexicon)
    return Reach(own, list(dict.fromkeys(wide)))


def touched_by(rules: list[Rule], facts: pl.DataFrame, lexicon: Lexicon) -> Touched:
    """Known facts whose windows or comparisons look at facts (SCORED_FACTS schema) that are new."""
    of: set[tuple[str, str]] = set()
    kinds: set[str] = set()
    asked = [
        *((rule, rule.looked_at, "entity" in rule.window.by) for rule in compiled(rules) if rule.window is not None),
        *(
            (rule, rule.comparison.of_series, rule.comparison.same_entity)
            for rule in compiled(rules)
            if rule.comparison is not None
        ),
    ]
    met = _met(facts, [condition for _, condition, _ in asked], lexicon)
    for (rule, _, own), entities in zip(asked, met, strict=True):
        who = entities if own or not entities else entities_of(rule.rule.when.get("entity"), lexicon)
        if who is None:
            kinds.update(rule.kinds)
        else:
            of |= {(kind, entity) for kind in rule.kinds for entity in who}
    return Touched(of, kinds)


def _met(facts: pl.DataFrame, conditions: list[pl.Expr], lexicon: Lexicon) -> list[set[str]]:
    """Entities of the facts that meet each condition."""
    known = described(facts, lexicon, {})
    answers = known.select(condition.alias(str(i)) for i, condition in enumerate(conditions))
    return [set(known["entity"].filter(answer).drop_nulls()) for answer in answers.iter_columns()]


def _wide(kinds: tuple[str, ...], days: float, when: Mapping[str, Any], lexicon: Lexicon) -> list[Wide]:
    products = when.get("product", {}).get("id")
    among = None if products is None else frozenset(_list(products))
    return [Wide(kind, days, entities_of(when.get("entity"), lexicon), among) for kind in kinds]


def entities_of(who: Mapping[str, Any] | None, lexicon: Lexicon) -> frozenset[str] | None:
    """Entities a condition lets through; None for everyone."""
    if who is None:
        return None
    ids, layers, roles = (set(_list(who[key])) if key in who else None for key in ("id", "layer", "role"))
    return frozenset(
        entity
        for entity, layer, own in lexicon.entities.select("id", "layer", "roles").iter_rows()
        if (ids is None or entity in ids)
        and (layers is None or layer in layers)
        and (roles is None or roles & set(own or ()))
    )


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
