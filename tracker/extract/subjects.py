"""Who a figure or statement is about, and who stands on the other side."""

from __future__ import annotations

import itertools
import re
from typing import Final

from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon
from tracker.extract.reading import Mention, Reading
from tracker.extract.spoken import OUTSIDER, spoken_of
from tracker.vocabulary import MARKET

# A name after one of these is not the subject of its clause.
_OBJECT: Final = re.compile(
    r"\b(?:with|from|for|by|to|like|than|of|including|at|against|between|via|using|on|versus|such as|according to|per|over|via|as|in)\s+(?:the |its |their )?$"
    r"|(?:与|和|同|向|从|對|对|给|給|由|被|用|按|据|據|跟|携手|攜手|联手|聯手|受惠|受惠于|受惠於|受益于|受益於|得益于|打入|切入|收购|收購|并购|併購|入股|增持|认购|認購|购买|購買)\s?\**$",
    re.IGNORECASE,
)
_AND: Final = re.compile(r"\b(?:and|or)\s+$|[和与、]\s?$", re.IGNORECASE)
_SAYS: Final = re.compile(r"\s(?:said|says|stated|announced)\b")
_PRONOUN: Final = re.compile(
    r"\b(?:it|its|it's|the company|the firm|they|their)\b|其|该公司|該公司|公司", re.IGNORECASE
)
# A firm by its form, or a bold name in Chinese notes beside a word of reporting.
_SOMEBODY: Final = re.compile(
    r"\b((?:[A-Z][\w&.-]*\s){1,3})(?:Inc|Corp|Ltd|PLC|LLC|Holdings|GmbH|AG|SA)\b|\*\*([^*\n]{2,14})\*\*(?:的|\d{4}年的?)?(?:財報|财报|公司|營收|营收|業績|业绩)"
)
_OWNS: Final = re.compile(r"^['’]s?(?: (?:proposed|planned|pending|recent|new|record|first|latest))*\s?$")
_BOUGHT_BY: Final = re.compile(r"\b(?:acquired|bought|purchased|taken over) by (?:the )?$", re.IGNORECASE)
_BY: Final = re.compile(r"[被由]\s?\**$")
_BUYS: Final = re.compile(r"^\**\s?(?:所)?(?:收购|收購|并购|併購)")
_SETS: Final = re.compile(
    r"\b(?:rais\w+|hik\w+|cut\w*|lower\w*|reduc\w+|charg\w+|set\w*|quot\w+|ask\w*|offer\w*|increas\w+|our|we|its|his|sells?|pric\w+ (?:its|the|at))\b|上调|上調|下调|下調|涨价|漲價|降价|降價|调涨|調漲|提价|提價|收费|收費|定在|定为|报价|報價|定价|定價|售价|售價",
    re.IGNORECASE,
)
_NEAR_TITLE: Final = 200  # characters from the beginning in which the title says who is spoken of
_NAMED_WITHIN: Final = 1500
_TAKES: Final = re.compile(r"\**(?:抢走|抢下|夺走|拿走|拿下|夺得|截走)")
_BRACKETS: Final = re.compile(r"[（(][^（）()]{0,80}[)）]")
_REST_OF_BRACKETS: Final = re.compile(r"^[^（()）、]*[)）]")
_LIST_CJK: Final = re.compile(r"\s?(?:[、,，和与及]|以及)?\s?")
_THAT_DEAL: Final = re.compile(r"其|公司|双方|这[项笔桩起次]|该[项笔桩]|此[次项笔]|本次")
_LATIN_OWNER: Final = re.compile(
    r"(?P<name>[A-Z][A-Za-z0-9&.-]{2,}(?: [A-Z][\w&.-]+){0,2})\s?\**(?:[（(][^（）()]{1,40}[）)])?\**\s?的\s?\**(?:总|年度?|季度?|全年)?$"
)
_LEADS_UP: Final = re.compile(r"^[\s*#>-]{0,4}(?:为了|由于|随着|凭借|尽管|虽然|除了|相较于|不同于)")
_SPENDING: Final = frozenset({"capex", "deployment"})
_ROW: Final = re.compile(r"^(?:\s?[,、和与及]\s?|,? and |,? or |\s?\([^)]*\)\s?,? ?)(?:and |the )?$")
_MAKERS_OF: Final = {"gpu": "NVDA"}
_COMMA: Final = re.compile(r"[，；。]|[,;.]\s")
# What all chip makers spend on equipment, told as their spending or as their suppliers' sales.
_WFE: Final = re.compile(
    r"WFE|wafer|fab equipment|(?!purchases|property|plant)(?:[\w&-]+ ){0,6}?equipment\b(?<!property and equipment)|(?:半导体|半導體|晶圆|晶圓|芯片|晶片)\w{0,6}(?:设备|設備)",
    re.IGNORECASE,
)
_OWN_RESULTS: Final = frozenset({"revenue", "operating_income", "gross_margin", "order", "backlog"})
_PLACES: Final = re.compile(r"global|worldwide|in the U\.S\.|全球|the market", re.IGNORECASE)
_CARRY: Final = 700  # characters a subject is carried over
MARKET_KINDS: Final = frozenset({"price", "supply_tightness", "shipment", "capex", "deployment", "segment_revenue"})
# Without a named subject these are told of the product's maker.
VENDOR_KINDS: Final = frozenset({"shipment", "ramp", "schedule_slip", "product_launch", "supply_tightness", "price"})
_DEALS: Final = frozenset({"order", "deployment", "supply_commitment"})
_TWO_SIDED: Final = frozenset(
    {"order", "design_win", "deployment", "acquisition", "supply_commitment", "alliance", "custom_silicon", "ramp"}
)
# Who buys from whom, when two of the watchlist close a deal: the higher rank buys.
_RANK: Final = {"lab": 4, "sovereign": 4, "government": 4, "cloud": 3, "application": 5, "neocloud": 2, "datacenter": 2}


