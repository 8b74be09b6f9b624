"""Which language a text is in: by script where the script decides, by statistics for the rest."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

_SAMPLE: Final = 2000  # characters that decide
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_KANA: Final = re.compile(r"[\u3040-\u30ff]")
_HANGUL: Final = re.compile(r"[\uac00-\ud7af]")
_LATIN: Final = re.compile(r"[A-Za-z]")
_ENGLISH: Final = re.compile(r"\b(?:the|and|of|to|in|for|with|is|on|as|by|at|from)\b", re.IGNORECASE)
_LATIN_LANGUAGES: Final = ["en", "de", "fr", "es", "it", "nl", "pt", "sv", "vi", "id", "pl", "da", "fi"]


def detect_language(text: str) -> str:
    """ISO 639-1 code of a text; 'en' when there is nothing to go by."""
    sample = text[:_SAMPLE]
    han, kana, hangul = (len(pattern.findall(sample)) for pattern in (_HAN, _KANA, _HANGUL))
    latin = len(_LATIN.findall(sample))
    if hangul > han and hangul * 4 > latin:
        return "ko"
    if kana * 5 > han + kana and (han + kana) * 4 > latin:
        return "ja"
    if han * 4 > latin:  # a Chinese sentence full of product codes is still Chinese
        return "zh"
    if latin < 20:
        return "en"
    words = max(1, sample.count(" "))
    if len(_ENGLISH.findall(sample)) * 12 > words:
        return "en"
    code, _ = _identifier().classify(sample)
    return str(code)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier  # 3 MB: loaded when first needed

    identifier = LanguageIdentifier.from_modelpath(MODEL_DIR / MODEL_FILE)
    identifier.set_languages(_LATIN_LANGUAGES)
    return identifier
