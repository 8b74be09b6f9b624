"""Why a figure that was linked to a metric is no fact all the same: supposed, expected before, of another market, a rate."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.cues import UNIT_WORD
from tracker.extract.footing import is_expectation, is_supposed
from tracker.extract.growth import is_rate_of_another, is_step
from tracker.extract.lexicon import Lexicon
from tracker.extract.metrics import Link
from tracker.extract.reading import Mention, Reading
from tracker.extract.roles import nearest_product
from tracker.vocabulary import MARKET

_THESIS_MARKET: Final = re.compile(
    r"\bAI\b|hyperscal|\bWFE\b|cloud|big tech|\bCSPs?\b|\bfabs?\b|[Ww]afer|[Ss]erver|服务器|伺服器|云厂|雲端|云服务|晶圆|晶圓|存储|記憶體|内存|科技巨头|科技巨頭|巨头|[Cc]hip|[Ss]emiconductor|GPU|accelerator|data cent|memory|optic|HBM|cooling|芯片|晶片|半导体|半導體|算力|数据中心|資料中心"
)
_LEVELS: Final = frozenset(
    {"revenue", "segment_revenue", "operating_income", "capex", "inventory", "supply_commitment", "backlog"}
)
_GROWTH_BEHIND: Final = re.compile(r"^ (?:\w+ ){0,2}growth\b|^的?增长|^的?成长", re.IGNORECASE)
_COMPUTING_SOLD: Final = frozenset(
    {"cloud", "neocloud", "datacenter", "accelerator", "custom_silicon", "memory", "foundry"}
)
_LEAST: Final = 1e5  # money
_SPAN_OF_TIME: Final = re.compile(
    r"\b(?:first time in|in (?:the )?(?:last|past)|over the (?:last|past|next)|more than)\s(?:over |more than |about )?$",
    re.IGNORECASE,
)
_PER: Final = re.compile(
    r"\b(?:every|each|per|a typical)\s(?:additional )?$|(?:每一?个?|以|假设|假如)\s?$", re.IGNORECASE
)
_ENERGY: Final = re.compile(
    r"^[^,.;，。；]{0,32}\b(?:clean|renewables?|wind|solar|nuclear|gas|battery|batteries|storage|generation|grid|carbon-free|geothermal|hydro|turbines?|fuel cells?)\b"
    r"|^[^,.;，。；]{0,12}(?:风电|光伏|核电|燃气|储能|发电|电池)",
    re.IGNORECASE,
)
_ENERGY_BEFORE: Final = re.compile(
    r"\b(?:wind|solar|nuclear|gas|battery|generation|renewables?)\b[^,.;]{0,14}$|(?:风电|光伏|核电|燃气|储能|发电)[^，。]{0,6}$",
    re.IGNORECASE,
)
_COMPUTING: Final = re.compile(
    r"data[ -]?cent|\bAI\b|comput|supercomputer|GPU|hyperscal|数据中心|資料中心|资料中心|算力|智算",
    re.IGNORECASE,
)
_IN_GENERAL: Final = re.compile(
    r"\b(?:typical(?:ly)?|usually|in general)\b|通常|典型|一般来说",
    re.IGNORECASE,
)
# "slices of, say, 2,048 of them": how many there may be, not how many there are
_EXAMPLE: Final = re.compile(
    r"(?:\b(?:for example|for instance|e\.g|say|such as)\b|比如|例如|譬如|要想)[^。.;；]{0,24}$", re.IGNORECASE
)
# Power of the grid, not of a site; "... of data-center load" is one of all sites.
_OF_THE_GRID: Final = re.compile(
    r"^\s?(?:of )?(?:new |additional |incremental |underutili[sz]ed |unused |spare |more |total |the )*(?:grid|peak|generation|generating|interconnection|transmission|incremental)\b(?![^,.;]{0,24}data[ -]?cent)"
    r"|^\s?of (?:new|incremental|additional) (?:demand|load|power)\b",
    re.IGNORECASE,
)
# Power companies: what is connected to their lines is others' to tell.
_UTILITY: Final = re.compile(
    r"\b(?:AEP|American Electric Power|Dominion|Duke Energy|Southern Company|NextEra|Entergy|Exelon|Xcel|FirstEnergy|Evergy|Ameren|CenterPoint|Oncor|ComEd|Georgia Power|PG&E|Pacific Gas)\b"
)
_MADE_WITH: Final = re.compile(
    r"\b(?:powered by|equipped with|based on|using|featuring|consist\w+ of|made up of|packing|houses?|housing|contain\w*|common architecture for|designed for|scal\w+ (?:from|to))\b[^.;]{0,40}$",
    re.IGNORECASE,
)
_OWN_SITE: Final = re.compile(
    r"\b(?:(?:to|will|is|are|plans? to|we're) (?:build|open|construct|deploy|install|operat|lease)\w*|built|opened|deployed|leased)\b",
    re.IGNORECASE,
)
_SUPPLIERS: Final = frozenset(
    {
        "accelerator",
        "custom_silicon",
        "network",
        "optics",
        "copper",
        "equipment",
        "memory",
        "foundry",
        "packaging",
        "ip",
        "materials",
    }
)
_TOGETHER: Final = re.compile(r"\b(?:collectively|together|combined|between them)\b[^.;]{0,50}$", re.IGNORECASE)
_BOOKED: Final = re.compile(r"orders?|bookings|borders", re.IGNORECASE)
_RAISED_BY: Final = re.compile(r"(?:上调|上修|下修|下调|调升|调降|追加|减少|增加)了(?:整整|约|近|逾|足足)?\s?$")
_KIND_OF_FIRM: Final = re.compile(r"^[^，。；]{0,6}的[^，。；]{0,6}(?:公司|企业|厂商|初创|玩家|店|业者)")
_FAST: Final = re.compile(r"能做到|缩短|只要|仅需|只需|快至|缩减")
# What a text reckons with, or what follows from an if, nobody told.
_SUPPOSING: Final = re.compile(r"^[\s*#>-]{0,4}(?:[^，。；]{1,6}，)?(?:若(?!干)|假如|假设|倘若)")
_RECKONED_WITH: Final = re.compile(r"(?:按照|按|假设|需要|大约需要|至少需要)(?:约|大约|近)?\s?\**$")
_RECKONED_BEHIND: Final = re.compile(r"^\**的?[^，。；]{0,6}(?:来?计算|来?估算|来算|推算)[，,]")
_GREW_BY: Final = re.compile(r"(?:增长|增加|成长|减少|下降|提升|多|少)了(?:约|近|逾|超过|将近)?\s?\**$")
_NOT_THAT: Final = re.compile(r"(?:也非|并非|不是|而非)(?:约)?\s?$")
_ABOVE_EXPECTED: Final = re.compile(
    r"比[^，。；]{0,24}(?:预期|预估|共识)[^，。；]{0,8}(?:高出?|低|多)了?(?:约|大约|近)?\s?$"
)
_FOR_EXAMPLE: Final = re.compile(r"(?:例如|比如|譬如|要想|若要|假如|如果)[^。；]{0,36}$")
_BUILT_IN: Final = re.compile(r"(?:(?:仅|只)?(?:用|花)了?|耗时|历时|仅需|只需|需要?|需时)(?:不到|约|近|短短|大约)?\s?$")
_MOVES: Final = re.compile(
    r"\b(?:up|down|above|below|ris\w+|rose|grew|grow\w*|increas\w+|decreas\w+|declin\w+|fell|expand\w*|doubl\w+|tripl\w+|more than|higher|lower|jump\w+|cut\w*)\b"
    r"|增|减|減|升|降|扩|擴|翻|倍|成长|成長",
    re.IGNORECASE,
)
_RATE_OF_COST: Final = re.compile(
    r"^[^,.;，。]{0,40}\b(?:costs?|requires?|would cost|takes)\b|^\s?[=＝]|^[^，。；]{0,24}(?:需要|成本|造价|是什么概念)",
    re.IGNORECASE,
)


def reason_against(
    reading: Reading, link: Link, entity: str, product: str | None, anchor: int, lexicon: Lexicon
) -> str | None:
    """Why a linked figure is none of the kind's facts; None when nothing speaks against it."""
    quantity, kind, text = link.quantity, link.kind, reading.text
    if is_expectation(reading, quantity):
        return "what had been expected, told before"
    if is_supposed(reading, anchor):
        return "only supposed"
    if kind in ("revenue", "segment_revenue") and is_rate_of_another(
        reading, quantity, link.after.kind if link.after else None
    ):
        return "the rate of an income or expense"
    if (
        kind in ("revenue", "segment_revenue")
        and quantity.unit == "pct"
        and len({m.term.value for m in reading.of("entity")}) > 1
        and _TOGETHER.search(text[max(0, quantity.start - 60) : quantity.start])
    ):
        return "the share of several together"
    if kind in _LEVELS and quantity.unit in ("money", None):
        if is_step(reading, quantity) and not (kind == "capex" and reading.document.lang == "zh"):
            return "how much a figure moved by, or the middle of a range"
        if max(abs(quantity.low or 0.0), abs(quantity.high or 0.0)) < _LEAST:
            return "too small to be a company's figure"
    if not text.isascii() and (reason := _reason_against_chinese(reading, link)) is not None:
        return reason
    if kind == "gross_margin" and _GROWTH_BEHIND.match(text[quantity.end : quantity.end + 50]):
        return "growth, not a margin"
    if (
        kind in ("deployment", "order")
        and quantity.unit != "months"
        and _IN_GENERAL.search(text, reading.clause_start(anchor), quantity.end)
    ):
        return "told of such things in general"
    if kind == "deployment":
        return _reason_against_site(reading, link, entity, lexicon)
    if kind == "supply_tightness" and _SPAN_OF_TIME.search(text[: quantity.start]):
        return "how far one looks back, not how long one waits"
    return _reason_against_trade(reading, link, entity, product, lexicon)


