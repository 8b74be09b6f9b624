"""The roles of a statement: who it is told of, who stands on the other side, and of which product."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.fit import Fit
from tracker.extract.lexicon import Lexicon
from tracker.extract.mentions import whole
from tracker.extract.reading import Mention, Reading
from tracker.extract.subjects import MARKET_KINDS, VENDOR_KINDS, subject
from tracker.vocabulary import MARKET

_NEAR: Final = 90
_CARRY: Final = 700  # characters a subject is carried over
_PRONOUN: Final = re.compile(r"\b(?:it|its|they|their)\b|其|该公司")
_CONTRACTORS: Final = frozenset({"foundry", "equipment", "packaging", "memory", "materials"})
_GENERIC: Final = frozenset({"rack", "gpu", "ai_server", "asic"})
_TWO_SIDED: Final = frozenset(
    {"order", "design_win", "deployment", "acquisition", "alliance", "custom_silicon", "capacity", "supply_commitment"}
)
_BOUGHT: Final = frozenset({"order", "design_win"})  # whoever buys or adopts is the one it is told of
_BUYERS: Final = {
    "lab": 4,
    "sovereign": 4,
    "government": 4,
    "cloud": 3,
    "application": 5,
    "neocloud": 2,
    "datacenter": 2,
}
_MAKERS: Final = re.compile(
    r"\s(?:providers?|makers?|suppliers?|vendors?|manufacturers?|companies|designers?)\b", re.IGNORECASE
)
_COMMA: Final = re.compile(r"[,，；。！!？?]")
_OF_GOODS: Final = frozenset({"ramp", "shipment", "product_launch", "custom_silicon"})  # a site is where they go
_STOP: Final = re.compile(r"[\n;。]|\. ")


def entity_of(fit: Fit, product: str | None) -> str | None:
    """Who a statement is about: whom the pattern names, else the subject of the sentence."""
    if fit.frame.subject == "market":
        return MARKET
    if fit.frame.subject in fit.lexicon.layers and fit.frame.subject != "market":
        return fit.frame.subject
    if fit.frame.subject == "maker":
        return fit.lexicon.vendors.get(product or carried(fit) or "")
    if fit.group("who") is not None:
        named = fit.abstract.names[fit.match.start("who")]
        if named.term.role == "crowd":
            return next(iter(crowd(fit.reading, named, fit.lexicon)), None)
        return named.term.value if named.term.role == "entity" else _issuer(fit.reading)
    return None if fit.frame.subject == "named" else _subject(fit, product)


def crowd(reading: Reading, word: Mention, lexicon: Lexicon) -> tuple[str, ...]:
    """Whom "all three companies" means: those named before it in the sentence, else those named together last."""
    named = (m.term.value for m in reading.of("entity") if m.end <= word.start)
    here = tuple(dict.fromkeys(v for v in named if v not in lexicon.observers))
    if len(here) > 1:
        return here
    before = reading.document.crowd
    return before[0] if before is not None and reading.offset - before[1] <= _CARRY else ()


def _subject(fit: Fit, product: str | None) -> str | None:
    """Who an event is told of that the pattern names nobody for: a name of the clause, the issuer, the maker, all."""
    reading, lexicon, kind = fit.reading, fit.lexicon, fit.kind
    vendor = lexicon.vendors.get(product or "") if kind in VENDOR_KINDS else None
    named = [m for m in reading.of("entity") if m.term.value not in lexicon.observers]
    if named or reading.document.issuer is not None:
        found = subject(reading, fit.start, fit.start, kind, product, lexicon)
        if vendor is not None and found != vendor and _is_behind(fit, found):
            return vendor
        if vendor is not None and lexicon.layers.get(found or "") in _CONTRACTORS:
            return vendor  # made for somebody
        if found is not None and found != MARKET:
            return found
    inside = [m for i, m in fit.abstract.names.items() if fit.match.start() <= i < fit.match.end() and m in named]
    if inside:
        return inside[0].term.value
    racks = kind == "shipment" and lexicon.families.get(product or "") == "rack_system"
    if vendor is not None and not racks:  # racks are shipped by the many who build them
        return vendor
    if reading.of("issuer") or _PRONOUN.search(reading.text[: fit.start]):
        return _issuer(reading)
    return MARKET if kind in MARKET_KINDS and product is not None else None


def _is_behind(fit: Fit, entity: str | None) -> bool:
    """Whether a company is named in a Chinese sentence only behind the statement: what stands before it is the maker's."""
    places = [m.start for m in fit.reading.of("entity") if m.term.value == entity]
    return fit.reading.document.lang == "zh" and bool(places) and min(places) >= fit.end


