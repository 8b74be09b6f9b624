"""Who a Chinese text is speaking of: whom the heading above or the head of a sentence before names, read or not.

Only sentences with a cue are read, and a Chinese text says who it speaks of once, at the head of a passage, and then
leaves the subject out. So what stands between the sentences that are read is looked at here, a few hundred characters
where a figure has no subject of its own.
"""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon
from tracker.extract.mentions import holds
from tracker.extract.reading import Reading

OUTSIDER: Final = "\0outsider"  # a firm the watchlist does not know
_REACH: Final = 700  # characters a subject holds
_HEADING: Final = re.compile(r"(?:^|\n)#{1,6} [^\n]*")


def spoken_of(reading: Reading, lexicon: Lexicon) -> tuple[str | None, int]:
    """(who was named last at the head of a heading or sentence, from where on a subject may be carried).

    None when nobody was; OUTSIDER for a firm the watchlist does not know. A heading closes what was said before it.
    """
    document = reading.document
    since = max(0, reading.offset - _REACH)
    said = document.text[since : reading.offset]
    headings = list(_HEADING.finditer(said))
    floor = headings[-1].start() if headings else 0
    folded = fold(said[floor:])
    found: str | None = None
    for match in lexicon.heads.finditer(folded):
        start, end = match.span("name")
        for term in lexicon.terms[match["name"]]:
            if term.role == "outsider":
                found = OUTSIDER
                continue
            named = term.role == "entity" and term.value not in lexicon.observers
            if named and (not term.conditional or holds(term, said[floor:], folded, start, end)):
                found = term.value
    return found, since + floor