def _reason_against_chinese(reading: Reading, link: Link) -> str | None:
    """What Chinese wording around a figure says against it (folded)."""
    quantity, kind = link.quantity, link.kind
    before = reading.folded[max(0, quantity.start - 16) : quantity.start]
    behind = reading.folded[quantity.end : quantity.end + 24]
    if link.after is not None and quantity.unit == "money" and _RAISED_BY.search(before):
        return "how much a figure moved by, or the middle of a range"
    if kind in ("revenue", "segment_revenue") and _KIND_OF_FIRM.match(behind):
        return "it describes a kind of firm"
    if (
        _SUPPOSING.match(reading.folded)
        or (quantity.unit != "months" and _RECKONED_WITH.search(before))
        or _RECKONED_BEHIND.match(behind)
    ):
        return "only supposed"
    if link.cue is not None and kind in ("order", "capacity") and quantity.unit == "pct" and _far(reading, link):
        return "told of something else"
    if (
        kind in ("revenue", "segment_revenue", "backlog", "inventory")
        and quantity.unit == "money"
        and _GREW_BY.search(before)
    ):
        return "how much a figure moved by, or the middle of a range"
    if kind == "order" and _NOT_THAT.search(before):
        return "negated"
    if quantity.unit == "pct" and _ABOVE_EXPECTED.search(reading.folded, max(0, quantity.start - 40), quantity.start):
        return "by how much expectations are beaten"
    if kind == "deployment" and _FOR_EXAMPLE.search(reading.folded, max(0, quantity.start - 44), quantity.start):
        return "only supposed"
    if kind == "supply_tightness" and (_FAST.search(before) or _FAST.search(behind)):
        return "how quick somebody delivers"
    return None


