"""What a figure measures: the cue it belongs to, the part of a business it is about, and what growth is measured against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from tracker.extract.lexicon import Lexicon
from tracker.extract.quantities import Quantity
from tracker.extract.reading import CLAUSE, Mention, Reading
from tracker.vocabulary import GROWTH_UNITS

MAX_GAP: Final = 130  # characters between a cue and its figure
# Told so often in money that a bare amount is one: "revenue of 35.6 billion".
_BARE: Final = frozenset({"revenue", "segment_revenue", "operating_income", "capex", "backlog", "supply_commitment"})
RESULTS: Final = frozenset(
    {"revenue", "segment_revenue", "gross_margin", "operating_income", "capex", "order", "backlog"}
)
# Between a figure and the metric behind it: "$11 billion of Blackwell revenue", "14% growth in networking sales".
_BEHIND: Final = re.compile(
    r"^\)?(?:[\s\-(]|\sto\s$|\s?(?:more )?(?:worth |increase |rise |growth |jump |decline |drop |surge |hike )?(?:of|in|for)\s)"
    r"(?:(?!(?:is|was|were|are|will|to|by|from|and|than|that|which|who|as|or|on|at|up|down|with|would|of)\b)[\w&'’%/+-][\w&'’.%/+-]*(?<!\.)[\s-]){0,5}$",
    re.IGNORECASE,
)
_BEHIND_CJK: Final = re.compile(r"^[^，。；、,;:：\d]{0,10}$")
# Right before a figure: the word that says "the metric is this much".
_DIRECT: Final = re.compile(
    r"^[^,;]{0,45}(?:\b(?:of|was|were|is|are|be|to|at|by|reached|totaled|totalled|hit|between|from|about|approximately|around|nearly|over|record|a)|[:=(约約达達为為至到是])\s?(?:US)?\$?$",
    re.IGNORECASE,
)
_DIRECT_PREFIX: Final = re.compile(
    r"^\s?(?:of|was|were|:|is|to)?\s?(?:an? )?(?:record |about |approximately )?$", re.IGNORECASE
)
# What makes a clause go on about the metric of the clause before it.
_GOES_ON: Final = re.compile(
    r"(?:up|down|compared (?:to|with)|versus|vs\.?|from|against|and|or|,|、|，)\s*(?:up |down |approximately |about |an? |to |adding |plus |another |followed by |and then |再增加|另外|并追加)*(?:another |an additional |some )?\(?$|^\s*(?:up|down)\b",
    re.IGNORECASE,
)
_YOY: Final = re.compile(
    r"year[- ]over[- ]year|year[- ]on[- ]year|\by/y\b|\byoy\b|from a year (?:ago|earlier)|a year (?:ago|earlier)|compared (?:to|with) (?:the )?(?:same|prior|previous|last) (?:year|quarter last|period)|同比|年增|年减|年減|較去年|较去年|比去年|去年同期|年成长|年成長|from the (?:same|prior|previous)[- ]year|compared (?:to|with) (?:the )?(?:\w+ quarter of )?(?:fiscal )?(?:19|20)?\d\d|over the (?:past|prior|last) year|to the prior year|(?:from|in|than|over|to|with) the (?:prior|previous|same) year|versus (?:the )?prior year|from last year|than (?:in )?(?:19|20)\d\d|annually|(?:above|below|over|than|on|from) (?:the |a )?(?:year|same period)(?: before| earlier| ago| prior)|on the year|上年|前一年|一年前",
    re.IGNORECASE,
)
_QOQ: Final = re.compile(
    r"quarter[- ]over[- ]quarter|quarter[- ]on[- ]quarter|\bq/q\b|\bqoq\b|sequential(?:ly)?|(?:from|above|below|over|than|on|in) the (?:previous|prior|preceding|last) quarter|(?:above|below|over|than|on|from) (?:the |a )?quarter(?: before| earlier| ago)|three months (?:before|earlier)|on the quarter|环比|環比|季增|季减|季減|季成长|季成長|較上季|比上季|较上季",
    re.IGNORECASE,
)
_GROWS: Final = re.compile(
    r"\b(?:up|down|rose|rising|grew|grow|growing|growth|increas\w+|decreas\w+|declin\w+|fell|jump\w+|surg\w+|climb\w+|soar\w+|expand\w*|accelerat\w+)\b|增|长|長|減|减|升|降|doubl|tripl",
    re.IGNORECASE,
)
# The next figure of a list begins here: what stands behind it belongs to that figure.
_NEXT_FIGURE: Final = re.compile(r"[,;，；。、]|\b(?:and|or)\b(?= (?:up|down|over|more|by)\b| \d| \$)|\.\s")
SHARE: Final = re.compile(
    r"来自|来源于|來自|出自|made up|makes? up|account\w* for|represent\w*|% of (?:\w+ ){0,3}(?:revenues?|sales)|percent of (?:\w+ ){0,3}(?:revenues?|sales)|compris\w+|half of|占",
    re.IGNORECASE,
)
_OF_SALES: Final = re.compile(r"\b(?:of|in) (?:[\w'’-]+ ){0,4}(?:revenues?|sales)\b|营收|收入|销售额", re.IGNORECASE)
_OF_RIGHT_BEHIND: Final = re.compile(r"^\)? of (?:[\w'’-]+ ){0,5}(?:revenues?|sales)\b", re.IGNORECASE)
_STOP: Final = re.compile(r"[,;，；。]|\.\s|\b(?:and|while|up|down)\b")
_OUTGOINGS: Final = re.compile(
    r"\b(?:expens\w+|income|profits?|loss(?:es)?|margins?|EBITDA|cash flow|R&D|costs?|capex|capital|taxe?s?|inventor\w+|depreciation)\b",
    re.IGNORECASE,
)
_MOVED_BY: Final = re.compile(
    r"\b(?:up|down|increas\w+|decreas\w+|declin\w+|grew|rose|fell|risen|fallen|come down|gone up|dropped|improved|higher|lower)(?: by)?"
    r"(?: an?| almost| about| approximately| nearly| roughly| over| more than| another| some)*\s?$|(?:高出|多出|相差)了?(?:约|約|近)?$",
    re.IGNORECASE,
)
_MIDPOINT: Final = re.compile(r"\bmid-?point\b[^,;.]{0,24}$", re.IGNORECASE)
_MORE_THAN_BEFORE: Final = re.compile(
    r"^\s(?:more|less|higher|lower|increase|decrease|decline|improvement|above|below|short|shortfall|headwind|tailwind|impact)\b",
    re.IGNORECASE,
)
_CAGR: Final = re.compile(r"\bCAGR\b|compound annual|年复合|年均复合|複合", re.IGNORECASE)


_GREW: Final = re.compile(
    r"^\s?(?:业务|業務)?(?:(?:was|were|is|are|be|has|have|also|again|and|to|will|should|would|both|each|combined|business(?:es)?|segment|division|unit|"
    r"other cloud services|(?:is |are )?expected|continues|continued|revenue|\w+ly)\s)*\s?(?:\b(?:up|down|grew|grow|grows|growing|rose|rise|increased?|"
    r"declined?|decreased?|fell|jumped|surged|soared|accelerated?|expanded?)\b|同比|环比|環比|年增|季增|增长|增長|成长|成長|大增|下滑|下降)[^,;，；。]{0,30}$"
    r"|^ in the $",
    re.IGNORECASE,
)
_WE_GREW: Final = re.compile(r"we grew", re.IGNORECASE)
_SO_MUCH: Final = re.compile(
    r"^ (?:a |an |by |about |nearly |over |more than |approximately |roughly |strong |impressive |solid |another )*$",
    re.IGNORECASE,
)
_GROWTH_NEXT: Final = re.compile(
    r"^ (?:[\w&'-]+ ){0,3}?(?:growth|increase|decline|decrease|gain|jump|rise|drop)\b", re.IGNORECASE
)
_GROWTH_IN: Final = re.compile(
    r"^ (?:[\w-]+ ){0,2}(?:growth|increase|decline|decrease|gain|jump|rise|drop)s? (?:in|of) (?:[\w&'-]+ ){0,6}$",
    re.IGNORECASE,
)
_FROM_BEFORE: Final = re.compile(
    r"\b(?:from|versus|vs\.?|compared (?:to|with)|level of) (?:about |approximately )?$", re.IGNORECASE
)
UNIT_WORD: Final = re.compile(r"(?:megawatts?|gigawatts?|mw|gw|兆瓦|吉瓦)$", re.IGNORECASE)
_MANNER: Final = re.compile(r"performance|efficiency|impact", re.IGNORECASE)
_WHOLE_BUSINESS: Final = re.compile(
    r"\b(?:our|the|this|total|overall|whole|its|their)(?: overall| core| total)? (?:business|businesses)$|\b(?:new|repeat|show|more|any|do|of) business(?:es)?$",
    re.IGNORECASE,
)
_NEXT_TO: Final = re.compile(r"^(?:\s[\w-]{1,11})?\s?$|^的$")
_THAT_FIGURE: Final = re.compile(
    r"^[^.;。；]{0,24}(?:(?:this|that|the) (?:figure|number|total|amount)|this|that) (?:is |will |would |could |should |to |expected |set |likely |rise |grow |climb |reach |increase |be |up )*(?:to |about |nearly )*$"
    r"|^[^。；]{0,16}(?:这个|這個|这一|這一|该|該)(?:数字|數字|规模|規模|金额|金額)[^，。；]{0,16}$",
    re.IGNORECASE,
)
_MADE: Final = re.compile(
    r"^\s?(?:business|segment|unit|division|operations?|业务|業務|部门|部門)?\s?(?:made|brought in|generated|took in|pulled in|delivered|posted|contributed|rang up|booked|earned|贡献了?|贡献|带来了?)"
    r"\s?(?:about |nearly |over |more than |a record |roughly |approximately |约|超过|近)?$",
    re.IGNORECASE,
)
STAKE: Final = re.compile(r"invest|stake|put into|投资|注资|入股|领投|資", re.IGNORECASE)
_INTO: Final = re.compile(r"\b(?:in|into)\s(?:\w+ )?$|[在于]$|^\s?$|入股|投资$")
_TOWARDS: Final = re.compile(r"[向对對给給]\s?\**$")
_ROUND: Final = re.compile(r"\bround\b|轮融资|輪融資|融资轮", re.IGNORECASE)
_LIST: Final = re.compile(r"^(?:\s+(?:and|or)\s+|\s*[、和与及]\s*)(?:\w+ )?$")
_PROFIT: Final = re.compile(r"profit$|毛利$", re.IGNORECASE)
_MARGIN_BEHIND: Final = re.compile(r"^\s?(?:margin|of (?:net |total )?(?:sales|revenues?))", re.IGNORECASE)
# Beside money these are no metric: rates, and people who are counted.
_RATE: Final = re.compile(
    r"(?:margins?|rates?|率)$|^(?:customers|users|subscribers|employees|downloads|用户|员工)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Link:
    """A figure with what it measures. `cue` is None where it goes on about the figure told before it."""

    quantity: Quantity
    kind: str
    cue: Mention | None
    product: str | None = None
    after: Link | None = None  # the figure it goes on from, within the sentence


def links(reading: Reading, lexicon: Lexicon) -> list[Link]:
    """The figures of a sentence that measure something the vocabulary knows, in order."""
    if not reading.quantities:
        return []
    every = _cues(reading, lexicon)
    cues = [c for c in every if not UNIT_WORD.match(reading.text[c.start : c.end])]
    found: list[Link] = []
    for i, quantity in enumerate(reading.quantities):
        previous = found[-1] if found else None
        cue = _cue_of(reading, i, cues, lexicon)
        if cue is not None and cue.term.role == "other_metric":
            continue
        if cue is not None:
            cue = _cut_of(reading, quantity, cue, cues) or cue
            found.append(Link(quantity, cue.term.value, cue, after=previous))
        elif (implied := _implied(reading, quantity)) is not None:
            found.append(Link(quantity, implied.term.value, implied, after=None))
        elif previous is not None and _goes_on(reading, previous, quantity, cues, lexicon):
            found.append(Link(quantity, previous.kind, previous.cue, previous.product, after=previous))
        elif previous is None and _elliptical(reading, quantity, lexicon):
            told = reading.document.told
            assert told is not None
            found.append(Link(quantity, told.kind, None, told.product))
        elif own := [c for c in every if quantity.start <= c.start and c.end <= quantity.end and c.term.role == "cue"]:
            found.append(Link(quantity, own[0].term.value, own[0], after=None))  # megawatts speak for themselves
    return found


def _cues(reading: Reading, lexicon: Lexicon) -> list[Mention]:
    """Cues and the metrics no kind is about, in order, the longest wording where they overlap."""
    told = reading.document.told
    goes_on = told is not None and told.kind in ("capex", "deployment") and 0 <= reading.offset - told.end <= 300
    weak_counts = bool(reading.of("setting")) or goes_on
    in_a_call = reading.document.issuer is not None and reading.document.period is not None
    every = sorted(
        [
            *reading.of("cue"),
            *reading.of("strong"),
            *reading.of("other_metric"),
            *(reading.of("weak") if weak_counts else ()),
            *(reading.of("heard") if in_a_call else ()),
        ],
        key=lambda m: (m.start, -m.end),
    )
    kept: list[Mention] = []
    for cue in every:
        if cue.term.value == "segment_revenue" and not _sized_market(reading, cue):
            continue
        if cue.term.role == "other_metric" and kept and 0 <= cue.start - kept[-1].end <= 1:
            if kept[-1].term.role == "cue" and _MANNER.match(reading.text[cue.start : cue.end]):
                continue  # "the gross margin performance"
        if cue.term.value == "acquisition" and not _invests_in_somebody(reading, cue, lexicon):
            continue
        if (
            kept
            and cue.start >= kept[-1].start
            and cue.end <= kept[-1].end
            and cue.end - cue.start < kept[-1].end - kept[-1].start
        ):
            continue
        kept.append(cue)
    return kept


def _sized_market(reading: Reading, cue: Mention) -> bool:
    """Whether "market" stands behind the product it is the market of: "the liquid cooling market"."""
    text = reading.text[cue.start : cue.end].lower()
    if text not in ("market", "markets", "市场", "市場"):
        return True
    before = reading.text[: cue.start]
    return any(
        0 <= cue.start - m.end <= 12 and _NEXT_TO.match(before[m.end :])
        for m in (*reading.of("product"), *reading.of("setting"))
    )


def _invests_in_somebody(reading: Reading, cue: Mention, lexicon: Lexicon) -> bool:
    """Whether money goes into a company of the watchlist; otherwise it is spent on something that is built."""
    text = reading.text
    if not STAKE.search(text[cue.start : cue.end]):
        return True
    names = [m for m in reading.of("entity") if m.term.value not in lexicon.observers]
    for m in names:
        if (
            m.start >= cue.end
            and m.start - cue.end <= 60
            and _INTO.search(text[cue.end : m.start] if m.start > cue.end else " in ")
        ):
            return True
        if m.end <= cue.start and cue.start - m.end <= 14 and _TOWARDS.search(text[max(0, m.start - 3) : m.start]):
            return True
    return len({m.term.value for m in names}) > 1 and bool(_ROUND.search(text))


def _cut_of(reading: Reading, quantity: Quantity, cue: Mention, cues: list[Mention]) -> Mention | None:
    """The word that takes an order, a site or spending back, when it stands before the figure in its clause."""
    if cue.term.value not in ("order", "deployment", "capex", "capacity"):
        return None
    floor = reading.clause_start(quantity.start)
    cuts = [c for c in cues if c.term.value == "demand_cut" and floor <= c.start and c.end <= quantity.start]
    return cuts[-1] if cuts else None


def _cue_of(reading: Reading, i: int, cues: list[Mention], lexicon: Lexicon) -> Mention | None:
    quantity = reading.quantities[i]
    text = reading.text
    before = _before(reading, quantity, cues, lexicon)
    if before is not None and before.term.role == "weak":  # "we spent $132 million on capital expenditures"
        named = [c for c in cues if c.term.value == before.term.value and c.term.role != "weak"]
        before = next((c for c in named if 0 <= c.start - quantity.end <= 12), before)
    limit = reading.quantities[i + 1].start if i + 1 < len(reading.quantities) else len(text)
    behind = _behind(reading, quantity, cues, limit, lexicon)
    if before is None or behind is None:
        return before or behind
    gap = text[before.end : quantity.start]
    if _DIRECT_PREFIX.match(gap) and before.term.role != "weak":
        return before
    if before.term.value == "gross_margin" and _OF_RIGHT_BEHIND.match(text[quantity.end :]):
        return before  # "gross margin was $5.1 billion or 21.6 % of revenue"
    if before.term.value == "order" and behind.term.value in ("deployment", "capacity") and len(gap) <= 24:
        return before  # "the option to add 1.25 gigawatts of capacity": what is bought
    if before.term.value in RESULTS and _DIRECT.match(gap) and behind.term.value not in RESULTS:
        return before
    return behind


def _implied(reading: Reading, quantity: Quantity) -> Mention | None:
    """The part of a business whose revenue is told though nobody says "revenue": "Azure grew 33 %", "gaming made $4bn"."""
    if quantity.unit not in ("pct", "pct_yoy", "pct_qoq", "money"):
        return None
    pattern = _MADE if quantity.unit == "money" else _GREW
    in_a_call = reading.document.issuer is not None and reading.document.period is not None
    for part in reversed(reading.of("implied")):
        if part.end <= quantity.start and not _WHOLE_BUSINESS.search(reading.text[: part.end]):
            gap = reading.text[part.end : quantity.start]
            if _WE_GREW.match(reading.text, part.start):
                return part if in_a_call and quantity.unit != "money" and _SO_MUCH.match(gap) else None
            return part if pattern.match(gap) else None
    return None


def _before(reading: Reading, quantity: Quantity, cues: list[Mention], lexicon: Lexicon) -> Mention | None:
    """The last cue before a figure that can be told in its unit."""
    floor = reading.clause_start(quantity.start)
    for cue in reversed(cues):
        if cue.end > quantity.start:
            continue
        if cue.start < floor or quantity.start - cue.end > MAX_GAP:
            return None
        if (
            cue.term.role == "other_metric"
            and quantity.unit == "money"
            and _RATE.search(reading.text[cue.start : cue.end])
        ):
            continue  # "operating income and operating margin were $699 million and 19.4 %"
        if cue.term.role == "other_metric" or (
            fits(quantity, cue.term.value, lexicon) and _is_rate(reading, cue, quantity)
        ):
            return cue
        if cue.term.value == "gross_margin" and quantity.unit == "money" and not _listed(reading, cue, cues):
            return None  # the profit itself has no kind, and it is not the metric named before it
    return None


def _listed(reading: Reading, cue: Mention, cues: list[Mention]) -> bool:
    """Whether a metric is named in one breath with the one before it ("revenue and gross margin were ...")."""
    before = [c for c in cues if c.end <= cue.start]
    return bool(before) and _LIST.match(reading.text[before[-1].end : cue.start]) is not None


def _is_rate(reading: Reading, cue: Mention, quantity: Quantity) -> bool:
    """Whether a figure beside "gross profit" is the margin, not the growth of the profit."""
    if cue.term.value != "gross_margin" or not _PROFIT.search(reading.text[cue.start : cue.end]):
        return True
    return _MARGIN_BEHIND.match(reading.text[quantity.end : quantity.end + 30]) is not None


def _behind(reading: Reading, quantity: Quantity, cues: list[Mention], limit: int, lexicon: Lexicon) -> Mention | None:
    """The first cue behind a figure that it measures, when nothing but the words of its noun stand between."""
    for cue in cues:
        if cue.start < quantity.end:
            continue
        if cue.start >= limit or cue.start - quantity.end > 60:
            return None
        gap = reading.text[quantity.end : cue.start]
        near = _BEHIND.match(gap) or _GROWTH_IN.match(gap) if gap.isascii() or "’" in gap else _BEHIND_CJK.match(gap)
        if not gap.strip() or near or (not gap.isascii() and _BEHIND_CJK.match(gap)):
            if cue.term.role == "other_metric" or fits(quantity, cue.term.value, lexicon):
                return cue
        else:
            return None
    return None


def fits(quantity: Quantity, kind: str, lexicon: Lexicon) -> bool:
    """Whether a kind can be told in the unit of a figure."""
    rule: Any = lexicon.kinds["revenue" if kind == "segment_revenue" else kind]
    units = rule.get("units", ())
    if quantity.unit in units or (quantity.unit is None and "money" in units and kind in _BARE):
        return True
    return bool(rule.get("growth")) and quantity.unit in ("pct", "pct_yoy", "pct_qoq")


def _is_cagr(reading: Reading, quantity: Quantity) -> bool:
    text = reading.text
    return bool(
        _CAGR.search(text[quantity.end : quantity.end + 24]) or _CAGR.search(text[quantity.start - 24 : quantity.start])
    )


def _goes_on(reading: Reading, previous: Link, quantity: Quantity, cues: list[Mention], lexicon: Lexicon) -> bool:
    """Whether a figure without a cue of its own is told of the metric of the figure before it."""
    if not fits(quantity, previous.kind, lexicon) and not (quantity.unit == "pct" and previous.kind in RESULTS):
        return False
    start, end = previous.quantity.end, quantity.start
    if any(start <= c.start < end and c.term.role == "other_metric" for c in cues):
        return False
    between = reading.text[start:end]
    if _GOES_ON.search(between) or (quantity.unit == "pct" and end - start <= 40 and _is_cagr(reading, quantity)):
        return True
    # "..., while Google was second with 175 to 185 billion": another subject, the same metric
    names_another = any(start <= m.start < end for m in reading.of("entity"))
    return names_another and quantity.unit == previous.quantity.unit and CLAUSE.search(between) is not None


def _elliptical(reading: Reading, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a sentence goes on about the figure told in the sentence before it."""
    told = reading.document.told
    if told is None or not 0 <= reading.offset - told.end <= 160:
        return False
    if reading.of("other_metric") or not fits(quantity, told.kind, lexicon):
        return False
    same = quantity.unit == told.unit or (quantity.unit == "pct" and told.unit in (*GROWTH_UNITS, "pct", "money"))
    head = reading.text[: quantity.start].strip().lower()
    if _THAT_FIGURE.match(head) and quantity.unit == told.unit:
        return True
    if quantity.unit == "pct":
        return same and (not head or head in ("up", "down", "that's up", "this was up", "and"))
    starts_with_name = any(m.start <= 2 for m in reading.of("entity"))
    return same and starts_with_name and len(head) <= 60 and told.kind == "capex"


