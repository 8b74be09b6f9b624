"""Statements: facts without a figure. A cue calls the frames of its kind; a frame that fits gives kind and roles.

The sentence is read with its names abstracted to their roles (see frames.py), so that one pattern holds for every
company and product of the watchlist and lexicon. Only sentences that hold a cue are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from tracker.extract import frames as signs
from tracker.extract.frames import Frame
from tracker.extract.lexicon import Lexicon
from tracker.extract.reading import Mention, Reading
from tracker.extract.subjects import MARKET_KINDS, VENDOR_KINDS, subject
from tracker.vocabulary import MARKET

_NEAR: Final = 90
_CARRY: Final = 700  # characters a subject is carried over
_PART_OF_WORD: Final = re.compile(r"[A-Za-z\u4e00-\u9fff]公司|[A-Za-z\u4e00-\u9fff] ?公司")
_CUSTOM: Final = re.compile(r"custom|自研|定制|客制", re.IGNORECASE)
_PRONOUN: Final = re.compile(r"\b(?:it|its|they|their)\b|其|该公司")
_OPERATORS: Final = frozenset(
    {"", "market", "cloud", "lab", "neocloud", "datacenter", "sovereign", "government", "application", "china"}
)
_CONTRACTORS: Final = frozenset({"foundry", "equipment", "packaging", "memory", "materials"})
_OF_THE_MARKET: Final = frozenset({"supply_tightness", "price"})
_NAMES: Final = frozenset(chr(ord(sign) + i) for sign in (signs.ENTITY, signs.BOTH) for i in range(256))
_TOLD_BY_FIGURES: Final = frozenset({"capex", "backlog", "price"})
_GENERIC: Final = frozenset({"rack", "gpu", "ai_server", "asic"})
_TRIES: Final = 12  # places of a sentence one pattern is tried at
_CLAUSE_END: Final = re.compile(r"[,;，；。.]\s|[，；。]|\s{2}|$")
# A name behind one of these is not who acts.
_OBJECT: Final = re.compile(
    r"\b(?:with|from|for|by|to|like|than|of|including|at|against|between|via|using|on|versus|such as|according to|per|over|as|in)"
    r" (?:the |its |their )?$|(?:与|和|同|向|从|对|给|由|被|用|按|据|跟|携手|联手|遭|为|攻|吃|抢|打入|获)\s?$"
)
# What a name means or is called in English, in brackets behind it.
_GLOSS: Final = re.compile(r"\s?\((?:[a-z][^()]{1,80}?[:,][^()]{1,160}|[a-z][a-z0-9 .,&/'-]{1,60})\)")
_SUCH_AS: Final = re.compile(r"(?:including|such as|like) $")  # a list behind it acts all the same
_JOINTLY: Final = re.compile(r"携|联手|联合|\+|&")  # those who act together do it once
# What is told of each of a list.
_EACH: Final = frozenset({"design_win", "deployment", "capacity", "supply_tightness", "price", "demand_cut", "order"})
_IF: Final = re.compile(r"即使|即便|假如|一旦|假设|倘若|能否|是否|有能力")
_HARDLY: Final = re.compile(r"很难|难以|无法|未能|不能|不可能")
_MADE_TO_HAPPEN: Final = frozenset({"ramp", "shipment", "capacity", "order", "design_win", "deployment", "acquisition"})
_NEW_CLAUSE: Final = re.compile(
    r"[\w .,']{0,30}?\b(?:(?:as|while|because|where|when|after|since|but) (?:it|they|the|he|its)|why|i|people)\b"
)
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_BOLD: Final = re.compile(r"\s?\*\*\s?")
_TWO_SIDED: Final = frozenset(
    {"order", "design_win", "deployment", "acquisition", "alliance", "custom_silicon", "capacity", "supply_commitment"}
)
_BUYERS: Final = {
    "lab": 4,
    "sovereign": 4,
    "government": 4,
    "cloud": 3,
    "application": 3,
    "neocloud": 2,
    "datacenter": 2,
}


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


@dataclass(frozen=True, slots=True)
class _Abstract:
    """A sentence with names as signs; `at[i]` is where character i stands in the sentence."""

    sentence: str
    text: str
    at: list[int]
    names: dict[int, Mention]  # by place in `text`
    products: list[Mention]  # that statements can be about
    blocks: int  # the roles and scripts in it, as bits

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Place in the sentence of a stretch of the abstract text."""
        last = end - 1
        stop = self.names[last].end if last in self.names else self.at[last] + 1
        while stop < len(self.sentence) and self.sentence[stop].isascii() and self.sentence[stop].isalnum():
            stop += 1  # a quote ends with a word
        return self.at[start], stop