def _market_words(reading: Reading, kind: str) -> list[Mention]:
    """Words for the whole market; whoever reports its own results means by "global" a part of itself."""
    words = reading.of("market")
    own = reading.document.issuer is not None and (reading.document.reports or reading.document.period is not None)
    if own and kind in _OWN_RESULTS:
        return [m for m in words if not _PLACES.match(reading.text[m.start : m.end])]
    return words


def subject(reading: Reading, anchor: int, figure: int, kind: str, product: str | None, lexicon: Lexicon) -> str | None:
    """Entity id of the subject; None where the watchlist knows none.

    anchor: where the cue or the figure begins, whichever is first; figure: where the figure begins.
    """
    document = reading.document
    if kind in ("scaling_doubt", "segment_revenue"):  # a doubt and the size of a market are about everybody
        return MARKET
    if kind == "custom_silicon" and product is not None and product in lexicon.vendors:
        return lexicon.vendors[product]
    floor = reading.clause_start(anchor)
    words = _market_words(reading, kind)
    if kind == "acquisition" and (buyer := _buyer(reading, lexicon)) is not None:
        return buyer
    if kind in _SPENDING and _is_crowd(reading, anchor, lexicon):
        return MARKET
    if document.lang == "zh" and kind in _OWN_RESULTS and _owned_by_another(reading, anchor):
        return None
    if kind == "order" and (taker := _taker(reading, figure, lexicon)) is not None:
        return taker
    found = _nearest(reading, floor, anchor, words, lexicon) or _nearest(reading, 0, floor, words, lexicon)
    if kind == "capex" and _WFE.match(reading.text, anchor):
        return MARKET
    if kind == "price" and not _sets_prices(reading, anchor, figure):
        return MARKET
    if found is not None:
        return None if found == OUTSIDER else found
    between = [m for m in _actors(reading, lexicon) if anchor <= m.start < figure and not is_object(reading, m)]
    if between:
        return between[0].term.value
    market = any(m.start <= figure for m in words)
    if market and (kind in MARKET_KINDS or (kind == "capacity" and product is not None)):
        return MARKET
    vendor = lexicon.vendors.get(product or "")
    if document.stranger is not None:
        return None  # "we" and "the company" are not on the watchlist
    if _names_somebody_else(reading, figure, lexicon):
        return None
    carried = document.subject
    if document.lang == "zh":
        if (ahead := _named_ahead(reading, figure, lexicon)) is not None:
            return ahead
        if kind == "acquisition" and not _THAT_DEAL.search(reading.folded[: figure + 1]):
            return None
        who, since = spoken_of(reading, lexicon)
        if who == OUTSIDER:
            return None
        if carried is not None and carried[1] < since:
            carried = None  # a heading stands between
        if who is not None and (carried is None or carried[0] != who):
            return who
    if (
        carried is not None
        and reading.offset - carried[1] <= _CARRY
        and (document.issuer is None or _PRONOUN.search(reading.text[: figure + 1]))
    ) and (vendor is None or kind not in VENDOR_KINDS):
        return carried[0]
    if document.issuer is not None and document.issuer not in lexicon.observers and _still_spoken_of(reading, lexicon):
        return document.issuer
    actors = _actors(reading, lexicon)
    if document.lang == "zh":
        acting = [m for m in actors if not is_object(reading, m)]
        actors = acting or (actors if kind in _DEALS else [])  # "……与字节跳动签署": the one known side of a deal
    if actors and (document.lang == "zh" or len({m.term.value for m in actors}) == 1):
        return actors[0].term.value
    if vendor is not None and kind in VENDOR_KINDS:
        return vendor
    if document.lang == "zh" and kind in _SPENDING and not (product is not None and _is_reckoned(reading)):
        return None  # somebody builds, and nobody says who: not the market
    return MARKET if kind in MARKET_KINDS and (product is not None or market) else None