def _issuer(reading: Reading) -> str | None:
    """Whom "we" or "the company" means: the issuer; in a report on others who was spoken of last, else its title's name."""
    document = reading.document
    if document.issuer is not None:
        return document.issuer
    carried = document.subject
    if carried is not None and reading.offset - carried[1] <= _CARRY:
        return carried[0]
    return document.named[0] if document.named else None


def sides(fit: Fit, entity: str, product: str | None) -> tuple[str, str | None]:
    """(entity, counterparty): the other side is named once; who buys is the entity of an order."""
    if fit.kind not in _TWO_SIDED or entity == MARKET:
        return entity, None
    side = next((name for name in ("other", "name") if fit.group(name) is not None), None)
    mention = fit.abstract.names.get(fit.match.start(side)) if side is not None else None
    other = mention.term.value if mention is not None and mention.term.role == "entity" else None
    if other is None or other == entity:
        names = _beside(fit) - {entity} - _listed(fit)
        maker = fit.lexicon.vendors.get(product or "")
        other = next(iter(names)) if len(names) == 1 else maker if maker in names else None
    if other is None:
        return entity, None
    if fit.kind in _BOUGHT and _rank(other, fit.lexicon) > _rank(entity, fit.lexicon):
        return other, entity
    return entity, other


def _listed(fit: Fit) -> set[str]:
    """Those who act together with the subject, or of whom the same is told."""
    if not fit.group("with"):
        return set()
    start, end = fit.match.span("with")
    return {m.term.value for i, m in fit.abstract.names.items() if start <= i < end}


def _beside(fit: Fit) -> set[str]:
    """Companies named in a match and close around it."""
    text, low, high = fit.abstract.text, max(0, fit.match.start() - 30), fit.match.end() + 40
    stop = _STOP.search(text, fit.match.end(), high)
    lexicon = fit.lexicon
    return {
        m.term.value
        for i, m in fit.abstract.names.items()
        if low <= i < (stop.start() if stop else high)
        and m.term.role == "entity"
        and m.term.value not in lexicon.observers
        and lexicon.layers.get(m.term.value) not in ("consortium", "government")
    }


def _rank(entity: str, lexicon: Lexicon) -> int:
    return _BUYERS.get(lexicon.layers.get(entity) or "", 1)


def product_of(fit: Fit) -> str | None:
    """The product of a statement: the one the pattern names, else one inside the match, else the nearest beside it."""
    if fit.frame.product == "none":
        return None
    start, end = fit.start, fit.end
    products = whole(fit.reading.of("product")) if fit.frame.software else fit.abstract.products
    if fit.group("what") is not None:
        at = fit.abstract.at[fit.match.start("what")]
        here = [m for m in products if m.start <= at < m.end]
        return specific(max(here, key=lambda m: m.end - m.start), products, fit.reading.text) if here else None
    if fit.kind in _OF_GOODS:
        goods = [m for m in products if fit.lexicon.families[m.term.value] != "facility"]
        products = goods if any(_is_beside(m, fit, 20) for m in goods) else products
    if fit.kind == "design_win":
        products = [m for m in products if not _is_no_design(m, fit)]
    inside = [m for m in products if start <= m.start and m.end <= end]
    if inside:
        return specific(inside[0 if fit.kind == "product_launch" else -1], inside, fit.reading.text)
    meant = _nickname(fit)
    near = [
        m for m in products if _is_beside(m, fit, 8 if meant else fit.frame.reach) and not _is_in_next_clause(m, fit)
    ]
    if not near:
        return meant
    return specific(
        min(near, key=lambda m: (max(m.start - end, start - m.end, 0), m.start - m.end)), near, fit.reading.text
    )


