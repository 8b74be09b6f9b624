"""What the sentences of a document leave behind for those after them: who and what was spoken of, of which time.

It is looked up when a sentence comes that may tell a fact. Most do not, and what stands further back than anything
reaches is never read at all.
"""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.calendar import sort_key
from tracker.extract.mentions import whole
from tracker.extract.reading import Document, Reading

YEAR: Final = re.compile(r"(?<![\d.$])(?:19[89]\d|20[0-3]\d)(?![\d%])")
# A year that something is measured against does not make a passage one about that year.
_THAN_THEN: Final = re.compile(
    r"\b(?:surpass\w*|since|highest|lowest|record|best|worst|than|versus|compared|previous|exceed\w*|topp\w*|beat\w*)\b.{0,90}$",
    re.IGNORECASE,
)
REACH: Final = 1500  # characters: as far back as an outlook reaches, and nothing reaches further
_NO_GOODS: Final = frozenset({"facility", "service", "application"})


def catch_up(document: Document, offset: int) -> None:
    """Take in the sentences passed by, before one at `offset` (characters) is read."""
    for reading in document.passed:
        if offset - reading.offset <= REACH:
            _remember(reading)
    document.passed.clear()


def _remember(reading: Reading) -> None:
    """What the sentences behind this one may go on about: its subject, and the period of an outlook."""
    document, lexicon = reading.document, reading.lexicon
    names = [m for m in reading.of("entity") if m.term.value not in lexicon.observers]
    if names and (document.subject is None or document.subject[1] < reading.offset):
        document.subject = (names[0].term.value, reading.offset)
    goods = [m.term.value for m in whole(reading.of("product")) if lexicon.families[m.term.value] not in _NO_GOODS]
    if goods:
        document.product = (goods[-1], reading.offset)
    if len({m.term.value for m in names}) > 1:
        document.crowd = (tuple(dict.fromkeys(m.term.value for m in names)), reading.offset)
    dated = "20" in reading.text or "19" in reading.text
    found = YEAR.finditer(reading.text) if dated else ()
    years = [int(m[0]) for m in found if not _THAN_THEN.search(reading.text, 0, m.start())]
    if years:
        document.era = (max(years), reading.offset)
    if any(m.term.value == "guidance" for m in reading.of("basis")) and reading.periods:
        reported = document.period
        ahead = [p.label for p in reading.periods if reported is None or sort_key(p.label) > sort_key(reported)]
        if ahead:
            document.outlook = (ahead[0], reading.offset)