def _still_spoken_of(reading: Reading, lexicon: Lexicon) -> bool:
    """Whether a Chinese text names its issuer near by: a note goes from one company to the next, whatever its title."""
    document = reading.document
    if document.lang != "zh" or reading.offset < _NEAR_TITLE or document.issuer is None:
        return True
    said = fold(document.text[max(0, reading.offset - _NAMED_WITHIN) : reading.offset + len(reading.text)])
    return any(name in said for name in lexicon.wordings.get(document.issuer, ()))


def _is_reckoned(reading: Reading) -> bool:
    """Whether somebody who watches the market foresees it: 穆迪预测……"""
    return bool(reading.of("observer")) or any(m.term.value == "estimate" for m in reading.of("basis"))


def _owned_by_another(reading: Reading, anchor: int) -> bool:
    """Whether a Latin name that is not known owns what is told: "Starlink 的营收", "NeoCloud的毛利率"."""
    owner = _LATIN_OWNER.search(reading.text, max(0, anchor - 60), anchor)
    if owner is None:
        return False
    known = (*reading.of("entity"), *reading.of("product"), *reading.of("segment"), *reading.of("implied"))
    return not any(m.start < owner.end("name") and owner.start("name") < m.end for m in known)


def _named_ahead(reading: Reading, figure: int, lexicon: Lexicon) -> str | None:
    """Whom a clause that only leads up to the next one is about: 为了守住50%的毛利率，苹果……"""
    if not _LEADS_UP.match(reading.folded):
        return None
    behind = [m for m in _actors(reading, lexicon) if m.start >= figure]
    if not behind:
        return None
    between = reading.folded[figure : behind[0].start].rstrip("* ")
    return behind[0].term.value if between.endswith((",", "，")) and between.count("，") <= 1 else None