def is_share(reading: Reading, quantity: Quantity) -> bool:
    """Whether a percentage is a part of revenue ("made up the majority of sales at 55%"), not its growth."""
    text = reading.text
    start, stop = reading.clause_start(quantity.start), _STOP.search(text, quantity.end)
    before, behind = text[start : quantity.start], text[quantity.end : stop.start() if stop else len(text)]
    if _OF_RIGHT_BEHIND.match(behind):
        return True
    verb = list(SHARE.finditer(before))
    if not verb or _GROWS.search(before, verb[-1].end()):
        return False
    return _OF_SALES.search(before[verb[-1].start() :] + behind) is not None


def is_prior_share(reading: Reading, link: Link) -> bool:
    """Whether a percentage is what a share is compared with ("18.7 % of revenue, down from 20.1 %")."""
    assert link.after is not None
    between = reading.text[link.after.quantity.end : link.quantity.start]
    return _FROM_BEFORE.search(between) is not None and is_share(reading, link.after.quantity)


def is_rate_of_another(reading: Reading, link: Link) -> bool:
    """Whether "6 % of revenue" is the rate of an income or expense told before it, not a part of revenue."""
    quantity = link.quantity
    if not _OF_RIGHT_BEHIND.match(reading.text[quantity.end :]):
        return False
    if link.after is not None and link.after.kind not in ("revenue", "segment_revenue"):
        return True
    start = reading.clause_start(quantity.start)
    return _OUTGOINGS.search(reading.text, start, quantity.start) is not None