def statements(reading: Reading, told: set[str], lexicon: Lexicon) -> Iterator[Statement | Dropped]:
    """Statements of a sentence, and the ones that were dropped. Kinds in `told` have figures there."""
    cued = dict.fromkeys(m.term.value for m in reading.of("sign"))
    if not cued:
        return
    abstract = _abstract(reading, lexicon)
    said: set[tuple[str, str, str | None]] = set()
    for kind in cued:
        if kind in told:
            continue
        taken: list[tuple[int, int]] = []
        for frame in lexicon.frames.kinds[kind]:
            for found in _fits(reading, abstract, frame, lexicon):
                if isinstance(found, Dropped):
                    yield found
                    continue
                key = (kind, found.entity, found.product)
                if key in said or any(
                    found.start < e and s < found.end and (s, e) != (found.start, found.end) for s, e in taken
                ):
                    continue
                if any(
                    k == kind and e == found.entity and (found.product is None or p == found.product)
                    for k, e, p in said
                ):
                    continue
                said.add(key)
                taken.append((found.start, found.end))
                yield found


def _fits(reading: Reading, abstract: _Abstract, frame: Frame, lexicon: Lexicon) -> Iterator[Statement | Dropped]:
    """Where a frame fits; of the places of one pattern the first that holds."""
    for wording in frame.patterns:
        if not wording.may_fit(abstract.blocks):
            continue
        place = 0
        for _ in range(_TRIES):
            match = wording.pattern.search(abstract.text, place)
            if match is None:
                break
            found = _read(reading, abstract, frame, match, lexicon)
            yield found
            if isinstance(found, Statement) and frame.kind in _EACH:
                yield from _each(found, match, abstract, lexicon)
            place = match.end() if isinstance(found, Statement) else match.start() + 1


def _each(found: Statement, match: re.Match[str], abstract: _Abstract, lexicon: Lexicon) -> Iterator[Statement]:
    """The same statement of the others of a list: "Google, Microsoft and Meta will deploy ..." is told of three."""
    listed = match.groupdict().get("with") or ""
    if not listed or _JOINTLY.search(listed):
        return
    for at in range(match.start("with"), match.end("with")):
        mention = abstract.names.get(at)
        if mention is not None and mention.term.value not in (found.entity, found.counterparty):
            yield replace(found, entity=mention.term.value)