def _names_somebody_else(reading: Reading, figure: int, lexicon: Lexicon) -> bool:
    """Whether the sentence, or the one before it, brings in a company the watchlist does not know: nothing carries over it."""
    document = reading.document
    if document.issuer is not None and document.period is not None:
        return False
    since = max(document.subject[1] if document.subject else 0, reading.offset - 200)
    stretch = document.text[since : reading.offset + figure + 60]
    for match in _SOMEBODY.finditer(stretch):
        name = fold((match[1] or match[2] or "").strip())
        words = name.split()
        if name and not any(_is_watched(" ".join(words[:k]), lexicon) for k in range(len(words), 0, -1)):
            return True
    return False


def _is_watched(name: str, lexicon: Lexicon) -> bool:
    return any(t.role in ("entity", "observer") for t in lexicon.terms.get(name, ()))


def _actors(reading: Reading, lexicon: Lexicon) -> list[Mention]:
    """Names that can be a subject: research houses are quoted, they are not what they report on."""
    stranger = reading.document.stranger
    return [
        m
        for m in reading.of("entity")
        if m.term.value not in lexicon.observers
        and (stranger is None or not stranger.startswith(reading.folded[m.start : m.end]))
    ]


def _sets_prices(reading: Reading, anchor: int, figure: int) -> bool:
    """Whether somebody asks a price or changes it; a price that merely moves is the market's."""
    return _SETS.search(reading.text[max(0, anchor - 60) : figure]) is not None


def _buyer(reading: Reading, lexicon: Lexicon) -> str | None:
    """Who buys in "acquired by X", 被X收购."""
    for m in _actors(reading, lexicon):
        before, behind = reading.text[max(0, m.start - 24) : m.start], reading.text[m.end : m.end + 6]
        if _BOUGHT_BY.search(before) or (_BY.search(before) and _BUYS.match(behind)):
            return m.term.value
    return None


def _taker(reading: Reading, figure: int, lexicon: Lexicon) -> str | None:
    """Who took an order from the subject: 被甲骨文抢走."""
    for m in _actors(reading, lexicon):
        by = m.end <= figure and _BY.search(reading.text[max(0, m.start - 4) : m.start])
        if by and _TAKES.match(reading.folded, m.end):
            return m.term.value
    return None


def listed_with(reading: Reading, entity: str, anchor: int, lexicon: Lexicon) -> list[str]:
    """The others of the list in front of a figure that `entity` stands in: "Oracle、Crusoe和OpenAI……需要15个月"."""
    names = [m for m in _actors(reading, lexicon) if m.end <= anchor]
    row: list[str] = []
    run: list[str] = []
    for before, m in zip([None, *names], names, strict=False):
        if before is not None and before.term.value == m.term.value:
            continue  # its English name, in brackets behind it
        between = "" if before is None else _BRACKETS.sub("", reading.folded[before.end : m.start]).replace("*", "")
        if before is None or not _LIST_CJK.fullmatch(_REST_OF_BRACKETS.sub("", between)):
            run = []
        run.append(m.term.value)
        if entity in run:
            row = run
    return [name for name in dict.fromkeys(row) if name != entity]


def _names_a_product(reading: Reading, mention: Mention, lexicon: Lexicon) -> bool:
    """ "NVIDIA GPUs": the maker's name belongs to the product; whoever acts is somebody else."""
    behind = [m for m in reading.of("product") if 0 <= m.start - mention.end <= 1]
    return any(_MAKERS_OF.get(m.term.value, lexicon.vendors.get(m.term.value)) == mention.term.value for m in behind)


def _is_crowd(reading: Reading, anchor: int, lexicon: Lexicon) -> bool:
    """Whether three or more names in a row act together: "Microsoft, Meta, Amazon and Alphabet are spending ..."."""
    names = [m for m in _actors(reading, lexicon) if m.end <= anchor]
    row = {names[-1].term.value} if names else set()
    for a, b in itertools.pairwise(reversed(names)):
        if not _ROW.match(reading.text[b.end : a.start]) and a.term.value != b.term.value:
            break
        row.add(b.term.value)
    return len(row) >= 3


