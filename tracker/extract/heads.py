"""Names at the head of a Chinese line or sentence: "### 2. 亚马逊", "此外，台积电…"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_LEAD: Final = (
    r"(?:^|[\n。!?;])[#*\s>\d.、()\-\[\]\"'“”「」『』【】:]{0,12}"
    r"(?:(?:再看看?|再来看看?|先看看?|来看看?|接下来(?:看看?|是)?|接着(?:看|是)?|首先(?:看|是)?|其次(?:看|是)?|最后(?:看|是)?|另外|此外|同时|与此同时|而|至于|"
    r"关于|反观|相比之下|其中|例如|比如|根据|据|按照|在)[,:\s]{0,2})?\*{0,2}\s?"
)


def names_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """The expression that finds folded names at the head of a line or sentence."""
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(
        f"{_LEAD}(?P<name>{'|'.join(map(re.escape, longest_first))})(?![a-z0-9])(?!\\*{{0,2}}(?:[(（][^()（）]{{0,60}}[)）])?\\*{{0,2}}(?:对|的影响|概念))"
    )
