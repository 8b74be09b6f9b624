"""What a figure measures: the cue it belongs to, the part of a business it is about, and what growth is measured against."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any, Final

from tracker.extract.cues import UNIT_WORD, built_for, cues_of, cut_of, implied_part
from tracker.extract.growth import OF_RIGHT_BEHIND, RESULTS, is_cagr, is_rate_of_another
from tracker.extract.lexicon import Lexicon
from tracker.extract.observers import CONSENSUS, is_consensus
from tracker.extract.quantity_words import Quantity
from tracker.extract.reading import CLAUSE, Mention, Reading
from tracker.vocabulary import GROWTH_UNITS

MAX_GAP: Final = 130  # characters between a cue and its figure
# Told so often in money that a bare amount is one: "revenue of 35.6 billion".
_BARE: Final = frozenset(
    {"revenue", "segment_revenue", "operating_income", "capex", "backlog", "supply_commitment", "order"}
)
# Between a figure and the metric behind it: "$11 billion of Blackwell revenue", "14% growth in networking sales".
_BEHIND: Final = re.compile(
    r"^\)?(?:[\s\-(]|\sto\s$|\s?(?:more )?(?:worth |increase |rise |growth |jump |decline |drop |surge |hike )?(?:of|in|for)\s)"
    r"(?:(?!(?:is|was|were|are|will|to|by|from|and|than|that|which|who|as|or|on|at|up|down|with|would|of|while|whereas|but|although|though|when|because|after|before)\b)[\w&'’%/+-][\w&'’.%/+-]*(?<!\.)[\s-]){0,5}$",
    re.IGNORECASE,
)
_BEHIND_CJK: Final = re.compile(r"^[^，。；、,;:：\d]{0,10}$|^的[^，。；、,;:：]{0,18}$")
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
_GROWTH_IN: Final = re.compile(
    r"^ (?:[\w-]+ ){0,2}(?:growth|increase|decline|decrease|gain|jump|rise|drop)s? (?:in|of) (?:[\w&'-]+ ){0,6}$",
    re.IGNORECASE,
)
_THAT_FIGURE: Final = re.compile(
    r"^[^.;。；]{0,24}(?:(?:this|that|the) (?:figure|number|total|amount)|this|that) (?:is |will |would |could |should |to |expected |set |likely |rise |grow |climb |reach |increase |be |up )*(?:to |about |nearly )*$"
    r"|^[^。；]{0,16}(?:这个|這個|这一|這一|该|該)(?:数字|數字|规模|規模|金额|金額)[^，。；]{0,16}$",
    re.IGNORECASE,
)
# What may stand before the rate of a figure told in the sentence before: "That marks a 35% increase".
_MOVE_ALONE: Final = re.compile(
    r"^(?:and |or )?(?:(?:that|this|it|which)(?:(?:['’]s| is| was| marks?| marked| represents?| represented| means?| makes?| made| equals?)\b)? ?)?(?:an?|the)? ?"
    r"(?:year-on-year |year-over-year |annual |yearly |sequential )?(?:up|down|increase|rise|jump|gain|growth|decline|drop|decrease|fall|surge|improvement)?(?: of| by)?"
    r" ?(?:about|nearly|more than|over|roughly|some|almost|approximately|around)?$"
    r"|^(?:这|這|该数字|该金额)?(?:意味着|相当于)?(?:同比|环比|較上年|较上年|年|季|月)?(?:增长|成长|增|减少|下降|减|上升)?了?(?:约|近)?$"
)
# A metric, a word of explanation between commas, and its verb: "obligations, the value of signed contracts, reached $9 billion".
_APPOSITION: Final = re.compile(
    r"^, (?:the|an?|which|or|a measure of|known as|defined as|i\.e\.)\b[^.;:$]{4,180}, (?:was|were|stood at|reached|rose|grew|climbed|jumped|hit|came (?:in )?at|total(?:l)?ed|increased|fell|declined|surged|more than doubled)\b[^,;.]{0,24}$",
    re.IGNORECASE,
)
_THIS_REFLECTS: Final = re.compile(
    r"(?:at the (?:mid-?point|high end|low end),? )?(?:this|that|which) (?:is|was|would be|represents?|reflects?|implies|equates to) [^,;.]{0,30}$",
    re.IGNORECASE,
)
_RESPECTIVELY: Final = re.compile(r",? respectively\b", re.IGNORECASE)
_NEXT_IN_LIST: Final = re.compile(r"^(?:,|,? and)\s?$", re.IGNORECASE)
_NAMED_IN_LIST: Final = re.compile(
    r"^(?:\s?,\s?(?:and )?|\s+(?:and|&)\s+)(?:(?:adjusted|non-gaap|gaap|total|net|organic|our|the|diluted|its)\s)*$",
    re.IGNORECASE,
)
_DELIVERED: Final = re.compile(r"deliver(?:s|ed)?\b", re.IGNORECASE)
# 而到了2026年，这个数字将飙升到…: the same metric in a further clause
_THAT_CJK: Final = re.compile(
    r"(?:(?:这个|这一|该|此)(?:数字|规模|金额|数额|总额|比例|指标)|(?:新增量|增量))[^,，。;；]{0,16}$"
)
# A space between Chinese words in a headline is a comma.
# 同比增长63%至200亿美元
_TO_LEVEL: Final = re.compile(
    r"^\**\s?[，,]?\s?(?:至|到|达到?|達到?|来到|來到|升至|增至|降至|为|為)(?:约|約|近|逾)?\s?\**$"
)
_SHARE_OF: Final = re.compile(r"占(?:当季|总|整体|公司|全年|其|比)?$")
_TAKES_BACK: Final = frozenset({"冻结", "暂停", "搁置", "叫停", "停建", "喊停"})  # what it is said of names the metric
_PAUSE_CJK: Final = re.compile(r"^[^\S\n]+(?=[\u3400-\u9fff])")
_SHIPPED: Final = re.compile(r"ship|出货|出貨", re.IGNORECASE)
_LIST: Final = re.compile(r"^(?:\s+(?:and|or)\s+|\s*[、和与及]\s*)(?:\w+ )?$")
_DOLLARS: Final = re.compile(r"dollars$", re.IGNORECASE)
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
    every = cues_of(reading, lexicon)
    cues = [c for c in every if not UNIT_WORD.match(reading.text[c.start : c.end])]
    binding = [c for c in cues if reading.folded[c.start : c.end] not in _TAKES_BACK]
    found: list[Link] = []
    for i, quantity in enumerate(reading.quantities):
        previous = found[-1] if found else None
        cue = _cue_of(reading, i, binding, lexicon)
        if cue is not None and cue.term.role == "other_metric":
            continue
        if cue is not None and previous is None and _is_of_the_told(reading, quantity, cue):
            told = reading.document.told
            assert told is not None
            found.append(Link(quantity, told.kind, None, told.product))
            continue
        if cue is not None:
            if _is_told_of_another(reading, quantity, cue, previous):
                continue
            cue = cut_of(reading, quantity, cue, cues) or cue
            found.append(Link(quantity, cue.term.value, cue, after=previous))
        elif (built := built_for(reading, quantity)) is not None:
            found.append(Link(quantity, "capex", built, after=previous))
        elif (implied := implied_part(reading, quantity)) is not None:
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


def _is_told_of_another(reading: Reading, quantity: Quantity, cue: Mention, previous: Link | None) -> bool:
    """Whether "11 % of revenue" is the rate of an expense: what goes on from it is none of revenue's either."""
    if cue.term.value != "revenue" or quantity.unit != "pct":
        return False
    return is_rate_of_another(reading, quantity, previous.kind if previous else None)