def is_object(reading: Reading, mention: Mention) -> bool:
    return _OBJECT.search(reading.text[max(0, mention.start - 16) : mention.start]) is not None


def _nearest(reading: Reading, floor: int, anchor: int, market: list[Mention], lexicon: Lexicon) -> str | None:
    """The subject nearest before a place within a stretch of the sentence: a name, "we", or the whole market."""
    best: tuple[int, str] | None = None
    objects: list[Mention] = []
    for m in reading.of("outsider"):
        if floor <= m.start and m.end <= anchor + 1 and not is_object(reading, m):
            best = (m.start, OUTSIDER)
    was_object, last_end = False, -99
    for m in _actors(reading, lexicon):
        if lexicon.layers.get(m.term.value) == "government" and _SAYS.match(reading.text, m.end):
            continue  # an office that is quoted
        in_list = m.start - last_end <= 30 and _AND.search(reading.text[max(0, m.start - 6) : m.start]) is not None
        was_object, last_end = (was_object if in_list else is_object(reading, m)), m.end
        if floor <= m.start and m.end <= anchor + 1 and not _names_a_product(reading, m, lexicon):
            if was_object:
                objects.append(m)
            elif best is None or m.start > best[0]:
                best = (m.start, m.term.value)
    issuer = reading.document.issuer
    if issuer is not None and issuer not in lexicon.observers:
        for m in reading.of("issuer"):
            if floor <= m.start and m.end <= anchor + 1 and (best is None or m.start > best[0]):
                best = (m.start, issuer)
    for m in market:
        if floor <= m.start and m.end <= anchor + 1 and anchor - m.end <= 60 and (best is None or m.start > best[0]):
            best = (m.start, MARKET)
    if best is not None and not objects:
        return best[1]
    # "the approval of Google's $32 billion acquisition": whoever owns what is told, close before it
    owning = [m for m in objects if _OWNS.match(reading.text[m.end : anchor])]
    if owning:
        return owning[-1].term.value
    if best is not None:
        return best[1]
    # "... of Nvidia's revenue": an object that owns what is told
    owners = [m for m in objects if re.match(r"['’]s?\b|的", reading.text[m.end : m.end + 2])]
    return owners[-1].term.value if owners else None


def deal(reading: Reading, entity: str, kind: str, at: int, lexicon: Lexicon) -> tuple[str, str | None]:
    """(entity, counterparty): of a deal the buyer and who it buys from, of anything else the one other side named.

    A sentence that goes on about a deal names one side or none; the other is known from the sentence that told of it.
    """
    if kind not in _TWO_SIDED or entity == MARKET:
        return entity, None
    sides = [m for m in _actors(reading, lexicon) if m.term.value != entity]
    if len({m.term.value for m in sides}) > 1:  # of several the one of the same clause
        start, end = _clause_around(reading, at)
        sides = [m for m in sides if start <= m.start < end]
    others = list(dict.fromkeys(m.term.value for m in sides))
    others = [o for o in others if lexicon.layers.get(o) != "consortium"]
    told = reading.document.deal
    if not others and kind in _DEALS and told is not None and entity in told[:2] and reading.offset - told[2] <= _CARRY:
        return told[0], told[1]
    if len(others) != 1:
        return entity, None
    other = others[0]
    if kind in _DEALS and _rank(other, lexicon) > _rank(entity, lexicon):
        entity, other = other, entity
    if kind in _DEALS:
        reading.document.deal = (entity, other, reading.offset)
    return entity, other


def _clause_around(reading: Reading, at: int) -> tuple[int, int]:
    """The stretch between commas and stops that holds a place."""
    start = max((m.end() for m in _COMMA.finditer(reading.text, 0, at)), default=0)
    end = _COMMA.search(reading.text, at)
    return start, end.start() if end else len(reading.text)


def _rank(entity: str, lexicon: Lexicon) -> int:
    return _RANK.get(lexicon.layers.get(entity) or "", 1)
