"""Statements: facts without a figure. A cue calls the frames of its kind; a frame that fits gives kind and roles.

The sentence is read with its names abstracted to their roles (abstract.py), so that one pattern of the table (frames.py)
holds for every company and product of the watchlist and lexicon. What speaks against a fit is in fit.py, who and what it
is told of in roles.py. Only sentences that hold a cue are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from tracker.extract.abstract import Abstract, abstracted
from tracker.extract.fit import Fit, reason_against
from tracker.extract.frames import GOODS
from tracker.extract.lexicon import Lexicon
from tracker.extract.reading import Reading
from tracker.extract.roles import carried, crowd, entity_of, own_chip, product_of, sides
from tracker.extract.trials import Trial
from tracker.vocabulary import MARKET

_TRIES: Final = 12  # places of a sentence one pattern is tried at
_OPERATORS: Final = frozenset(
    {"", "market", "cloud", "lab", "neocloud", "datacenter", "sovereign", "government", "application", "china"}
)
_OF_THE_MARKET: Final = frozenset({"supply_tightness", "price"})
_EVERYWHERE: Final = re.compile(
    r"(?:全球|全行业|业界|整个行业|市场上?)[^，。；,;\n]{0,14}$|(?:全球|全行业|业界|整个行业)"
)
_OF_THE_GOODS: Final = re.compile(f"的{GOODS}")
_FURTHER: Final = re.compile(r"\s?(?:、|,|和|与|及|以及|\band\b)\s?")
_JOINTLY: Final = re.compile(r"携|联手|联合|\+|&")  # those who act together do it once
# What is told of each of a list.
_EACH: Final = frozenset({"design_win", "deployment", "capacity", "supply_tightness", "price", "demand_cut", "order"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement where it stands: `start` and `end` in the sentence."""

    kind: str
    entity: str
    counterparty: str | None
    product: str | None
    direction: str
    start: int
    end: int
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """What nearly was a statement, and why it is none."""

    kind: str
    start: int
    end: int
    reason: str


def statements(reading: Reading, told: set[str], lexicon: Lexicon) -> Iterator[Statement | Dropped]:
    """Statements of a sentence, and the ones that were dropped. Kinds in `told` have figures there."""
    cued = [kind for kind in dict.fromkeys(m.term.value for m in reading.of("sign")) if kind not in told]
    if not reading.trials or not cued or reading.text.startswith("#"):  # a heading names what the text below tells
        return
    trials = [lexicon.trials.every[i] for i in reading.trials]
    abstract = abstracted(reading, lexicon)
    for kind in cued:
        said: list[Statement] = []
        for trial in trials:
            if trial.frame.kind != kind or not trial.wording.may_fit(abstract.blocks):
                continue
            for found in _fits(reading, abstract, trial, lexicon):
                if isinstance(found, Dropped):
                    yield found
                elif _is_new(found, said):
                    said.append(found)
                    yield found


def _is_new(found: Statement, said: list[Statement]) -> bool:
    """Whether a statement tells more than those of its kind before it in the sentence."""
    for other in said:
        elsewhere = found.start >= other.end or other.start >= found.end
        if found.kind == "acquisition" and found.counterparty not in (None, other.counterparty):
            continue  # one more of those bought into
        if not elsewhere and (other.start, other.end) != (found.start, found.end):
            return False
        if found.entity == other.entity and found.product in (None, other.product):
            return False
    return True


def _fits(reading: Reading, abstract: Abstract, trial: Trial, lexicon: Lexicon) -> Iterator[Statement | Dropped]:
    """Where a pattern of a frame fits; of its places the first that holds."""
    place = 0
    for _ in range(_TRIES):
        match = trial.wording.pattern.search(abstract.text, place)
        if match is None:
            break
        found = _read(Fit(reading, abstract, trial.frame, match, lexicon, *abstract.span(*match.span())))
        yield found
        if isinstance(found, Statement) and found.kind in _EACH:
            yield from _each(found, match, abstract)
            yield from _of_the_crowd(found, match, abstract, reading, lexicon)
        if isinstance(found, Statement) and found.kind == "acquisition" and found.counterparty is not None:
            yield from _each_other(found, match, abstract)
        place = match.end() if isinstance(found, Statement) else match.start() + 1


def _each(found: Statement, match: re.Match[str], abstract: Abstract) -> Iterator[Statement]:
    """The same statement of the others of a list: "Google, Microsoft and Meta will deploy ..." is told of three."""
    listed = match.groupdict().get("with") or ""
    if not listed or _JOINTLY.search(listed):
        return
    for at in range(match.start("with"), match.end("with")):
        mention = abstract.names.get(at)
        if mention is not None and mention.term.value not in (found.entity, found.counterparty):
            yield replace(found, entity=mention.term.value)


def _each_other(found: Statement, match: re.Match[str], abstract: Abstract) -> Iterator[Statement]:
    """The same statement with each further one of a list it ends in: 亚马逊入股OpenAI、Anthropic."""
    at = match.end()
    while (joint := _FURTHER.match(abstract.text, at)) is not None:
        mention = abstract.names.get(joint.end())
        if mention is None or mention.term.role != "entity":
            return
        at = joint.end() + 1
        start, end = abstract.span(match.start(), at)
        yield replace(found, counterparty=mention.term.value, start=start, end=end)


