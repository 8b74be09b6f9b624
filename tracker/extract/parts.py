"""Whether a revenue figure is told of the whole company or of a part of it, and of which."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon
from tracker.extract.metrics import Link
from tracker.extract.quantity_words import Quantity
from tracker.extract.reading import Mention, Reading

_WHOLE: Final = re.compile(
    r"\b(?:total|company|companywide|company-wide|consolidated|group|overall|net|quarterly|firmwide)\s*(?:quarterly |company |reported )?$",
    re.IGNORECASE,
)
_INSIDE: Final = re.compile(
    r"^\s*(?:from|of|for|in|across|within)\s+(?:our |the |its |their )?(?:\w+ ){0,2}$", re.IGNORECASE
)
_JOINS: Final = re.compile(
    r"[,;:.，。；]|\b(?:and|was|were|is|are|with|to|of|for|drove|driving|grew|from)\b", re.IGNORECASE
)
# Words that stand before "revenue" without making it the revenue of a part.
_AUXILIARY: Final = re.compile(
    r"(?:is|are|was|were|be|been|we're|i'm|they're|it's|of|by|and|to|from|while)$", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"[A-Za-z][\w.&'’+/-]*|\d[\w.,%]*|[^\sA-Za-z\d]")
_LEAD: Final = re.compile(
    r"^(?:and |so |now |then |ok(?:ay)?,? |well,? )*(?:(?:(?:moving|turning|shifting|looking|switching|going|over|now|next) (?:on |over |now |back |first |next )?(?:to|at)|"
    r"starting with|beginning with|within|inside|in|for|as for|on|across) (?:the |our |its |that )?)(?P<name>[A-Za-z][\w&' /+-]{1,44}?)(?: (?:segment|business|division|unit|side|market))?,\s",
    re.IGNORECASE,
)
# Leads that name a time, a manner or nothing at all.
_NO_PART: Final = re.compile(
    r"\b(?:quarter|year|month|half|q[1-4]|fy|fiscal|period|total|all|summary|addition|fact|particular|general|short|contrast|comparison|turn|terms|"
    r"dollars?|currenc\w+|basis|guidance|outlook|results?|p&l|balance sheet|cash flow|example|instance|perspective|financials?|numbers?|details?|"
    r"company|group|consolidated|sum|aggregate|us|you|me|january|february|march|april|may|june|july|august|september|october|november|december|"
    r"page|slide|chart|call|conference|interview|statement|presentation|report|release|letter|e-?mail|filing|note|announcement|earnings|meeting|way|case|part|today|now|recent\w*|last|next|first|second|third|fourth|reference|context|modeling|clarity|highlights?|overall|time|times|line|response|part)\b",
    re.IGNORECASE,
)
_SECTION_REACH: Final = 320  # characters between the words that open a part and a bare "revenue was"
_OPENS: Final = re.compile(
    r"(?:(?:moving|turning|shifting|looking|switching|turn|move|shift|go|get) (?:on |over |now |back |first |next )?to|(?:next|now|first|finally|lastly),?(?! (?:let|we|i|i'll|i'd|turning|moving|looking|with|in|for|on)\b)) (?:(?:page|slide) [\w-]+,? (?:and |for |to |on |with )*)?(?:the |our )?(?P<name>[A-Za-z][\w&' /+-]{1,40}?)(?: (?:segment|business|division|unit))?[.,]\s"
    r"|\b(?:page|slide) [\w-]+,? (?:and )?(?:we |which |it |where we |i |you (?:can |will |'ll )?)?(?:show|see|summariz|cover|present|highlight|provid|recap|detail|outlin|illustrat|have|is|are)\w* (?:the |our )*(?:financial |quarterly )*(?:results?|performance|highlights?|details?|numbers?)?(?: (?:for|of|from|in))?(?: (?:the|our))* ?(?P<shown>[A-Za-z][\w&' /+-]{1,40}?) (?:segment|business|division|unit)(?:'s)?\b",
    re.IGNORECASE,
)
# Where the part that is told of was named in so many words, "total revenue" right behind is its own.
_PART_WORD: Final = re.compile(r"\b(?:segment|business|division|unit)\b[^.]{0,40}\.?\s*$", re.IGNORECASE)
_COMPANY_TOTAL: Final = re.compile(
    r"\b(?:company|companywide|company-wide|consolidated|group|firmwide)\b", re.IGNORECASE
)
_BEGINS: Final = re.compile(
    r"(?:(?:and|so|now|again|overall|sequentially|organically|year over year|at the segment level|(?:in|for|during) (?:the )?(?:(?:\w+ )?quarter|q[1-4]|(?:full |fiscal )?year)|on an? [\w-]+(?: [\w-]+)? basis),? )*",
    re.IGNORECASE,
)
# A part as the one who brings revenue: "Power delivered 7 % revenue growth", "e-mobility posted 4 % organic growth".
_BRINGS: Final = re.compile(
    r"(?:our |the )?(?:\w+ \d+ )?(?P<name>[A-Za-z][\w&'/+-]*(?: [A-Za-z][\w&'/+-]*){0,4}?)(?P<unit> (?:segment|business|division|unit|group|assets|products?|sites?|solutions|line))?"
    r"(?: is (?:our|the) [^,;]{3,50},)?(?: (?:also|again|now|once again|continues to|continued to|has|have))* "
    r"(?:deliver(?:s|ed|ing)?|post(?:s|ed|ing)?|record(?:s|ed|ing)|achiev(?:es|ed|ing)|generat(?:es|ed|ing)|saw|had|contribut(?:es|ed|ing)|register(?:s|ed|ing)|increased|grew|reported|is now annualizing|is annualizing)\b[^,;]{0,60}$",
    re.IGNORECASE,
)
_INTRO: Final = re.compile(r"[A-Z][\w' ]{2,40}, ")
_NOBODYS_PART: Final = re.compile(
    r"\b(?:we|i|it|they|he|she|you|this|that|these|those|which|who|what|there|company|group|firm|team|teams|quarter|year|month|results?|performance|execution|customers?|clients?|demand|growth|revenues?|sales|orders?|management|everyone|all|both|each|organization|momentum|strength|operations|investors?|analysts?|competitors?|peers|industry|market|one|total|overall|consolidated|net|gross|also|and|but|as|while|if|when|because|since|q[1-4]|to|of|in|for|with|by|from|at|on|mr|ms|ceo|cfo|deliver\w*|achiev\w*|report\w*|generat\w*|post\w*|chipmaker|\w*maker|giant|manufacturer|foundry|supplier|provider|startup|start-up|world|largest|parent|owner)\b",
    re.IGNORECASE,
)
_GOES_ON: Final = re.compile(
    r"^(?!.*\b(?:total|company|overall|consolidated|we|our|group)\b)[^.;]{0,60}\b(?:including|included|includes|and (?:is |it )?now|which (?:is|now|was)|now|an? (?:organic|underlying))\b[^.;]{0,40}$",
    re.IGNORECASE,
)
_GROWTH_OF: Final = re.compile(
    r" (?:organic |underlying |total )?(?:sales |revenue )?(?:growth|decline|increase|decrease)?\s?(?:in|of|from|across) (?:our |the )(?P<name>[A-Za-z][\w&'/ +-]{1,40}?) (?:segment|business|division|unit)\b",
    re.IGNORECASE,
)
_SHORT_NAME: Final = re.compile(
    r"(?:^|[.;,] )(?!We|It|Q\d)([A-Z][A-Z&]{1,5}) (?:delivered|posted|generated|reported|had|recorded|achieved|contributed)(?: (?:record|quarterly|strong|total))*\s$"
)
_MODEL: Final = re.compile(r"(?!q\d|h\d|fy)[a-z]{1,6}-?\d+[a-z]{0,3}$")  # "H20 revenue", "MI300 revenue"
_WE: Final = re.compile(r"we grew", re.IGNORECASE)
_FROM: Final = re.compile(
    r"\s(?:from|within|across|outside|related to|attributable to|generated (?:by|from)|in) (?:our |the |its |their )?(?P<name>[A-Za-z][\w&'/-]*(?: [A-Za-z][\w&'/-]*){0,2})"
)
_NOT_FROM: Final = re.compile(
    r"(?:\d|board|sales|revenues?|volumes?|operations|continuing|higher|lower|increas|decreas|improv|stronger|weaker|excess|line|part|constant|prior|previous|last|existing|local|both|these|those|this|that|any|all|"
    r"each|more|less|other income|customers|whom|which|what|where|how|it|them|us|our|your)",
    re.IGNORECASE,
)
_ITS: Final = re.compile(r"^ (?:of|in|worth of)? ?(?:[\w'’.-]+ ){0,4}$")
_GIVES: Final = re.compile(
    r"^ (?:business |segment |unit |chips? )?(?:contributed|accounted for|brought in|made|gave|generated|represented|supplied|delivered|achieved|posted|saw|recorded|drove)\b[^,;.]{0,20}$",
    re.IGNORECASE,
)
_RANKED: Final = re.compile(
    r"\b(?:strongest|fastest|highest|slowest|weakest|lowest|led by|best)\b[\w -]{0,14}\b(?:in|by) (?:our |the |\w+ (?:\w+ )?and )*$",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(r"\b(?:unit|segment|division|business|arm|group)\b", re.IGNORECASE)


def part_of(reading: Reading, cue: Mention, quantity: Quantity, lexicon: Lexicon) -> tuple[str, str | None, str]:
    """(kind, product, name) of a revenue figure: of the whole company, or of a part of it by its name where it has one."""
    text = reading.text
    near = _named(reading, cue, quantity)
    if _WHOLE.search(text[: cue.start]) and not near and not _in_section(reading, cue):
        return "revenue", None, ""
    name = ""
    if near is None:
        near = []
        if _WE.match(text, cue.start):
            return ("segment_revenue" if _in_section(reading, cue) else "revenue"), None, ""
        if not (
            cue.term.role == "implied"
            or _from_part(reading, cue)
            or _delivers(reading, cue, lexicon)
            or _chinese_part(reading, cue)
            or (name := _modified(reading, cue, quantity, lexicon))
            or (name := _brought_by(reading, cue, quantity, lexicon))
            or _in_section(reading, cue)
        ):
            return "revenue", None, ""
    else:
        name = fold(text[near[-1].start : near[-1].end])
    values = [m.term.value for m in near if m.term.role == "segment" and m.term.value != "_"] or [
        m.term.value for m in near if m.term.role == "product"
    ]
    return "segment_revenue", values[-1] if values else None, name


def goes_on_about_part(reading: Reading, link: Link, lexicon: Lexicon) -> bool:
    """Whether a figure goes on about the part told before it: "AWS grew 19 % and now stands at a run rate of ..."."""
    before = link.after
    if before is None or before.kind != "revenue" or before.cue is None or before.cue is link.cue:
        return False
    if not _GOES_ON.match(reading.text[before.quantity.end : link.quantity.start]):
        return False
    return part_of(reading, before.cue, before.quantity, lexicon)[0] == "segment_revenue"


# A part told by a short noun of its own: "其中，客户收入28.9亿", "M365的商业版收入", "SaaS业务差一点，收入只有41亿".
_PART_NOUN: Final = re.compile(
    r"(?:版|业务|服务|产品|订阅|软件|广告|会员|部门|板块|事业群?|平台|系统)(?:[和与及][^，。；]{1,10})?的?(?:年化|总)?$"
)
_SHORT_PART: Final = re.compile(r"[，；：、,;:](?:其中[，,]?)?(?P<name>[\u4e00-\u9fff]{2,3})的?$")
_NO_SHORT_PART: Final = re.compile(
    r"[总年季月全合并预其当净本单上下期今去明后前实估约达超整累集带创录有将产贡相首该这我它他们同比环平均和与且但而则也都为是在的了]|公司|营业|海外|来自|最新|财报"
)
_PART_BEFORE: Final = re.compile(r"业务(?!线)[^，。；]{0,22}[，,]\s?(?:其|单季|季度|总)?$")
_BROUGHT: Final = re.compile(r"(?:为|给)[^，。；]{1,8}带来的?[^，。；]{0,6}$")


def _chinese_part(reading: Reading, cue: Mention) -> bool:
    """Whether a Chinese clause tells of a part of the business right before "revenue"."""
    if reading.text.isascii():
        return False
    before = reading.folded[max(0, cue.start - 40) : cue.start].replace("*", "")
    names = [m for m in reading.of("entity") if m.end == cue.start or reading.folded[m.end : cue.start] == "的"]
    if names:
        return False
    if _PART_NOUN.search(before) or _PART_BEFORE.search(before) or _BROUGHT.search(before):
        return True
    short = _SHORT_PART.search(before)
    return short is not None and not _NO_SHORT_PART.search(short["name"])


def _from_part(reading: Reading, cue: Mention) -> bool:
    """Whether "revenue from ..." names where it comes from: a kind of customer, a place, a use."""
    found = _FROM.match(reading.text, cue.end)
    return found is not None and not _NO_PART.search(found["name"]) and not _NOT_FROM.match(found["name"])


def _delivers(reading: Reading, cue: Mention, lexicon: Lexicon) -> bool:
    """Whether a part by its short name brings the revenue: "QCT delivered revenues of ..."."""
    found = _SHORT_NAME.search(reading.text, 0, cue.start)
    return found is not None and not any(t.role == "entity" for t in lexicon.terms.get(fold(found[1]), ()))


def _named(reading: Reading, cue: Mention, quantity: Quantity) -> list[Mention] | None:
    """The part that stands before the cue, behind it, behind the figure or at the head of the sentence."""
    text = reading.text
    parts = [*reading.of("segment"), *reading.of("product")]
    if cue.term.role == "implied":
        return [m for m in reading.of("segment") if m.start == cue.start] or None
    ahead = [
        m for m in parts if m.end <= cue.start + 1 and cue.start - m.end <= 28 and _noun_phrase(text[m.end : cue.start])
    ]
    behind = [
        m for m in parts if m.start >= cue.end and m.start - cue.end <= 40 and _INSIDE.match(text[cue.end : m.start])
    ]
    right_behind = [m for m in reading.of("segment") if 0 <= m.start - quantity.end <= 1 and quantity.unit == "money"]
    lead = [
        m for m in reading.of("segment") if m.start <= 6 and m.end < cue.start and text[m.end : m.end + 1] in ",:："
    ]
    units = [m for m in reading.of("implied") if m.end < cue.start and _UNIT.match(text[m.end : m.end + 12].lstrip())]
    units = [s for m in units for s in reading.of("segment") if s.start == m.start]
    giving = [
        m
        for m in reading.of("segment")
        if m.end < quantity.start <= cue.start
        and _GIVES.match(text[m.end : quantity.start])
        and _ITS.match(text[quantity.end : cue.start])
    ]
    ranked = [
        m
        for m in reading.of("segment")
        if cue.end <= m.start < quantity.start and _RANKED.search(text[cue.end : m.start])
    ]  # "revenue growth was strongest in Europe at 21 %"
    inside = [
        m for m in reading.of("segment") if quantity.end <= m.start and m.end <= cue.start
    ]  # "10 % growth in search revenue"
    return ahead or behind or right_behind or lead or units or giving or ranked or inside or None


def _noun_phrase(gap: str) -> bool:
    """Whether between a part's name and "revenue" stands nothing but more of its name."""
    return not _JOINS.search(gap) and len(gap.split()) <= 3


