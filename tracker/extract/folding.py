"""Folding: the form of a text that is scanned, always one character for one, so that offsets stay true.

Traditional characters become simplified ones, full-width forms ASCII, letters lower case, typographic apostrophes and
hyphens plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from opencc import OpenCC

_PIECE: Final = 1 << 16  # characters widened to four bytes each at a time: as many as stay in the processor's cache
_SHORT: Final = 200  # below it a dictionary is quicker than an array


@cache
def _table() -> dict[int, int]:
    """Traditional to simplified by OpenCC's own table; letters where the lower-case form is one character, too."""
    traditional = [chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    simplified = OpenCC("t2s").convert("\n".join(traditional)).split("\n")  # in one call: a tenth of the time
    pairs = zip(traditional, simplified, strict=True)
    table = {ord(old): ord(new) for old, new in pairs if len(new) == 1 and new != old}
    for code in (*range(0x3000), *range(0xFF21, 0xFF3B)):
        low = chr(code).lower()
        if len(low) == 1 and low != chr(code):
            table[code] = ord(low)
    table |= {code: ord(chr(code - 0xFEE0).lower()) for code in range(0xFF01, 0xFF5F)}
    return table | {0x3000: 32, 0xA0: 32, 0x2019: 39, 0x2010: 45, 0x2011: 45}


@cache
def _array() -> npt.NDArray[np.uint32]:
    table = np.arange(0x110000, dtype=np.uint32)
    for code, folded in _table().items():
        table[code] = folded
    return table


def fold(text: str) -> str:
    """Text for scanning, same length as the text."""
    if text.isascii():
        return text.lower()
    if len(text) < _SHORT:
        return text.translate(_table())
    table = _array()
    return "".join(str(np.take(table, piece).data, "utf-32-le", "surrogatepass") for piece in pieces(text))


@cache
def _traditional() -> re.Pattern[str]:
    return re.compile(f"[{''.join(chr(code) for code in _table() if 0x4E00 <= code <= 0x9FFF)}]")


def traditional(text: str) -> int:
    """How many characters of a text are traditional ones that simplified texts write otherwise."""
    return len(_traditional().findall(text))


def lower(text: str) -> str:
    """Text in lower case, same length as the text: a few letters have a longer form, which is then left out."""
    low = text.lower()
    return low if len(low) == len(text) else fold(text)


def pieces(text: str) -> Iterator[npt.NDArray[np.uint8] | npt.NDArray[np.uint32]]:
    """Code points of a text, some at a time."""
    if text.isascii():
        for at in range(0, len(text), _PIECE):
            yield np.frombuffer(text[at : at + _PIECE].encode("ascii"), dtype=np.uint8)
        return
    for at in range(0, len(text), _PIECE):
        yield np.frombuffer(text[at : at + _PIECE].encode("utf-32-le", "surrogatepass"), dtype="<u4")
