"""One quantity in words to racks: `convert("72000 B200 GPUs", catalogue)`; the same rates as for facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Final

from tracker.errors import RuleError
from tracker.extract.quantities import parse_quantity
from tracker.extract.quantity_words import Quantity
from tracker.hardware.bom import items_of
from tracker.hardware.catalogue import Catalogue, Name
from tracker.hardware.equivalents import GIGABYTES, POWER_KW, Converter, Rate
from tracker.hardware.families import built_in_entities, built_in_families, built_in_terms
from tracker.hardware.figures import Interval
from tracker.hardware.horizons import years_said

UNDERSTOOD: Final = (
    'understood: "1 GW", "200 MW IT", "$3.5B of GB200 NVL72 racks", "72000 B200 GPUs", "500 Helios racks", '
    '"1,000,000 GB of HBM3E", "75000 CoWoS wafers per month", "$80B capex of MSFT", "30万片 CoWoS"'
)
# A number before a name and nothing else to count by: "18,000 GB300", "2000 CloudMatrix 384", "1e5 H100"
_BARE: Final = re.compile(
    r"^\s*(?P<n>\d[\d,]*(?:\.\d+)?)\s*(?P<m>k|thousand|m|million|万|萬|亿)?\s*[×x]?\s*(?P<rest>\S.*)$", re.I
)
_SCALE: Final = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "万": 1e4, "萬": 1e4, "亿": 1e8}
_DIES: Final = re.compile(r"\bdies?\b|裸片", re.I)
_IT: Final = re.compile(r"\bIT\b|critical")
_CAPEX: Final = re.compile(r"capex|capital expenditure|capital spending|资本开支|资本支出|資本支出", re.I)
_RACKS: Final = re.compile(r"\bracks?\b|\bcabinets?\b|机柜|機櫃|机架", re.I)
_STACKS: Final = re.compile(r"\bstacks?\b|颗", re.I)


@dataclass(frozen=True)
class Conversion:
    """A quantity as racks of `system` with the path and the factors that led there."""

    quantity: float | None  # the middle of the stated range, in `unit`
    unit: str | None
    system: str
    racks_low: float
    racks_base: float
    racks_high: float
    method: str
    inputs: tuple[str, ...]
    years: float | None = None  # what the words spread the total over
    racks_per_quarter_base: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self) | {"inputs": list(self.inputs)}


def convert(
    text: str | Quantity, catalogue: Catalogue, system: str | None = None, by: str = "accelerators"
) -> Conversion:
    """A quantity in words (or parsed: then without a product) as racks of `system`, by default the reference rack.

    by: what makes a rack of one system as much as one of another (EQUIVALENT_BY).

    RuleError says what is understood when the text names no quantity or leads to no rack.
    """
    target = catalogue.resolve(system) if system else catalogue.reference
    words = text if isinstance(text, str) else ""
    name = _name_in(words, catalogue)
    product = name.system if name else _product_in(words)
    quantity, noun = _quantity(text, words, name)
    converter = Converter(catalogue, _families(catalogue), target, by)
    rate = _rate(converter, quantity, noun, words, name, product)
    if rate.racks is None:
        raise RuleError(
            f"'{words or quantity}' has no way to racks ({rate.method.removeprefix('none: ')})", hint=UNDERSTOOD
        )
    return _spread(_conversion(quantity, rate, target), years_said(words))


def quantity_of(catalogue: Catalogue, racks: float, item: str, system: str | None = None) -> Interval:
    """The way back: what `racks` reference (or `system`) racks hold of an item of the bill."""
    content = items_of(catalogue, catalogue.resolve(system) if system else catalogue.reference)
    if item not in content:
        raise RuleError(f"'{item}' is not in the bill of materials", hint=f"known: {', '.join(content)}")
    return content[item] * racks


def _spread(found: Conversion, years: float | None) -> Conversion:
    """A total over several years also as an even flow."""
    if years is None:
        return found
    method = f"{found.method}; spread evenly over {years:g} years"
    return replace(found, method=method, years=years, racks_per_quarter_base=found.racks_base / years / 4)


def _conversion(quantity: Quantity, rate: Rate, target: str) -> Conversion:
    racks = rate.racks
    assert racks is not None
    ends = sorted(abs(end) for end in (quantity.low, quantity.high) if end is not None)
    low, high = ends[0], ends[-1]
    note = "" if quantity.low is not None and quantity.high is not None else "; open end: the stated end"
    middle = (low + high) / 2
    return Conversion(
        quantity=middle, unit=quantity.unit, system=target, method=rate.method + note, inputs=rate.inputs,
        racks_low=low * racks.low, racks_base=middle * racks.base, racks_high=high * racks.high,
    )  # fmt: skip


def _quantity(text: str | Quantity, words: str, name: Name | None) -> tuple[Quantity, str | None]:
    """The parsed quantity and, for a bare count of a name, what it counts."""
    if isinstance(text, Quantity):
        return text, None
    bare = _BARE.match(words)
    parsed = parse_quantity(words)
    stacks = bool(_STACKS.search(words))
    counted = parsed is None or parsed.unit in ("units", "pct", None)
    if bare and (name is not None or stacks or parsed is None) and counted:
        value = float(bare["n"].replace(",", "")) * _SCALE.get((bare["m"] or "").lower(), 1.0)
        noun = "racks" if name and name.noun == "gpus" and _RACKS.search(words) else name.noun if name else None
        unit = {"racks": "racks", "gpus": "gpus"}.get(noun or "", "units")
        if name is not None or _product_in(words) is not None:
            return Quantity(0, len(words), value, value, unit), noun
    if parsed is None:
        raise RuleError(f"no quantity in '{words}'", hint=UNDERSTOOD)
    return parsed, None


def _rate(
    converter: Converter, quantity: Quantity, noun: str | None, words: str, name: Name | None, product: str | None
) -> Rate:
    if name is not None and noun in ("systems", "half"):
        whole = converter.whole(name.system)
        racks = whole.racks * 0.5 if noun == "half" and whole.racks else whole.racks
        return replace(whole, racks=racks)
    capex = quantity.unit == "money" and _CAPEX.search(words) is not None
    buyer, layer = _buyer_in(words) if capex else (None, None)
    rate = converter.rate(
        quantity.unit, product=product or _default_product(quantity.unit, words), currency=quantity.currency,
        kind="capex" if capex else None, buyer=buyer, layer=layer, it_power=_IT.search(words) is not None or None,
    )  # fmt: skip
    if name is not None and rate.racks is not None and quantity.unit in ("gpus", "units") and _DIES.search(words):
        dies = converter.catalogue.field(name.system, "dies_per_accelerator")
        if dies is not None:
            return replace(rate, racks=rate.racks / dies, method=f"{rate.method}; dies / dies per accelerator")
    return rate


def _default_product(unit: str | None, words: str) -> str | None:
    if unit in GIGABYTES and "hbm" in words.lower():
        return "hbm"
    if unit in POWER_KW or unit in ("money", "gpus", "racks"):
        return None
    return "cowos" if unit == "wafers_per_month" and "cowos" in words.lower() else None


def _families(catalogue: Catalogue) -> dict[str, str]:
    """Lexicon families, and every catalogued system as a rack system."""
    return built_in_families() | dict.fromkeys(catalogue.raw, "rack_system")


def _name_in(words: str, catalogue: Catalogue) -> Name | None:
    """The longest name of the naming map that stands in the text as words of its own."""
    for pattern, name in _patterns(tuple(catalogue.names.values())):
        if pattern.search(words):
            return name
    return None


@cache
def _patterns(names: tuple[Name, ...]) -> tuple[tuple[re.Pattern[str], Name], ...]:
    return tuple((_as_words(n.name), n) for n in sorted(names, key=lambda n: -len(n.name)))


def _as_words(term: str) -> re.Pattern[str]:
    """A term with free spaces and hyphens, not inside a longer word."""
    body = r"[\s_-]*".join(re.escape(part) for part in re.split(r"[\s_-]+", term))
    return re.compile(rf"(?<![A-Za-z0-9]){body}(?:s)?(?![A-Za-z0-9])" if term.isascii() else body, re.I)


def _product_in(words: str) -> str | None:
    return next((product for term, product in built_in_terms() if _as_words(term).search(words)), None)


def _buyer_in(words: str) -> tuple[str | None, str | None]:
    """(entity, layer) of the spender; an unnamed one is a buyer with the default share."""
    for term, entity, layer in _buyers(words):
        if _as_words(term).search(words):
            return entity, layer
    return None, "buyer"


def _buyers(words: str) -> Iterator[tuple[str, str, str]]:
    lowered = words.lower()
    return (row for row in built_in_entities() if len(row[0]) > 2 and row[0].lower() in lowered)