def _modified(reading: Reading, cue: Mention, quantity: Quantity, lexicon: Lexicon) -> str:
    """The noun, not the company's name, that makes it the revenue of something ("handset revenues"); "" for none."""
    text = reading.text
    if not text[cue.start : cue.end].isascii():
        return ""
    floor = quantity.end if quantity.end <= cue.start else max(reading.clause_start(cue.start), cue.start - 40)
    names = [m for m in (*reading.of("entity"), *reading.of("observer")) if m.end <= cue.start]
    end = cue.start
    tokens = list(_TOKEN.finditer(text, floor, end))
    if not tokens or not text[tokens[-1].end() : end].isspace():
        return ""
    last = tokens[-1]
    word = last[0].lower().rstrip(".")
    if word == "recurring" and len(tokens) > 1 and tokens[-2][0].lower().startswith("annual"):
        return ""  # a rate of the whole
    if (
        not word[0].isalpha()
        or (any(c.isdigit() for c in word) and not _MODEL.match(word))
        or word in lexicon.plain_words
        or all(w in lexicon.plain_words for w in word.split("-"))
        or word.endswith(("'s", "’s", "s'", "s’", "ly"))
    ):
        return ""
    if any(m.start <= last.start() < m.end for m in names):
        return ""
    if word.endswith("ed") or (word.endswith("ing") and len(tokens) > 1 and _AUXILIARY.match(tokens[-2][0])):
        return ""
    return word