def _read(
    reading: Reading, abstract: _Abstract, frame: Frame, match: re.Match[str], lexicon: Lexicon
) -> Statement | Dropped:
    start, end = abstract.span(*match.span())
    product = _product(reading, abstract, frame, match, start, end, lexicon)
    reason = _against(reading, abstract, frame, match, product, lexicon)
    if reason is not None:
        return Dropped(frame.kind, start, end, reason)
    entity = _entity(reading, abstract, frame, match, start, product, lexicon)
    if entity is None:
        return Dropped(frame.kind, start, end, "no entity of the watchlist is its subject")
    layer = lexicon.layers.get(entity, "")
    if (frame.layers and layer not in frame.layers) or layer in frame.not_layers:
        return Dropped(frame.kind, start, end, f"not said of a company of the layer '{layer}'")
    if product is None and frame.product != "none":
        product = lexicon.frames.default_products.get(f"{frame.kind}.{layer}") or _carried(reading, frame)
    setting = product is not None and lexicon.families[product] == "facility" and frame.kind != "deployment"
    if setting and layer not in _OPERATORS:
        product = None  # where the goods go, not what they are
    made = lexicon.frames.makes.get(layer)
    if (
        made is not None
        and product is not None
        and frame.kind in _OF_THE_MARKET
        and lexicon.families[product] not in made
    ):
        if match.groupdict().get("who") is not None:
            return Dropped(frame.kind, start, end, "what its subject does not make")
        entity = MARKET  # what a company buys is short, or dear, for everybody
    if frame.kind == "custom_silicon":
        product = _own_chip(reading, product, entity, start, end, lexicon)
    spoken_of = entity == reading.document.issuer or any(m.term.value == entity for m in reading.of("entity"))
    if product is None and frame.product == "market" and not spoken_of:
        return Dropped(frame.kind, start, end, "neither a product nor its subject in the sentence")
    if product is None and (frame.product == "needed" or (frame.product == "market" and entity == MARKET)):
        return Dropped(frame.kind, start, end, "no product beside the statement")
    named = match.groupdict().get("who") is not None
    if frame.kind == "order" and named and frame.direction == "none" and lexicon.vendors.get(product or "") == entity:
        return Dropped(frame.kind, start, end, "nobody orders what he makes himself")
    if frame.kind == "shipment" and entity == MARKET and not (reading.of("observer") or reading.of("market")):
        return Dropped(frame.kind, start, end, "shipped by somebody who is not on the watchlist")
    entity, counterparty = _sides(abstract, frame, match, entity, product, lexicon)
    return Statement(
        frame.kind, entity, counterparty, product, _direction(reading, frame, start, end), start, end, frame.basis
    )


def _own_chip(reading: Reading, product: str | None, entity: str, start: int, end: int, lexicon: Lexicon) -> str | None:
    """The chip a company makes for itself: by its name where one stands, else an ASIC, whatever it is called."""
    own = [
        m.term.value
        for m in reading.of("product")
        if lexicon.vendors.get(m.term.value) == entity and start - 40 <= m.start <= end + 40
    ]
    return own[0] if own else "asic" if product in (None, "gpu") else product


def _carried(reading: Reading, frame: Frame) -> str | None:
    spoken_of = reading.document.product
    near = spoken_of is not None and reading.offset - spoken_of[1] <= _CARRY
    return spoken_of[0] if frame.carried and spoken_of is not None and near else None


def _against(
    reading: Reading, abstract: _Abstract, frame: Frame, match: re.Match[str], product: str | None, lexicon: Lexicon
) -> str | None:
    """Why a match is no statement; None when nothing is against it."""
    start, end = abstract.span(*match.span())
    groups = match.groupdict()
    who = groups.get("who")
    if (
        who is not None
        and who[0] < signs.ISSUER
        and _OBJECT.search(abstract.text, max(0, match.start("who") - 16), match.start("who"))
        and not (
            groups.get("with") and _SUCH_AS.search(abstract.text, max(0, match.start("who") - 16), match.start("who"))
        )
    ):
        return "its subject is the object of something else"
    if who is not None and _is_somebody_else(abstract, match, lexicon):
        return "told of somebody else beside its subject"
    if groups.get("name") is not None and not _is_name(reading, abstract, match.start("name")):
        return "no proper name where one belongs"
    window = abstract.text[max(0, match.start() - 40) : match.end() + 30]
    if lexicon.frames.unless.search(window) or (frame.unless is not None and frame.unless.search(window)):
        return "told otherwise beside it"
    if frame.topic and product is None and not _on_topic(reading, abstract, match, lexicon):
        return "not about what the thesis is about"
    if frame.own:
        return None
    if _IF.search(abstract.text, max(0, match.start() - 16), match.end()):
        return "hypothetical"
    if frame.kind in _MADE_TO_HAPPEN and _HARDLY.search(abstract.text, max(0, match.start() - 6), match.end()):
        return "negated"
    if any(start - 25 <= m.end and m.end <= end for m in reading.of("negation")):
        return "negated"
    if any(start - 30 <= m.end and m.end <= end for m in reading.of("hypothetical")):
        return "hypothetical"
    rest = abstract.text[match.end() : match.end() + 200]
    if re.match(r"[^\n;。!,，\s]{0,12}[?？]" if reading.document.lang == "zh" else r"[^.;!]*\?", rest):
        return "a question"
    return None