def _far(reading: Reading, link: Link) -> bool:
    """Whether a rate stands further from its Chinese cue than words of one clause do."""
    cue, quantity = link.cue, link.quantity
    if cue is None:
        return False
    low, high = (cue.end, quantity.start) if cue.end <= quantity.start else (quantity.end, cue.start)
    return (
        high - low > 30
        or reading.folded.count("，", low, max(low, high)) + reading.folded.count(",", low, max(low, high)) > 1
    )


def _reason_against_site(reading: Reading, link: Link, entity: str, lexicon: Lexicon) -> str | None:
    """Against megawatts and cards that nobody puts up: what one costs, what it means, what a power station gives."""
    quantity = link.quantity
    before, behind = (
        reading.text[max(0, quantity.start - 30) : quantity.start],
        reading.text[quantity.end : quantity.end + 50],
    )
    if quantity.unit == "months":
        built = _BUILT_IN.search(reading.folded, max(0, quantity.start - 14), quantity.start)
        return None if built else "how long something else takes than building"
    if _RATE_OF_COST.search(behind) or _PER.search(before):
        return "what a unit of it costs or needs, not what is built"
    if quantity.unit in ("gpus", "racks") and _EXAMPLE.search(reading.text[: quantity.start]):
        return "an example"
    if lexicon.layers.get(entity) in _SUPPLIERS and reading.document.lang != "zh":
        operators = {m.term.value for m in reading.of("entity") if lexicon.layers.get(m.term.value) not in _SUPPLIERS}
        ahead = reading.text[max(0, quantity.start - 70) : quantity.start]
        alone = quantity.unit in ("MW", "GW") and not operators - lexicon.observers
        if _MADE_WITH.search(ahead) or (alone and not _OWN_SITE.search(ahead)):
            return "what a site is made with, told of its maker"
    if quantity.unit not in ("MW", "GW", "kW", "W"):
        return None
    if _OF_THE_GRID.match(behind):
        return "power of the grid, not of a site"
    computing = _COMPUTING.search(reading.text) is not None or any(
        m.term.value == "data_center" for m in reading.of("product")
    )
    if not computing and (_ENERGY.match(behind) or _ENERGY_BEFORE.search(before)):
        return "power that is generated, not used"
    if entity == MARKET and _UTILITY.search(reading.text, 0, quantity.start):
        return "told of a power company's lines"
    if entity == MARKET and not computing:
        return "megawatts of something else than computing"
    if link.cue is not None and UNIT_WORD.match(reading.text[link.cue.start : link.cue.end]):
        operator = lexicon.layers.get(reading.document.issuer or "") in ("datacenter", "neocloud")
        if not computing and not operator:
            return "megawatts of something else than computing"
    return None