def _in_section(reading: Reading, cue: Mention) -> bool:
    """Whether the part was named at the head of the sentence, or right before a sentence that begins with "revenue"."""
    lead = _LEAD.match(reading.text)
    if lead is not None and lead.end() <= cue.start and not _NO_PART.search(lead["name"]):
        names = [m for m in reading.of("entity") if lead.start("name") <= m.start < lead.end("name")]
        return not names
    begins = _BEGINS.match(reading.text)
    whole = _WHOLE.search(reading.text[: cue.start])
    if cue.start - (begins.end() if begins else 0) > 16:  # "Third quarter revenue was": a bare beginning
        return False
    before = reading.document.text[max(0, reading.offset - _SECTION_REACH) : reading.offset]
    opened = list(_OPENS.finditer(before))
    if not opened or _NO_PART.search(opened[-1]["name"] or opened[-1]["shown"]):
        return False
    between = before[opened[-1].end() :]
    if whole is not None:
        at_once = _PART_WORD.search(before[: opened[-1].end() + 44]) is not None and len(between) <= 60
        return at_once and not _COMPANY_TOTAL.search(whole[0])
    return not re.search(
        r"\b(?:total|company|consolidated|we delivered|thanks?|thank you|good (?:morning|afternoon|evening)|top[- ]line|overall|worldwide)\b",
        between,
        re.IGNORECASE,
    )


def _brought_by(reading: Reading, cue: Mention, quantity: Quantity, lexicon: Lexicon) -> str:
    """Name of the part that brings the revenue told, as the subject of its clause or behind the figure; "" for none."""
    text = reading.text
    behind = _GROWTH_OF.match(text, max(cue.end, quantity.end)) or _GROWTH_OF.match(text, quantity.end)
    if behind is not None and not _NO_PART.search(behind["name"]):
        return fold(behind["name"])
    if reading.document.issuer is None:
        return ""
    start = max(reading.clause_start(cue.start), (m.end() if (m := _BEGINS.match(text)) else 0))
    stop = min(cue.start, quantity.start)
    intro = _INTRO.match(text, start, stop)
    start = intro.end() if intro else start
    brings = _BRINGS.match(text, start, stop) if stop > start else None
    if brings is None or _NOBODYS_PART.search(brings["name"]):
        return ""
    at, end = brings.start("name"), brings.end("name")
    named = any(at <= m.start < end for m in (*reading.of("entity"), *reading.of("observer"), *reading.of("issuer")))
    return "" if named else fold(brings["name"])
