"""The language of `strength` and `confidence`: numbers, names, arithmetic and a few functions, compiled to polars.

The grammar is our own and knows nothing but these; there is no attribute, no index, no string, no call of anything that
is not in the table below, so an expression cannot reach Python, files or the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import polars as pl
from lark import Lark, Token, Transformer, v_args
from lark.exceptions import LarkError, UnexpectedInput, VisitError

from tracker.errors import RuleError

MAX_LENGTH: Final = 500
_GRAMMAR: Final = r"""
?start: sum
?sum: product | sum "+" product -> add | sum "-" product -> sub
?product: unary | product "*" unary -> mul | product "/" unary -> div
?unary: "-" unary -> neg | atom
?atom: NUMBER -> number
     | NAME -> name
     | NAME "(" [argument ("," argument)*] ")" -> call
     | "(" sum ")"
argument: [NAME "="] sum
NUMBER: /\d{1,15}(\.\d{1,9})?([eE][+-]?\d{1,2})?/
NAME: /[a-z][a-z_0-9]{0,40}/
%ignore /[ \t\n]+/
"""


class Reference(str):
    """A name that is not a column but an argument of a function: `previous_guidance`."""


def _saturating(value: pl.Expr) -> pl.Expr:
    """0 at 0, 0.63 at 1, towards 1 beyond: no single figure counts without bound."""
    return 1.0 - (-value.abs()).exp()


def _surprise(reference: Any, scale: Any = 0.15) -> pl.Expr:
    """Relative distance of the value from a reference, saturating at about `scale`; 0.5 when there is no reference."""
    if not isinstance(reference, Reference):
        raise RuleError(f"surprise() takes one of {', '.join(REFERENCES)} first")
    before = pl.col(f"{reference}_mid")
    moved = (pl.col("value_mid") - before) / before.abs() / _expression(scale)
    return pl.when(before.is_null() | (before == 0)).then(pl.lit(0.5)).otherwise(_saturating(moved))


def _racks_share(of: Any = 30_000.0) -> pl.Expr:
    """Rack-equivalents against a year's supply of racks, saturating; 0.3 when the fact has none."""
    share = pl.col("racks_base") / _expression(of) * 4
    return pl.when(share.is_null()).then(pl.lit(0.3)).otherwise(_saturating(share))


def _expression(value: Any) -> pl.Expr:
    if isinstance(value, Reference):
        return pl.col(f"{value}_mid")
    return value if isinstance(value, pl.Expr) else pl.lit(float(value))


FUNCTIONS: Final[dict[str, Callable[..., pl.Expr]]] = {
    "surprise": _surprise,
    "racks_share": _racks_share,
    "saturating": lambda value: _saturating(_expression(value)),
    "abs": lambda value: _expression(value).abs(),
    "log": lambda value: _expression(value).clip(lower_bound=1e-9).log(),
    "clip": lambda value, low=0.0, high=1.0: _expression(value).clip(_expression(low), _expression(high)),
    "min": lambda a, b: pl.min_horizontal(_expression(a), _expression(b)),
    "max": lambda a, b: pl.max_horizontal(_expression(a), _expression(b)),
    "coalesce": lambda a, b: pl.coalesce(_expression(a), _expression(b)),
}
# Names a rule may use, with what they are.
COLUMNS: Final[Mapping[str, str]] = {
    "value": "value_mid",
    "racks": "racks_base",
    "racks_low": "racks_low",
    "racks_high": "racks_high",
    "source_tier": "tier_weight",
    "basis_weight": "basis_weight",
    "corroboration": "corroboration",
    "novelty": "novelty",
    "window": "window_value",
    "compare": "compare_value",
    "growth": "growth",
    "usd": "usd",
    "months": "period_months",
}
REFERENCES: Final = ("previous", "previous_guidance", "previous_actual", "previous_year", "trend")


@v_args(inline=True)
class _Compiler(Transformer[Token, Any]):
    def number(self, token: Token) -> pl.Expr:
        return pl.lit(float(token))

    def name(self, token: Token) -> Any:
        if token in REFERENCES:
            return Reference(token)
        if token not in COLUMNS:
            raise RuleError(f"unknown name '{token}'; known: {', '.join([*COLUMNS, *REFERENCES])}")
        return pl.col(COLUMNS[str(token)])

    def argument(self, key: Token | None, value: Any) -> tuple[str | None, Any]:
        return (str(key) if key else None), value

    def call(self, name: Token, *arguments: tuple[str | None, Any] | None) -> pl.Expr:
        if name not in FUNCTIONS:
            raise RuleError(f"unknown function '{name}'; known: {', '.join(FUNCTIONS)}")
        given = [a for a in arguments if a is not None]
        try:
            return FUNCTIONS[str(name)](
                *(v for k, v in given if k is None), **{k: v for k, v in given if k is not None}
            )
        except TypeError as error:
            raise RuleError(f"{name}(): {str(error).partition(') ')[2] or error}") from error

    def add(self, a: Any, b: Any) -> pl.Expr:
        return _expression(a) + _expression(b)

    def sub(self, a: Any, b: Any) -> pl.Expr:
        return _expression(a) - _expression(b)

    def mul(self, a: Any, b: Any) -> pl.Expr:
        return _expression(a) * _expression(b)

    def div(self, a: Any, b: Any) -> pl.Expr:
        divisor = _expression(b)
        return pl.when(divisor != 0).then(_expression(a) / divisor)

    def neg(self, a: Any) -> pl.Expr:
        return -_expression(a)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=True)


def compile_expression(text: str | float | int) -> pl.Expr:
    """A polars expression between 0 and 1 (null counts as 0). Raises RuleError that says what is wrong and where."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise RuleError("an expression is a number or a text such as 'surprise(previous_guidance, scale=0.15)'")
    source = str(text)
    if len(source) > MAX_LENGTH:
        raise RuleError(f"an expression of {len(source)} characters is too long (at most {MAX_LENGTH})")
    try:
        compiled = _Compiler().transform(_parser().parse(source))
    except UnexpectedInput as error:
        place = max(0, (error.column or 1) - 1)
        raise RuleError(f"cannot be understood from here: '{source[place : place + 20] or 'its end'}'") from error
    except VisitError as error:
        if isinstance(error.orig_exc, RuleError):
            raise error.orig_exc from error
        raise RuleError(f"cannot be compiled: {error.orig_exc}") from error
    except (LarkError, RecursionError) as error:
        raise RuleError(f"cannot be understood: {error}") from error
    return _expression(compiled).fill_nan(0.0).fill_null(0.0).clip(0.0, 1.0)
