"""Where a frame fits a sentence, and why a fit may be no statement after all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tracker.extract import frames as signs
from tracker.extract.abstract import Abstract
from tracker.extract.frames import Frame
from tracker.extract.lexicon import Lexicon
from tracker.extract.reading import Reading

# A name behind one of these is not who acts.
_OBJECT: Final = re.compile(
    r"\b(?:with|from|for|by|to|like|than|of|including|at|against|between|via|using|on|versus|such as|according to|per|over|as|in)"
    r" (?:the |its |their )?$|(?:与|和|同|向|从|对|给|由|被|用|按|据|跟|携手|联手|遭|(?<!成)为|攻|吃|抢|打入|获|受惠于?|受益于?|得益于)\s?$"
)
_RELATIVE: Final = re.compile(r",? (?:which|who)\b")
_NO_DENIAL: Final = re.compile(r"\s(?:only|just|merely|surprising\w*|alone|to mention|least)\b")
_LAST_OF_THEM: Final = re.compile(r"(?:与|和|跟|同|向|对)[^，。；,;\n]{1,70}、\s?$")  # 与甲骨文、CoreWeave、亚马逊
_SUCH_AS: Final = re.compile(r"(?:including|such as|like) $")  # a list behind it acts all the same
_IF: Final = re.compile(r"即使|即便|假如|一旦|假设|倘若|能否|是否|有能力")
_HARDLY: Final = re.compile(r"很难|难以|无法|未能|不能|不可能")
_MADE_TO_HAPPEN: Final = frozenset({"ramp", "shipment", "capacity", "order", "design_win", "deployment", "acquisition"})
_PAUSE: Final = re.compile(r"[,，;；:：。!！?？\n]")
_CORE: Final = frozenset(
    {"lab", "neocloud", "accelerator", "custom_silicon", "foundry", "memory", "packaging", "optics", "copper"}
)
_NEW_CLAUSE: Final = re.compile(
    r"[\w .,']{0,30}?\b(?:(?:as|while|because|where|when|after|since|but) (?:it|they|the|he|its)|why|i|people)\b"
)
_ASKS_THE_READER: Final = re.compile(r"追|买|卖|抱|进场|上车|布局|谁|哪|为何|为什么|怎么看")  # 还能追吗？
_QUESTION: Final = {"zh": re.compile(r"[^\n;。!,，\s]{0,12}[?？]"), "en": re.compile(r"[^.;!]{0,200}\?")}


@dataclass(frozen=True, slots=True)
class Fit:
    """A frame's pattern where it matches; `start` and `end` in the sentence, the match in its abstract."""

    reading: Reading
    abstract: Abstract
    frame: Frame
    match: re.Match[str]
    lexicon: Lexicon
    start: int
    end: int

    @property
    def kind(self) -> str:
        """Kind of the statement it would be."""
        return self.frame.kind

    def group(self, name: str) -> str | None:
        """What a part of the pattern matched; None when it has no such part or matched nothing there."""
        return self.match.groupdict().get(name)


def reason_against(fit: Fit, product: str | None) -> str | None:
    """Why a fit is no statement; None when nothing is against it."""
    text, match, frame, frames = fit.abstract.text, fit.match, fit.frame, fit.lexicon.frames
    if fit.group("who") is not None:
        if _is_object(fit):
            return "its subject is the object of something else"
        if _is_somebody_else(fit):
            return "told of somebody else beside its subject"
    if fit.group("name") is not None and not _is_name(fit, match.start("name")):
        return "no proper name where one belongs"
    window = text[max(0, match.start() - 40) : match.end() + 30]
    if frames.unless.search(window) or (frame.unless is not None and frame.unless.search(window)):
        return "told otherwise beside it"
    if frames.unless_beside.search(text, *_clause(text, match)):
        return "told otherwise beside it"
    if (
        frame.topic
        and product is None
        and not _of_the_thesis(fit)
        and not frames.topic.search(text, max(0, match.start() - 80), match.end() + 120)
    ):
        return "not about what the thesis is about"
    return None if frame.own else _doubtful(fit)


def _clause(text: str, match: re.Match[str]) -> tuple[int, int]:
    """The clause that holds a match, not further than forty characters before and thirty behind it."""
    low, high = max(0, match.start() - 40), match.end() + 30
    start = max((m.end() for m in _PAUSE.finditer(text, low, match.start())), default=low)
    stop = _PAUSE.search(text, match.end(), high)
    return start, stop.start() if stop else high


def _of_the_thesis(fit: Fit) -> bool:
    """Whether two sides are named of whom one makes chips, models or what computing runs on."""
    if fit.group("other") is None or fit.group("who") is None:
        return False
    sides = (fit.abstract.names.get(fit.match.start(side)) for side in ("who", "other"))
    layers = [fit.lexicon.layers.get(m.term.value) for m in sides if m is not None and m.term.role == "entity"]
    return len(layers) == 2 and (not _CORE.isdisjoint(layers) or set(layers) == {"cloud"})


def _doubtful(fit: Fit) -> str | None:
    """Whether what is told did not happen, may happen, or is asked."""
    text, match, start, end = fit.abstract.text, fit.match, fit.start, fit.end
    if _IF.search(text, max(0, match.start() - 16), match.end()):
        return "hypothetical"
    if fit.kind in _MADE_TO_HAPPEN and _HARDLY.search(text, max(0, match.start() - 6), match.end()):
        return "negated"
    denied = (m for m in fit.reading.of("negation") if not _NO_DENIAL.match(fit.reading.text, m.end))
    if any(start - 25 <= m.end and m.end <= end for m in denied):
        return "negated"
    if any(start - 30 <= m.end and m.end <= end for m in fit.reading.of("hypothetical")):
        return "hypothetical"
    return "a question" if _asks(fit) else None


def _asks(fit: Fit) -> bool:
    """Whether what is told is asked, not of the reader what to make of it (还能追吗？)."""
    asked = _QUESTION["zh" if fit.reading.document.lang == "zh" else "en"].match(fit.abstract.text, fit.match.end())
    return asked is not None and not _ASKS_THE_READER.search(asked[0])


def _is_object(fit: Fit) -> bool:
    """Whether the subject stands behind a preposition; at the head of a list ("including X, Y and Z") it acts all the same."""
    who = fit.match.start("who")
    leads = fit.match.start() < who - 3 and fit.reading.document.lang != "zh"
    if leads or _RELATIVE.match(fit.abstract.text, who + 1):
        return False  # the wording itself leads to it ("adopted by X"), or a clause of its own goes on about it
    if fit.reading.document.lang == "zh" and _LAST_OF_THEM.search(fit.abstract.text, max(0, who - 80), who):
        return True
    if fit.abstract.text[who] >= signs.ISSUER or not _OBJECT.search(fit.abstract.text, max(0, who - 16), who):
        return False
    return not (fit.group("with") and _SUCH_AS.search(fit.abstract.text, max(0, who - 16), who))


def _is_somebody_else(fit: Fit) -> bool:
    """Whether what is told is of others than the name before it: "Nvidia's customers ...", "... AMD as it builds"."""
    behind, text = fit.match.start("who") + 1, fit.abstract.text
    others = fit.lexicon.frames.others.match(text, behind)
    return others is not None or _NEW_CLAUSE.match(text, behind, fit.match.end()) is not None


def _is_name(fit: Fit, at: int) -> bool:
    if at in fit.abstract.names:
        return fit.abstract.names[at].term.role == "entity"
    here = fit.reading.text[fit.abstract.at[at]]
    return here.isupper() or (not here.isascii() and here.isalpha())