def is_step(reading: Reading, quantity: Quantity) -> bool:
    """Whether an amount is how much a figure moved by, or the middle of a range told before: not a level."""
    before, behind = (
        reading.text[max(0, quantity.start - 40) : quantity.start],
        reading.text[quantity.end : quantity.end + 24],
    )
    return bool(_MOVED_BY.search(before) or _MIDPOINT.search(before) or _MORE_THAN_BEFORE.match(behind))


def growth_unit(text: str, quantity: Quantity, kind: str) -> str:
    """Against what a percentage is measured: the wording behind the figure first, then the one before it.

    Results are compared with the year before unless something else is said; a share or a price change is not.
    """
    before, behind = text[: quantity.start], text[quantity.end : quantity.end + 110]
    stop = _NEXT_FIGURE.search(behind)
    chunk_behind = behind[: stop.start()] if stop else behind
    if _CAGR.search(chunk_behind[:24]) or _CAGR.search(before[-24:]):
        return "pct"
    chunk_before = _NEXT_FIGURE.split(before[-70:])[-1]
    for part in (chunk_behind, chunk_before):
        qoq, yoy = _QOQ.search(part), _YOY.search(part)
        if qoq and (not yoy or qoq.start() < yoy.start()):
            return "pct_qoq"
        if yoy:
            return "pct_yoy"
    # "sequentially, sales were up 11%, 12% in local currencies": what was said last holds until something else is said
    said = [
        (m.start(), unit) for pattern, unit in ((_QOQ, "pct_qoq"), (_YOY, "pct_yoy")) for m in pattern.finditer(before)
    ]
    if said:
        return max(said)[1]
    later = _QOQ.search(behind), _YOY.search(behind)
    if later[1] and not later[0]:
        return "pct_yoy"
    grows = (
        kind in RESULTS
        and (_GROWS.search(text[max(0, quantity.start - 60) : quantity.end]) or _GROWTH_NEXT.match(behind))
        and not SHARE.search(before[-60:] + behind[:60])
    )
    return "pct_yoy" if grows else "pct"
