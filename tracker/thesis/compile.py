"""Rules become polars expressions over enriched facts; nothing of a rule is interpreted row by row.

The columns a rule can ask for are made once per batch (`tracker.thesis.enrich`), whichever rules there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import and_, or_
from typing import Any, Final

import polars as pl

from tracker.errors import RuleError
from tracker.thesis.expr import REFERENCES, compile_expression
from tracker.thesis.rulebook import Rule
from tracker.thesis.windows import Comparison, Window
from tracker.vocabulary import BASES, DIRECTIONS, KINDS, MODEL_KINDS, UNITS

_VOCABULARY: Final[dict[str, tuple[str, ...]]] = {
    "kind": KINDS + MODEL_KINDS,
    "unit": UNITS,
    "basis": BASES,
    "direction": DIRECTIONS,
    "not_direction": DIRECTIONS,
}
TEMPLATE_FIELDS: Final = (
    *("entity", "counterparty", "product", "kind", "value", "previous", "previous_guidance", "previous_actual"),
    *(
        "previous_year",
        "trend",
        "period",
        "basis",
        "direction",
        "racks",
        "window",
        "compare",
        "growth",
        "quote",
        "source",
    ),
)
_TEMPLATE: Final = re.compile(r"\{([^{}]*)\}")
_TIMES: Final = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) \* ([a-z_]+)")
MAX_NUMBER: Final = 1e18


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to run: which facts it looks at, whether they fire, how strongly."""

    rule: Rule
    kinds: tuple[str, ...]
    condition: pl.Expr
    looked_at: pl.Expr  # the part of the condition that asks nothing of the past: what windows run over
    strength: pl.Expr
    confidence: pl.Expr
    window: Window | None
    comparison: Comparison | None

    @property
    def kinds_of_past(self) -> tuple[str, ...]:
        """Kinds of known facts its window and its comparison look at."""
        own = self.kinds if self.window is not None else ()
        return own if self.comparison is None else (*own, *self.comparison.kinds)


def compile_rule(rule: Rule) -> CompiledRule:
    """Compile one rule. Raises RuleError whose `where` names the field of the rule that is wrong."""
    when = rule.when
    _check_template(rule.say, "say")
    _check_template(rule.say_zh, "say_zh")
    return CompiledRule(
        rule=rule,
        kinds=_words(when["kind"], "kind"),
        condition=_condition(when),
        looked_at=_condition({k: v for k, v in when.items() if k in _TIMELESS}),
        strength=_at("strength", rule.strength),
        confidence=_at("confidence", rule.confidence),
        window=_window(when.get("window")),
        comparison=_comparison(when.get("compare"), _words(when["kind"], "kind")),
    )


_COMPILED: dict[tuple[str, str], CompiledRule] = {}


def compiled(rules: list[Rule]) -> list[CompiledRule]:
    """Rules compiled, each version once a process."""
    result = []
    for rule in rules:
        key = (rule.id, rule.version)
        if key not in _COMPILED:
            _COMPILED[key] = compile_rule(rule)
        result.append(_COMPILED[key])
    return result


def _at(name: str, text: str) -> pl.Expr:
    try:
        return compile_expression(text)
    except RuleError as error:
        raise RuleError(f"{name}: {error.message}", where=name, hint=error.hint) from error


def _words(value: Any, key: str) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else tuple(value)
    known = _VOCABULARY.get(key)
    for word in words:
        if known is not None and word not in known:
            raise RuleError(
                f"'{word}' is not a {key.removeprefix('not_')}", where="when", hint=f"one of: {', '.join(known)}"
            )
    return words


def _one_of(column: str) -> Callable[[Any, str], pl.Expr]:
    return lambda value, key: pl.col(column).is_in(list(_words(value, key))).fill_null(False)


def _who(prefix: str) -> Callable[[Any, str], pl.Expr]:
    def test(value: dict[str, Any], key: str) -> pl.Expr:
        tests = []
        if "id" in value:
            tests.append(pl.col(prefix).is_in(list(_words(value["id"], "id"))))
        if "not" in value:
            tests.append(~pl.col(prefix).is_in(list(_words(value["not"], "id"))))
        if "none" in value:
            tests.append(pl.col(prefix).is_null() if value["none"] else pl.col(prefix).is_not_null())
        if "layer" in value:
            tests.append(pl.col(f"{prefix}_layer").is_in(list(_words(value["layer"], "layer"))))
        if "not_layer" in value:
            tests.append(~pl.col(f"{prefix}_layer").is_in(list(_words(value["not_layer"], "layer"))))
        if "role" in value:
            tests.append(_has_role(prefix, value["role"]))
        if "not_role" in value:
            tests.append(~_has_role(prefix, value["not_role"]).fill_null(False))
        return reduce(and_, tests).fill_null(False)

    return test


def _has_role(prefix: str, wanted: Any) -> pl.Expr:
    roles = pl.lit(list(_words(wanted, "role")), dtype=pl.List(pl.String))
    return pl.col(f"{prefix}_roles").list.set_intersection(roles).list.len() > 0


def _product(value: dict[str, Any], key: str) -> pl.Expr:
    tests = []
    if "id" in value:
        tests.append(pl.col("product").is_in(list(_words(value["id"], "id"))).fill_null(False))
    if "family" in value:
        tests.append(pl.col("family").is_in(list(_words(value["family"], "family"))).fill_null(False))
    if "not_family" in value:
        tests.append(~pl.col("family").is_in(list(_words(value["not_family"], "family"))).fill_null(False))
    if "sold_as" in value:
        tests.append(pl.col("sold_as").is_in(list(_words(value["sold_as"], "sold_as"))).fill_null(False))
    if "none" in value:
        tests.append(pl.col("product").is_null() if value["none"] else pl.col("product").is_not_null())
    return reduce(and_, tests)