def _of_the_crowd(
    found: Statement, match: re.Match[str], abstract: Abstract, reading: Reading, lexicon: Lexicon
) -> Iterator[Statement]:
    """The same statement of the others "all three companies" means."""
    word = abstract.names.get(match.start("who")) if match.groupdict().get("who") else None
    if word is not None and word.term.role == "crowd":
        for other in crowd(reading, word, lexicon):
            if other not in (found.entity, found.counterparty):
                yield replace(found, entity=other)


def _read(fit: Fit) -> Statement | Dropped:
    """The statement a fit is, or why it is none."""
    product = product_of(fit)
    reason = reason_against(fit, product)
    if reason is not None:
        return Dropped(fit.kind, fit.start, fit.end, reason)
    entity = entity_of(fit, product)
    if entity is None:
        return Dropped(fit.kind, fit.start, fit.end, "no entity of the watchlist is its subject")
    layer = fit.lexicon.layers.get(entity, "")
    if (fit.frame.layers and layer not in fit.frame.layers) or layer in fit.frame.not_layers:
        return Dropped(fit.kind, fit.start, fit.end, f"not said of a company of the layer '{layer}'")
    product = _settled(fit, product, entity, layer)
    if fit.kind == "supply_tightness" and _EVERYWHERE.search(
        fit.abstract.text, max(0, fit.match.start() - 16), fit.match.end()
    ):
        entity, layer = MARKET, "market"
    if fit.kind == "supply_tightness" and _OF_THE_GOODS.match(fit.abstract.text, fit.match.end()):
        entity, layer = MARKET, "market"  # 供不应求的HBM: the goods are short, whoever is spoken of
    if _buys(fit, product, layer):
        if fit.kind == "price" and fit.group("who") is not None and fit.frame.product == "market":
            product = None  # what dearer parts make dearer: its own goods
        elif fit.group("who") is not None:
            return Dropped(fit.kind, fit.start, fit.end, "what its subject does not make")
        else:
            entity = MARKET  # what a company buys is short, or dear, for everybody
    reason = _incomplete(fit, entity, product)
    if reason is not None:
        return Dropped(fit.kind, fit.start, fit.end, reason)
    entity, counterparty = sides(fit, entity, product)
    return Statement(fit.kind, entity, counterparty, product, _direction(fit), fit.start, fit.end, fit.frame.basis)


def _settled(fit: Fit, product: str | None, entity: str, layer: str) -> str | None:
    """The product once the subject is known: what the layer speaks of, what was spoken of before, its own chip."""
    if product is None and fit.frame.product != "none":
        product = fit.lexicon.frames.default_products.get(f"{fit.kind}.{layer}") or carried(fit)
    setting = product is not None and fit.lexicon.families[product] == "facility" and fit.kind != "deployment"
    if setting and layer not in _OPERATORS:
        product = None  # where the goods go, not what they are
    return own_chip(fit, product, entity) if fit.kind == "custom_silicon" else product


def _buys(fit: Fit, product: str | None, layer: str) -> bool:
    """Whether a shortage or price is of something companies of a layer do not make."""
    made = fit.lexicon.frames.makes.get(layer)
    if made is None or product is None or fit.kind not in _OF_THE_MARKET:
        return False
    return fit.lexicon.families[product] not in made


def _incomplete(fit: Fit, entity: str, product: str | None) -> str | None:
    """What a statement lacks to be one."""
    reading = fit.reading
    spoken_of = entity == reading.document.issuer or any(m.term.value == entity for m in reading.of("entity"))
    if product is None and fit.frame.product == "market" and not spoken_of:
        return "neither a product nor its subject in the sentence"
    if product is None and (fit.frame.product == "needed" or (fit.frame.product == "market" and entity == MARKET)):
        return "no product beside the statement"
    if fit.kind == "design_win" and _named_as(fit, "other") == entity:
        return "both sides are the same"
    if fit.kind == "design_win" and not fit.group("other") and fit.lexicon.vendors.get(product or "") == entity:
        return "nobody adopts what he makes himself"
    buys = fit.kind == "order" and fit.group("who") is not None and fit.frame.direction == "none"
    if buys and fit.lexicon.vendors.get(product or "") == entity:
        return "nobody orders what he makes himself"
    if fit.kind == "shipment" and entity == MARKET and not (reading.of("observer") or reading.of("market")):
        return "shipped by somebody who is not on the watchlist"
    return None


def _named_as(fit: Fit, group: str) -> str | None:
    """Whom a part of the pattern names."""
    return fit.abstract.names[fit.match.start(group)].term.value if fit.group(group) else None


def _direction(fit: Fit) -> str:
    if fit.frame.direction != "words":
        return fit.frame.direction
    words, start, end = fit.reading.of("direction"), fit.start, fit.end
    inside = [m for m in words if start <= m.start and m.end <= end]
    near = inside or [m for m in words if start - 30 <= m.start and m.end <= end + 30]
    return near[-1].term.value if near else "none"