def _cue_of(reading: Reading, i: int, cues: list[Mention], lexicon: Lexicon) -> Mention | None:
    quantity = reading.quantities[i]
    text = reading.text
    if (own := _respective(reading, i, cues)) is not None:
        return own
    if (explained := _explained(reading, quantity, cues, lexicon)) is not None:
        return explained
    before = _before(reading, quantity, cues, lexicon)
    if before is not None and before.term.role == "weak":  # "we spent $132 million on capital expenditures"
        named = [c for c in cues if c.term.value == before.term.value and c.term.role != "weak"]
        before = next((c for c in named if 0 <= c.start - quantity.end <= 12), before)
    limit = reading.quantities[i + 1].start if i + 1 < len(reading.quantities) else len(text)
    behind = _behind(reading, quantity, cues, limit, lexicon)
    if before is None or behind is None:
        return before or behind
    gap = text[before.end : quantity.start]
    of_another = behind.term.role == "other_metric" and before.term.value != "gross_margin"
    if of_another and quantity.unit == "pct" and behind.start - quantity.end <= 1:
        return behind  # "a 40 % attach rate"
    if _DIRECT_PREFIX.match(gap) and before.term.role != "weak":
        return before
    if before.term.value == "gross_margin" and OF_RIGHT_BEHIND.match(text[quantity.end :]):
        return before  # "gross margin was $5.1 billion or 21.6 % of revenue"
    if before.term.value == "order" and behind.term.value in ("deployment", "capacity") and len(gap) <= 24:
        return before  # "the option to add 1.25 gigawatts of capacity": what is bought
    if before.term.value in RESULTS and _DIRECT.match(gap) and behind.term.value not in RESULTS:
        return before
    return behind


