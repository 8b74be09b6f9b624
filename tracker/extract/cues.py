"""Which words of a sentence name a metric there: cues that hold, parts told by name alone, what is taken back."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.lexicon import Lexicon
from tracker.extract.quantity_words import Quantity
from tracker.extract.reading import Mention, Reading
from tracker.extract.terms import Term
from tracker.vocabulary import MARKET

_GREW: Final = re.compile(
    r"^\s?(?:业务|業務|销售|銷售|云端|雲端)?(?:(?:was|were|is|are|be|has|have|also|again|and|to|will|should|would|both|each|combined|business(?:es)?|segment|division|unit|"
    r"other cloud services|(?:is |are )?expected|continues|continued|revenue|\w+ly)\s)*\s?(?:\b(?:up|down|grew|grow|grows|growing|rose|rise|increased?|"
    r"declined?|decreased?|fell|jumped|surged|soared|accelerated?|expanded?)\b|同比|环比|環比|年增|季增|增长|增長|成长|成長|大增|暴增|激增|劲增|勁增|狂增|飙升|飆升|飙增|飆增|爆增|爆|飙|飆|大涨|大漲|下滑|下降)[^,;，；。]{0,30}$"
    r"|^ in the $",
    re.IGNORECASE,
)
_WAS: Final = re.compile(
    r"^ (?:business(?:es)? |segment |division |unit )?(?:was|were|came in at|reached|totaled|grew to|rose to|increased to|declined to|fell to|decreased to) "
    r"(?:about |nearly |over |a record |roughly |approximately )?$",
    re.IGNORECASE,
)
_EXPLAINED: Final = re.compile(
    r"^,\s(?:which|who|that|the|an?|our)\s[^.;]{4,140},\s(?:grew|rose|increased|was up|were up|fell|declined|jumped|surged|climbed|soared)\s(?:by |about |nearly |over |more than |roughly )*$",
    re.IGNORECASE,
)
_RANKED: Final = re.compile(
    r"^\s(?:was|is|were|remained) (?:the |our )(?:\w+[- ])?(?:fastest|slowest|strongest|weakest)[- ]?(?:growing )?(?:region|segment|geography|market|business|area) (?:at|with) $",
    re.IGNORECASE,
)
_IN_EXPLANATION: Final = re.compile(r",\s(?:which|who|that|the|an?|our)\s[^.;]{0,140}$", re.IGNORECASE)
_WE_GREW: Final = re.compile(r"we grew", re.IGNORECASE)
_SO_MUCH: Final = re.compile(
    r"^ (?:a |an |by |about |nearly |over |more than |approximately |roughly |strong |impressive |solid |another )*$",
    re.IGNORECASE,
)
UNIT_WORD: Final = re.compile(r"(?:megawatts?|gigawatts?|mw|gw|兆瓦|吉瓦)$", re.IGNORECASE)
_MANNER: Final = re.compile(r"performance|efficiency|impact", re.IGNORECASE)
_WHOLE_BUSINESS: Final = re.compile(
    r"\b(?:our|the|this|total|overall|whole|its|their)(?: overall| core| total)? (?:business|businesses)$|\b(?:new|repeat|show|more|any|do|of) business(?:es)?$",
    re.IGNORECASE,
)
_NEXT_TO: Final = re.compile(r"^(?:\s[\w-]{1,11})?\s?$|^的$")
_MARKET_FOR: Final = re.compile(r"^ (?:for|of) (?:[\w()/-]+ ){0,7}$", re.IGNORECASE)
_THE: Final = re.compile(r"\b(?:the|this|that) $", re.IGNORECASE)
_MADE: Final = re.compile(
    r"^\s?(?:business|segment|unit|division|operations?|业务|業務|部门|部門)?\s?(?:made|brought in|generated|took in|pulled in|delivered|posted|contributed|rang up|booked|earned|贡献了?|贡献|带来了?)"
    r"\s?(?:about |nearly |over |more than |a record |roughly |approximately |约|超过|近)?$",
    re.IGNORECASE,
)
_SITE: Final = 1e8  # money; what a site for computing costs at least
_OF_A_SITE: Final = re.compile(
    r"^(?:[- ](?!(?:is|was|were|are|will|to|by|from|and|than|that|which|who|as|or|at|up|down|with|would|said|per|deal|loan|bond|fund|stake|contract|financing|valuation|market)\b)[\w&'’-]+){0,4}[- ]$"
    r"|^ (?:in|into|on|for|toward|towards) (?:[\w&'’-]+ ){0,5}$",
    re.IGNORECASE,
)
_BUILDS: Final = re.compile(
    r"\b(?:build\w*|built|construct\w*|invest\w*|spend\w*|plans?|planned|planning|announc\w*|unveil\w*|puts?|putting|pour\w*|commit\w*|pledg\w*|develop\w*|broke ground|breaks? ground|breaking ground|open\w*|launch\w*|earmark\w*)\b",
    re.IGNORECASE,
)
STAKE: Final = re.compile(r"invest|stake|put into|投资|注资|入股|领投|資", re.IGNORECASE)
_INTO: Final = re.compile(r"\b(?:in|into)\s(?:\w+ )?$|[在于]$|^\s?$|入股|投资$")
_TOWARDS: Final = re.compile(r"[向对對给給]\s?\**$")
_IN_A_PLACE: Final = re.compile(r"(?:在|对(?!外))[\u4e00-\u9fff]{1,5}(?:再|加码|追加|累计)?(?:投资|砸|斥资)")
_PAYS: Final = "支付"
_TO_SOMEBODY: Final = re.compile(r"[向给給][^，。；,;向]{1,18}$")  # 向CoreWeave支付
_PAPERS: Final = re.compile(
    r"\b(?:start-?ups?|ventures?|funds?|portfolios?|shares|stakes?|stocks?|bonds|equity|(?<!the )compan(?:y|ies)|research|training|education|skills)\b|初创|新创|基金|股票|股权|债券|公司|研发|教育|培训",
    re.IGNORECASE,
)
_ROUND: Final = re.compile(r"\bround\b|轮融资|輪融資|融资轮", re.IGNORECASE)


def cues_of(reading: Reading, lexicon: Lexicon) -> list[Mention]:
    """Cues and the metrics no kind is about, in order, the longest wording where they overlap."""
    told = reading.document.told
    goes_on = told is not None and told.kind in ("capex", "deployment") and 0 <= reading.offset - told.end <= 300
    in_a_place = _builds_somewhere(reading) or _IN_A_PLACE.search(reading.folded) is not None
    weak_counts = bool(reading.of("setting")) or goes_on or in_a_place
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
        if kept and _is_manner_of(reading, kept[-1], cue):
            continue
        if reading.text[cue.start : cue.end] == _PAYS and not _TO_SOMEBODY.search(reading.text[: cue.start]):
            continue
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


def _builds_somewhere(reading: Reading) -> bool:
    """Whether money goes into a country ("invest $3 billion in India"), and not into its companies or papers."""
    return bool(reading.of("place") and reading.of("weak")) and not _PAPERS.search(reading.text)


def _is_manner_of(reading: Reading, before: Mention, cue: Mention) -> bool:
    """Whether a metric no kind is about only goes on with the one before it: "the gross margin performance"."""
    return (
        cue.term.role == "other_metric"
        and before.term.role == "cue"
        and 0 <= cue.start - before.end <= 1
        and _MANNER.match(reading.text[cue.start : cue.end]) is not None
    )


def _sized_market(reading: Reading, cue: Mention) -> bool:
    """Whether "market" stands behind the product it is the market of: "the liquid cooling market"."""
    text = reading.text[cue.start : cue.end].lower()
    if text not in ("market", "markets", "市场", "市場"):
        return True
    before, behind = reading.text[: cue.start], reading.text[cue.end :]
    named = [m for m in (*reading.of("product"), *reading.of("setting")) if 0 < m.start - cue.end <= 70]
    if any(_MARKET_FOR.match(behind[: m.start - cue.end]) for m in named):
        return True
    told = reading.document.told
    if (
        told is not None
        and told.kind == "segment_revenue"
        and told.entity == MARKET
        and reading.offset - told.end <= 60
    ):
        return _THE.search(before) is not None  # the market just sized
    return any(
        0 <= cue.start - m.end <= 12 and _NEXT_TO.match(before[m.end :])
        for m in (*reading.of("product"), *reading.of("setting"))
    )


def built_for(reading: Reading, quantity: Quantity) -> Mention | None:
    """What an amount is spent on, named right behind it: "plans a $2 billion campus", "put $20 billion into data centers"."""
    if quantity.unit != "money" or max(quantity.low or 0.0, quantity.high or 0.0) < _SITE:
        return None
    text = reading.text
    for m in reading.of("setting"):
        if not 0 <= m.start - quantity.end <= 56 or not _OF_A_SITE.match(text[quantity.end : m.start]):
            continue
        if _BUILDS.search(text, reading.clause_start(quantity.start), quantity.start):
            return m._replace(term=Term("weak", "capex"))
    return None


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


def cut_of(reading: Reading, quantity: Quantity, cue: Mention, cues: list[Mention]) -> Mention | None:
    """The word that takes an order, a site or spending back, when it stands before the figure in its clause."""
    if cue.term.value not in ("order", "deployment", "capex", "capacity"):
        return None
    floor = reading.clause_start(quantity.start)
    cuts = [c for c in cues if c.term.value == "demand_cut" and floor <= c.start and c.end <= quantity.start]
    return cuts[-1] if cuts else None


def implied_part(reading: Reading, quantity: Quantity) -> Mention | None:
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
            if quantity.unit != "money" and (_EXPLAINED.match(gap) or _RANKED.match(gap)):
                return part
            if pattern.match(gap) or (in_a_call and quantity.unit == "money" and _WAS.match(gap)):
                return part
            if not _IN_EXPLANATION.search(reading.text, 0, part.start):
                return None  # the nearest one counts, unless it only belongs to what explains another
    return None