def _is_somebody_else(abstract: _Abstract, match: re.Match[str], lexicon: Lexicon) -> bool:
    """Whether what is told is of others than the name before it: "Nvidia's customers ...", "... AMD as it builds"."""
    behind = match.start("who") + 1
    return (
        lexicon.frames.others.match(abstract.text, behind) is not None
        or _NEW_CLAUSE.match(abstract.text, behind, match.end()) is not None
    )


def _is_name(reading: Reading, abstract: _Abstract, at: int) -> bool:
    if at in abstract.names:
        return abstract.names[at].term.role == "entity"
    here = reading.text[abstract.at[at]]
    return here.isupper() or (not here.isascii() and here.isalpha())


def _on_topic(reading: Reading, abstract: _Abstract, match: re.Match[str], lexicon: Lexicon) -> bool:
    topic = lexicon.frames.topic
    return topic.search(abstract.text, max(0, match.start() - 80), match.end() + 120) is not None


def _entity(
    reading: Reading,
    abstract: _Abstract,
    frame: Frame,
    match: re.Match[str],
    start: int,
    product: str | None,
    lexicon: Lexicon,
) -> str | None:
    """Who a statement is about: whom the pattern names, else the subject of the sentence."""
    if frame.subject == "market":
        return MARKET
    if "who" in match.groupdict() and match["who"] is not None:
        named = abstract.names[match.start("who")]
        if named.term.role == "entity":
            return named.term.value
        return _issuer(reading)
    if frame.subject == "named":
        return None
    return _subject(reading, abstract, match, frame.kind, start, product, lexicon)


def _subject(
    reading: Reading,
    abstract: _Abstract,
    match: re.Match[str],
    kind: str,
    start: int,
    product: str | None,
    lexicon: Lexicon,
) -> str | None:
    """Who an event is told of that the pattern names nobody for: a name of the clause, the issuer, the maker, all."""
    document = reading.document
    vendor = lexicon.vendors.get(product or "")
    named = [m for m in reading.of("entity") if m.term.value not in lexicon.observers]
    inside = [m for i, m in abstract.names.items() if match.start() <= i < match.end() and m in named]
    if named or document.issuer is not None:
        found = subject(reading, start, start, kind, product, lexicon)
        if vendor is not None and kind in VENDOR_KINDS and lexicon.layers.get(found or "") in _CONTRACTORS:
            return vendor  # made for somebody
        if found is not None and found != MARKET:
            return found
    if inside:
        return inside[0].term.value
    if (
        vendor is not None
        and kind in VENDOR_KINDS
        and not (kind == "shipment" and lexicon.families[product or ""] == "rack_system")
    ):  # racks are shipped by the many who build them
        return vendor
    words = reading.of("issuer")
    if words or _PRONOUN.search(reading.text[:start]):
        return _issuer(reading)
    return MARKET if kind in MARKET_KINDS and product is not None else None


def _issuer(reading: Reading) -> str | None:
    """Whom "we" or "the company" means: the issuer; in a report on others who was spoken of last, else its title's name."""
    document = reading.document
    if document.issuer is not None:
        return document.issuer
    carried = document.subject
    if carried is not None and reading.offset - carried[1] <= _CARRY:
        return carried[0]
    return document.named[0] if document.named else None


def _sides(
    abstract: _Abstract, frame: Frame, match: re.Match[str], entity: str, product: str | None, lexicon: Lexicon
) -> tuple[str, str | None]:
    """(entity, counterparty): the other side is named once; who buys is the entity of an order."""
    if frame.kind not in _TWO_SIDED or entity == MARKET:
        return entity, None
    groups = match.groupdict()
    other: str | None = None
    if groups.get("other") is not None:
        other = abstract.names[match.start("other")].term.value
    if other is None or other == entity:
        low, high = max(0, match.start() - 30), match.end() + 40
        stop = re.search(r"[\n;。]|\. |  ", abstract.text[match.end() : high])
        high = match.end() + stop.start() if stop else high
        names = {
            m.term.value
            for i, m in abstract.names.items()
            if low <= i < high
            and m.term.role == "entity"
            and m.term.value not in lexicon.observers
            and m.term.value != entity
            and lexicon.layers.get(m.term.value) not in ("consortium", "government")
        }
        maker = lexicon.vendors.get(product or "")
        other = next(iter(names)) if len(names) == 1 else maker if maker in names else None
    if other is None or other == entity:
        return entity, None
    if frame.kind == "order" and _rank(other, lexicon) > _rank(entity, lexicon):
        return other, entity
    return entity, other