def _respective(reading: Reading, i: int, cues: list[Mention]) -> Mention | None:
    """The metric a figure of a list belongs to: "revenue and operating income were $5 billion and $1 billion, respectively"."""
    text, every = reading.text, reading.quantities
    if "respectively" not in text:
        return None
    first = last = i
    while first > 0 and _NEXT_IN_LIST.match(text[every[first - 1].end : every[first].start]):
        first -= 1
    while last + 1 < len(every) and _NEXT_IN_LIST.match(text[every[last].end : every[last + 1].start]):
        last += 1
    if first == last or not _RESPECTIVELY.match(text, every[last].end):
        return None
    named = [c for c in cues if c.end <= every[first].start][-(last - first + 1) :]
    listed = all(_NAMED_IN_LIST.match(text[a.end : b.start]) for a, b in itertools.pairwise(named))
    return named[i - first] if len(named) == last - first + 1 and listed else None


def _before(reading: Reading, quantity: Quantity, cues: list[Mention], lexicon: Lexicon) -> Mention | None:
    """The last cue before a figure that can be told in its unit."""
    floor = reading.clause_start(quantity.start)
    for cue in reversed(cues):
        if cue.end > quantity.start:
            continue
        if cue.start < floor or quantity.start - cue.end > MAX_GAP:
            return None
        if quantity.unit == "money" and _SHARE_OF.search(reading.folded, max(0, cue.start - 6), cue.start):
            continue  # 占营收的比例很低，投资了37亿美元
        if quantity.unit in ("pct", "pct_yoy", "pct_qoq") and _DELIVERED.match(reading.text, cue.start):
            return None  # "networking delivered double-digit growth": nothing is shipped
        if (
            cue.term.role == "other_metric"
            and quantity.unit == "money"
            and _RATE.search(reading.text[cue.start : cue.end])
        ):
            continue  # "operating income and operating margin were $699 million and 19.4 %"
        if (
            cue.term.value == "shipment"
            and quantity.unit in ("money", None)
            and not _SHIPPED.match(reading.text, cue.start)
        ):
            continue  # "we delivered $11 billion of Blackwell revenue"
        if cue.term.role == "other_metric" or (
            fits(quantity, cue.term.value, lexicon, reading) and _is_rate(reading, cue, quantity)
        ):
            return cue
        if cue.term.value == "gross_margin" and quantity.unit == "money" and not _listed(reading, cue, cues):
            return None  # the profit itself has no kind, and it is not the metric named before it
    return None


def _explained(reading: Reading, quantity: Quantity, cues: list[Mention], lexicon: Lexicon) -> Mention | None:
    """The metric whose explanation stands between it and its figure, whatever metrics the explanation names."""
    for cue in cues:
        if cue.end > quantity.start or not reading.text.startswith(", ", cue.end):
            continue
        if cue.term.role != "cue" or not fits(quantity, cue.term.value, lexicon, reading):
            continue
        if _APPOSITION.match(reading.text[cue.end : quantity.start]):
            return cue
    return None


def _listed(reading: Reading, cue: Mention, cues: list[Mention]) -> bool:
    """Whether a metric is named in one breath with the one before it ("revenue and gross margin were ...")."""
    before = [c for c in cues if c.end <= cue.start]
    return bool(before) and _LIST.match(reading.text[before[-1].end : cue.start]) is not None