def _bounds(column: str) -> Callable[[Any, str], pl.Expr]:
    def test(value: dict[str, Any], key: str) -> pl.Expr:
        subject = pl.col(column)
        tests = []
        for name, bound in value.items():
            other = _bound(bound, key)
            compared = {
                "above": subject > other,
                "below": subject < other,
                "at_least": subject >= other,
                "at_most": subject <= other,
            }[name]
            tests.append(compared)
        return reduce(and_, tests).fill_null(False)

    return test


def _both_ends() -> pl.Expr:
    """A figure that is stated, not only bounded ("up to", "more than")."""
    return pl.col("value_low").is_not_null() & pl.col("value_high").is_not_null()


def _bound(bound: Any, key: str) -> pl.Expr:
    if isinstance(bound, str):
        factor = _TIMES.fullmatch(bound)
        if factor is not None and factor[2] in REFERENCES:
            return float(factor[1]) * pl.col(f"{factor[2]}_mid")
        if bound not in REFERENCES:
            raise RuleError(
                f"{key}: '{bound}' is neither a number nor a reference",
                where="when",
                hint=f"references: {', '.join(REFERENCES)}, each also with a factor: '0.5 * previous'",
            )
        return pl.col(f"{bound}_mid")
    if abs(bound) > MAX_NUMBER:
        raise RuleError(f"{key}: {bound:g} is larger than any figure this program knows", where="when")
    return pl.lit(float(bound))


def _condition(when: dict[str, Any]) -> pl.Expr:
    """All conditions of a mapping at once; `any`, `all` and `not` hold further mappings."""
    tests = [_TESTS[key](value, key) for key, value in when.items() if key in _TESTS]
    for key, combine in (("all", and_), ("any", or_)):
        if key in when:
            tests.append(reduce(combine, [_condition(part) for part in when[key]]))
    if "not" in when:
        tests.append(~_condition(when["not"]))
    return reduce(and_, tests, pl.lit(True))


def _window(value: dict[str, Any] | None) -> Window | None:
    if value is None:
        return None
    above, below = _ends(value, "window")
    by = value.get("by", "entity" if value["agg"] in ("trend", "acceleration", "zscore", "yoy") else "market")
    # own history means one series: figures of another unit or product are not its past
    series = ("kind", "unit", "_product", "_span")
    columns = {"market": (), "entity": ("entity", *series), "product": series}[by]
    return Window(timedelta(days=float(value["days"])), value["agg"], columns, above, below)


def _comparison(value: dict[str, Any] | None, own_kinds: tuple[str, ...]) -> Comparison | None:
    if value is None:
        return None
    if "reference" not in value and "difference" not in value:
        raise RuleError("compare: needs 'reference' or 'difference'", where="when")
    kinds = _words(value["to"]["kind"], "kind")
    return Comparison(
        among=_condition(value["to"]),
        of_series=_condition({k: v for k, v in value["to"].items() if k in _OF_SERIES}),
        kinds=kinds,
        same_entity=value.get("same_entity", False),
        same_product=value.get("same_product", False),
        measure=value.get("measure", "growth"),
        days=float(value.get("days", 120)),
        reference=_ends(value["reference"], "reference") if "reference" in value else (None, None),
        difference=_ends(value["difference"], "difference") if "difference" in value else (None, None),
        earlier=value.get("same_entity", False) and bool(set(kinds) & set(own_kinds)),
    )


def _ends(value: dict[str, Any], key: str) -> tuple[float | None, float | None]:
    ends = (value.get("above"), value.get("below"))
    if ends == (None, None):
        raise RuleError(f"{key}: needs 'above' or 'below'", where="when")
    for end in ends:
        if end is not None and abs(end) > MAX_NUMBER:
            raise RuleError(f"{key}: {end:g} is larger than any figure this program knows", where="when")
    return ends


def _check_template(text: str, name: str) -> None:
    for found in _TEMPLATE.findall(text):
        if found not in TEMPLATE_FIELDS:
            raise RuleError(
                f"{name}: unknown field '{{{found}}}'", where=name, hint=f"fields: {', '.join(TEMPLATE_FIELDS)}"
            )
    if set(_TEMPLATE.sub("", text)) & set("{}"):
        raise RuleError(f"{name}: a brace is not closed", where=name)


_TESTS: Final[dict[str, Callable[[Any, str], pl.Expr]]] = {
    "kind": _one_of("kind"),
    "unit": _one_of("unit"),
    "currency": _one_of("currency"),
    "basis": _one_of("basis"),
    "direction": _one_of("direction"),
    "not_direction": lambda value, key: ~pl.col("direction").is_in(list(_words(value, key))).fill_null(False),
    "lang": _one_of("lang"),
    "entity": _who("entity"),
    "counterparty": _who("counterparty"),
    "product": _product,
    "value": _bounds("value_mid"),
    "racks": _bounds("racks_base"),
    "tier": _bounds("tier"),
    "growth": _bounds("growth"),
    "usd": _bounds("usd"),
    "months": _bounds("period_months"),
    "exact": lambda value, key: _both_ends() if value else ~_both_ends(),
    "has_value": lambda value, key: pl.col("value_mid").is_not_null() if value else pl.col("value_mid").is_null(),
}
# Conditions that ask nothing of the past.
_TIMELESS: Final = frozenset(
    {
        "kind",
        "unit",
        "currency",
        "basis",
        "direction",
        "not_direction",
        "lang",
        "entity",
        "counterparty",
        "product",
        "tier",
        "exact",
    }
)
# Conditions that all figures of one series answer alike.
_OF_SERIES: Final = frozenset({"kind", "unit", "entity", "product"})