def _rank(entity: str, lexicon: Lexicon) -> int:
    return _BUYERS.get(lexicon.layers.get(entity) or "", 1)


def _product(
    reading: Reading,
    abstract: _Abstract,
    frame: Frame,
    match: re.Match[str],
    start: int,
    end: int,
    lexicon: Lexicon,
) -> str | None:
    """The product of a statement: the one the pattern names, else one inside the match, else the nearest beside it."""
    if frame.product == "none":
        return None
    products = whole(reading.of("product")) if frame.software else abstract.products
    if match.groupdict().get("what") is not None:
        at = abstract.at[match.start("what")]
        here = [m for m in products if m.start <= at < m.end]
        return specific(max(here, key=lambda m: m.end - m.start), products) if here else None
    inside = [m for m in products if start <= m.start and m.end <= end]
    if inside:
        return specific(inside[0 if frame.kind == "product_launch" else -1], inside)
    beside = abstract.text[max(0, match.start() - 10) : match.end() + 10]
    meant = next(
        (
            product
            for product, words in lexicon.frames.nicknames.items()
            if words.search(beside) and (frame.software or lexicon.families[product] not in lexicon.frames.not_products)
        ),
        None,
    )
    near = [m for m in products if _is_beside(m, start, end, 8 if meant else frame.reach, lexicon)]
    if not near:
        return meant
    return specific(min(near, key=lambda m: (max(m.start - end, start - m.end, 0), m.start - m.end)), near)


def _is_beside(mention: Mention, start: int, end: int, reach: int, lexicon: Lexicon) -> bool:
    """Whether a product outside a match belongs to it; a data centre is often only the setting, so it has to be close."""
    if lexicon.families[mention.term.value] == "facility" and reach == _NEAR:
        reach = 14
    return start - reach <= mention.end and mention.start <= end + reach


def _direction(reading: Reading, frame: Frame, start: int, end: int) -> str:
    if frame.direction != "words":
        return frame.direction
    inside = [m for m in reading.of("direction") if start <= m.start and m.end <= end]
    near = inside or [m for m in reading.of("direction") if start - 30 <= m.start and m.end <= end + 30]
    return near[-1].term.value if near else "none"


def _abstract(reading: Reading, lexicon: Lexicon) -> _Abstract:
    """The folded sentence with one sign for each name and without the marks of bold type."""
    text = reading.folded
    glosses = [(m.start(), m.end()) for m in _GLOSS.finditer(text)] if "(" in text else []
    marks = [
        (start, end, None)
        for start, end in (*glosses, *((m.start(), m.end()) for m in (_BOLD.finditer(text) if "**" in text else ())))
    ]
    products = [
        m
        for m in whole(reading.of("product"))
        if lexicon.families[m.term.value] not in lexicon.frames.not_products
        and not any(start <= m.start < end for start, end in glosses)
    ]
    spans = sorted([*_named(reading, lexicon), *marks], key=lambda s: (s[0], -s[1]))
    pieces: list[str] = []
    at: list[int] = []
    names: dict[int, Mention] = {}
    done = count = 0
    blocks = signs.CHINESE if not text.isascii() and _CHINESE.search(text) else 0
    for start, end, mention in spans:
        if start < done:
            continue
        pieces.append(text[done:start])
        at.extend(range(done, start))
        if mention is not None and count < 255:
            names[len(at)] = mention
            sign = _sign(reading, mention, lexicon)
            blocks |= signs.block(sign)
            pieces.append(chr(ord(sign) + count))
            at.append(start)
            count += 1
        done = end
    pieces.append(text[done:])
    at.extend(range(done, len(text)))
    return _Abstract(reading.text, "".join(pieces).replace("  ", "\n "), at, names, products, blocks)