def _is_rate(reading: Reading, cue: Mention, quantity: Quantity) -> bool:
    """Whether a figure beside "gross profit" is the margin, not the growth of the profit."""
    if cue.term.value == "gross_margin" and _DOLLARS.search(reading.text[cue.start : cue.end]):
        return True  # their growth, see `growth_unit`
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
        if quantity.unit == "pct" and _PAUSE_CJK.match(reading.text[quantity.end : cue.start + 1]):
            return None
        near = _BEHIND.match(gap) or _GROWTH_IN.match(gap) if gap.isascii() or "’" in gap else _BEHIND_CJK.match(gap)
        if not gap.strip() or near or (not reading.text.isascii() and _BEHIND_CJK.match(gap)):
            if cue.term.role == "other_metric" or fits(quantity, cue.term.value, lexicon, reading):
                return cue
        else:
            return None
    return None


def fits(quantity: Quantity, kind: str, lexicon: Lexicon, reading: Reading) -> bool:
    """Whether a kind can be told in the unit of a figure."""
    rule: Any = lexicon.kinds["revenue" if kind == "segment_revenue" else kind]
    units = rule.get("units", ())
    if quantity.unit in rule.get("units_zh", ()) and reading.document.lang == "zh":
        return True
    if quantity.unit in units or (quantity.unit is None and "money" in units and kind in _BARE):
        return True
    return bool(rule.get("growth")) and quantity.unit in ("pct", "pct_yoy", "pct_qoq")


def _is_of_the_told(reading: Reading, quantity: Quantity, cue: Mention) -> bool:
    """Whether a rate is that of the revenue told before: "At the midpoint, this reflects revenue growth of 12 %"."""
    told = reading.document.told
    if told is None or told.kind != "segment_revenue" or cue.term.value != "revenue" or quantity.unit != "pct":
        return False
    return 0 <= reading.offset - told.end <= 40 and _THIS_REFLECTS.match(reading.text, 0, cue.start) is not None


def _goes_on(reading: Reading, previous: Link, quantity: Quantity, cues: list[Mention], lexicon: Lexicon) -> bool:
    """Whether a figure without a cue of its own is told of the metric of the figure before it."""
    if not fits(quantity, previous.kind, lexicon, reading) and not (
        quantity.unit == "pct" and previous.kind in RESULTS
    ):
        return False
    start, end = previous.quantity.end, quantity.start
    if any(start <= c.start < end and c.term.role == "other_metric" for c in cues):
        return False
    between = reading.text[start:end]
    if quantity.unit == previous.quantity.unit and is_consensus(reading, quantity):
        return True
    if quantity.unit in (None, "money") and _THAT_CJK.search(reading.folded, start, end):
        return True
    if quantity.unit == "money" and previous.quantity.unit == "pct" and _TO_LEVEL.match(between):
        return True
    if _GOES_ON.search(between) or (quantity.unit == "pct" and end - start <= 40 and is_cagr(reading, quantity)):
        return True
    # "..., while Google was second with 175 to 185 billion": another subject, the same metric
    names_another = any(start <= m.start < end for m in reading.of("entity"))
    return names_another and quantity.unit == previous.quantity.unit and CLAUSE.search(between) is not None


def _elliptical(reading: Reading, quantity: Quantity, lexicon: Lexicon) -> bool:
    """Whether a sentence goes on about the figure told in the sentence before it."""
    told = reading.document.told
    if told is None or not 0 <= reading.offset - told.end <= 160:
        return False
    if reading.of("other_metric") or not fits(quantity, told.kind, lexicon, reading):
        return False
    same = quantity.unit == told.unit or (quantity.unit == "pct" and told.unit in (*GROWTH_UNITS, "pct", "money"))
    head = reading.text[: quantity.start].strip().lower()
    if _THAT_FIGURE.match(head) and quantity.unit == told.unit:
        return True
    if quantity.unit == told.unit == "money" and CONSENSUS.search(head):
        return True  # "Analysts had expected $68.5 billion", right behind the result
    if quantity.unit == "pct":
        return same and (not head or _MOVE_ALONE.match(head) is not None)
    starts_with_name = any(m.start <= 2 for m in reading.of("entity"))
    return same and starts_with_name and len(head) <= 60 and told.kind == "capex"