def _is_no_design(mention: Mention, fit: Fit) -> bool:
    """Whether a product is not what is adopted: a site, or what a company is known for ("ASIC providers")."""
    if fit.lexicon.families[mention.term.value] == "facility":
        return True
    return _MAKERS.match(fit.reading.text, mention.end) is not None


def _nickname(fit: Fit) -> str | None:
    """The product a common word means right beside a match: "the memory shortage"."""
    frames, families = fit.lexicon.frames, fit.lexicon.families
    beside = fit.abstract.text[max(0, fit.match.start() - 10) : fit.match.end() + 10]
    for product, words in frames.nicknames.items():
        if words.search(beside) and (fit.frame.software or families[product] not in frames.not_products):
            return product
    return None


def _is_in_next_clause(mention: Mention, fit: Fit) -> bool:
    """Whether a product stands behind a comma behind a shortage told in Chinese: another clause, another thing."""
    reading = fit.reading
    return (
        fit.kind == "supply_tightness"
        and reading.document.lang == "zh"
        and mention.start >= fit.end
        and _COMMA.search(reading.text, fit.end, mention.start) is not None
    )


def _is_beside(mention: Mention, fit: Fit, reach: int) -> bool:
    """Whether a product outside a match belongs to it; a data centre is often only the setting, so it has to be close."""
    if fit.lexicon.families[mention.term.value] == "facility" and reach == _NEAR:
        reach = 14
    return fit.start - reach <= mention.end and mention.start <= fit.end + reach


def carried(fit: Fit) -> str | None:
    """The product the sentences before spoke of, for frames that take it."""
    spoken_of = fit.reading.document.product
    if not fit.frame.carried or spoken_of is None or fit.reading.offset - spoken_of[1] > _CARRY:
        return None
    return spoken_of[0]


def own_chip(fit: Fit, product: str | None, entity: str) -> str | None:
    """The chip a company makes for itself: by its name where one stands, else an ASIC, whatever it is called."""
    own = [
        m.term.value
        for m in fit.reading.of("product")
        if fit.lexicon.vendors.get(m.term.value) == entity and fit.start - 40 <= m.start <= fit.end + 40
    ]
    return own[0] if own else "asic" if product in (None, "gpu") else product


def negated(reading: Reading, cue: Mention) -> bool:
    """Whether a word of negation stands close before a cue."""
    return any(0 <= cue.start - m.end <= 25 for m in reading.of("negation"))


def nearest_product(reading: Reading, cue: Mention) -> str | None:
    """The product beside a cue: the nearest, of equally near ones the more specific."""
    near = [m for m in reading.of("product") if -_NEAR <= m.start - cue.start <= _NEAR]
    if not near:
        return None
    return specific(
        min(near, key=lambda m: (max(m.start - cue.end, cue.start - m.end, 0), m.start - m.end)), near, reading.text
    )


def specific(nearest: Mention, near: list[Mention], text: str) -> str:
    """The product a mention means: a generic word ("rack") right beside a name ("NVL72 racks") means the name."""
    if nearest.term.value in _GENERIC:
        beside = [
            m
            for m in near
            if 0 <= nearest.start - m.end <= 20
            and m.term.value not in _GENERIC
            and not _COMMA.search(text, m.end, nearest.start)
        ]
        if beside:
            return beside[-1].term.value
    return nearest.term.value