def _is_makers_name(reading: Reading, mention: Mention, lexicon: Lexicon) -> bool:
    """Whether a name inside a sentence belongs to the product behind it: "... Supermicro's NVIDIA Blackwell line"."""
    if mention.start == 0 or reading.text[mention.start - 1] in ".。:：;；!！\n":
        return False
    behind = [m for m in reading.of("product") if 0 <= m.start - mention.end <= 1]
    if not any(lexicon.vendors.get(m.term.value) == mention.term.value for m in behind):
        return False
    before = [m for m in reading.of("entity") if m.end <= mention.start and mention.start - m.end <= 40]
    return bool(before) and before[-1].term.value != mention.term.value


def whole(mentions: list[Mention]) -> list[Mention]:
    """Mentions in order without those that begin inside another one: "high-bandwidth memory chips" is HBM."""
    kept: list[Mention] = []
    for mention in mentions:
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return kept


def _named(reading: Reading, lexicon: Lexicon) -> list[tuple[int, int, Mention | None]]:
    """Names and words for the issuer; software is no product here, and a name that is also a product stands once."""
    return [
        (m.start, m.end, m)
        for role in ("entity", "product", "issuer")
        for m in reading.of(role)
        if role != "product" or lexicon.families[m.term.value] not in lexicon.frames.not_products
        if role != "issuer" or m.start == 0 or not _PART_OF_WORD.match(reading.text, m.start - 1)
    ]


def _sign(reading: Reading, mention: Mention, lexicon: Lexicon) -> str:
    role, value = mention.term.role, mention.term.value
    if role == "product":
        if value == "asic" and _CUSTOM.match(reading.text, mention.start):
            return signs.CUSTOM
        return signs.FACILITY if lexicon.families[value] == "facility" else signs.PRODUCT
    if role == "issuer":
        return signs.OWN if reading.text[mention.start : mention.end].lower() in ("our", "us") else signs.ISSUER
    also = any(m.start == mention.start and m.end == mention.end for m in reading.of("product"))
    if lexicon.layers.get(value) == "consortium":
        return signs.STANDARD if also else signs.CONSORTIUM
    if _is_makers_name(reading, mention, lexicon):
        return signs.OBSERVER
    if value in lexicon.observers or lexicon.layers.get(value) == "government":
        return signs.OBSERVER
    return signs.BOTH if also else signs.ENTITY


def distinct(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Facts of a batch without statements that add nothing: a figure of the same, or a statement that says of what."""
    valued, named = set(), set()
    for row in rows:
        key = (row["doc_id"], row["kind"], row["entity"])
        if row["value_low"] is not None or row["value_high"] is not None:
            valued |= {(*key, row["product"]), (*key, None)}
        elif not _is_generic(row):
            named.add(key)

    def adds(row: dict[str, Any]) -> bool:
        key = (row["doc_id"], row["kind"], row["entity"])
        if row["kind"] in _TOLD_BY_FIGURES and (*key, row["product"]) in valued:
            return False
        return not (_is_generic(row) and key in named)

    return [r for r in rows if r["value_low"] is not None or r["value_high"] is not None or adds(r)]


def _is_generic(row: dict[str, Any]) -> bool:
    return row["product"] is None or (row["kind"] == "custom_silicon" and row["product"] in _GENERIC)


def negated(reading: Reading, cue: Mention) -> bool:
    """Whether a word of negation stands close before a cue."""
    return any(0 <= cue.start - m.end <= 25 for m in reading.of("negation"))


def nearest_product(reading: Reading, cue: Mention) -> str | None:
    """The product beside a cue: the nearest, of equally near ones the more specific."""
    near = [m for m in reading.of("product") if -_NEAR <= m.start - cue.start <= _NEAR]
    if not near:
        return None
    return specific(min(near, key=lambda m: (max(m.start - cue.end, cue.start - m.end, 0), m.start - m.end)), near)


def specific(nearest: Mention, near: list[Mention]) -> str:
    """The product a mention means: a generic word ("rack") right beside a name ("NVL72 racks") means the name."""
    if nearest.term.value in _GENERIC:
        beside = [m for m in near if 0 <= nearest.start - m.end <= 12 and m.term.value not in _GENERIC]
        if beside:
            return beside[-1].term.value
    return nearest.term.value