def _reason_against_trade(
    reading: Reading, link: Link, entity: str, product: str | None, lexicon: Lexicon
) -> str | None:
    """Against what is sold, ordered and shipped outside the thesis."""
    quantity, kind = link.quantity, link.kind
    if (
        entity == MARKET
        and kind in ("revenue", "segment_revenue", "capex")
        and not (reading.of("product") or _THESIS_MARKET.search(reading.text))
        and len({m.term.value for m in reading.of("entity")}) < 3
    ):
        return "a market that the thesis is not about"
    beside = product or (nearest_product(reading, link.cue) if link.cue is not None else None)
    if kind == "price" and beside is None:
        return "the price of nothing on the lexicon"
    if kind == "shipment" and beside is None and (quantity.unit == "units" or entity == MARKET):
        return "shipments of nothing on the lexicon"
    if (
        kind in ("order", "capacity")
        and quantity.unit == "pct"
        and not _MOVES.search(reading.text[max(0, quantity.start - 40) : quantity.end + 40])
    ):
        return "a share, not a change"
    if kind == "order" and quantity.unit is None and not _BOOKED.match(reading.text, link.cue.start if link.cue else 0):
        return "a number without a unit"
    if (
        kind == "order"
        and quantity.unit == "money"
        and not _is_deal_of_the_thesis(reading, entity, product, link.cue, lexicon)
    ):
        return "an order without a product, another party or a site of the thesis"
    return None


def _is_deal_of_the_thesis(
    reading: Reading, entity: str, product: str | None, cue: Mention | None, lexicon: Lexicon
) -> bool:
    if product is not None or reading.document.period is not None or reading.document.deal is not None:
        return True
    if entity == MARKET:
        return False
    said = reading.folded[cue.start : cue.end] if cue is not None else ""
    if lexicon.layers.get(entity) in ("cloud", "neocloud") and said in ("订单", "大单"):
        return True  # what a cloud has on order is computing
    others = {m.term.value for m in reading.of("entity")} - {entity} - lexicon.observers
    if said in ("支付", "购买"):  # for computing: one pays a cloud, or a maker of chips
        return any(lexicon.layers.get(other) in _COMPUTING_SOLD for other in others)
    return bool(others or reading.of("setting"))
