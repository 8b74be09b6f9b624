"""What holds for every document there is: quotes stand where they say, and figures can be read from them again."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.quantities import find_quantities
from tracker.extract.table_lines import lines
from tracker.ingest.files import documents_from_jsonl
from tracker.resources import data_dir
from tracker.vocabulary import BASES, DIRECTIONS, FACTS_SCHEMA, KINDS, MAX_QUOTE_CHARS, UNITS

SETS = (
    "headlines_liquid_cooling_zh.jsonl", "negatives_zh.jsonl.gz", "news_negatives_en.jsonl", "news_thesis_en.jsonl",
    "press_en.jsonl", "thesis_zh.jsonl.gz", "transcript_mediatek_zh.jsonl", "transcripts_en.jsonl.gz",
    "transcripts_negatives_en.jsonl.gz", "transcripts_nvda_edited_en.jsonl.gz",
)  # fmt: skip


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def reads_back(fact: dict[str, Any]) -> bool:
    """Whether the figure of a fact parses out of its quote; a fall may carry its sign in the fact alone."""
    low, high = fact["value_low"], fact["value_high"]
    if fact["extractor"] == "table":  # its scale stands in the header: the digits stand in the row
        row = next(iter(lines(fact["quote"])))
        scales = (1.0, 1e3, 1e4, 1e6, 1e7, 1e8, 1e9)
        return any(abs(abs(c.value) * s - abs(low)) <= 1e-6 * abs(low) for c in row.cells if c.value for s in scales)
    for found in find_quantities(fact["quote"], currency=fact["currency"]):
        ends = (found.low, found.high)
        for sign in (1.0, -1.0):
            told = ends if sign > 0 else tuple(None if e is None else -e for e in reversed(ends))
            if all(
                (a is None) == (b is None) and (a is None or abs(a - b) <= 1e-6 * abs(b))
                for a, b in zip(told, (low, high), strict=True)
            ):
                return True
    return False


@pytest.mark.real
@pytest.mark.parametrize("name", SETS)
def test_quotes_and_figures_of_every_document(shared_data: Path, lexicon: Lexicon, name: str) -> None:
    body = (shared_data / "documents" / name).read_bytes()
    body = gzip.decompress(body) if name.endswith("gz") else body
    documents = documents_from_jsonl(body, name, datetime(2026, 11, 24, tzinfo=UTC))
    found = extract_facts(documents, lexicon)
    assert dict(found.schema) == FACTS_SCHEMA
    assert found["fact_id"].is_unique().all()
    assert found.filter(
        ~(pl.col("kind").is_in(KINDS) & pl.col("basis").is_in(BASES) & pl.col("direction").is_in(DIRECTIONS))
    ).is_empty()
    assert found.filter(pl.col("unit").is_not_null() & ~pl.col("unit").is_in(UNITS)).is_empty()
    texts = dict(documents.select("doc_id", "text").iter_rows())
    lost = []
    for fact in found.iter_rows(named=True):
        assert texts[fact["doc_id"]][fact["start"] : fact["end"]] == fact["quote"]
        assert 0 < len(fact["quote"]) <= MAX_QUOTE_CHARS
        if fact["unit"] is not None and not reads_back(fact):
            lost.append((fact["kind"], fact["value_low"], fact["value_high"], fact["unit"], fact["quote"]))
    assert not lost, f"{len(lost)} of {found.height}: {lost[:5]}"


FACT = "NVIDIA's revenue was $57.0 billion in the third quarter of fiscal 2026."
ZH_FACT = "台积电预计2026年资本开支为520亿至560亿美元。"
ODD = {
    "emoji": "🚀📈 " * 500 + "👩🏽‍💻👨‍👩‍👧‍👦",
    "right to left": "قالت الشركة إن الإيرادات ارتفعت \u202e5 مليار\u202c \u200fشارع " * 200,
    "nul bytes": "\x00a\x00b" * 500,
    "control characters": "".join(map(chr, range(32))) * 50,
    "mixed scripts": "臺積電台积电營收营收產能产能漲涨 " * 300,
    "entities left over": "&nbsp;&amp;lt;p&gt;&#36;5&#x20;billion&hellip; " * 300,
    "surrogates": "\ud800\udfff" * 200,
    "combining marks": "e\u0301\u0323\u0302" * 500,
    "full width": "＄５７．０　ｂｉｌｌｉｏｎ（％） " * 300,
    "zero width": "re\u200bve\u200dnue\ufeff " * 300,
    "open brackets": "(" * 3000,
    "separators": "|" * 3000 + " | \t " * 500,
    "long number": "9" * 20_000,
    "no spaces": "a" * 50_000,
    "only line ends": "\n\r\u2028\u2029" * 2000,
    "half a table": "(In millions)\nThree Months Ended\n" * 300 + "Revenue | $ | 1 | ) | % |",
}


def one(text: str, lexicon: Lexicon, lang: str = "en") -> pl.DataFrame:
    row = {
        "doc_id": "d",
        "title": "",
        "lang": lang,
        "entity": None,
        "text": text,
        "published_at": datetime(2026, 2, 10, tzinfo=UTC),
    }
    return extract_facts(pl.DataFrame([row], infer_schema_length=None), lexicon)


@pytest.mark.parametrize(
    "oddity", [text for name, text in ODD.items() if name != "surrogates"], ids=[n for n in ODD if n != "surrogates"]
)
@pytest.mark.parametrize(("fact", "lang", "low"), [(FACT, "en", 57e9), (ZH_FACT, "zh", 52e9)], ids=["en", "zh"])
def test_odd_text_around_a_fact_hides_nothing_and_moves_nothing(
    lexicon: Lexicon, oddity: str, fact: str, lang: str, low: float
) -> None:
    text = f"{oddity}\n\n{fact}\n\n{oddity}"
    found = one(text, lexicon, lang)
    assert all(text[s:e] == q for s, e, q in found.select("start", "end", "quote").iter_rows())
    assert low in found["value_low"].to_list()


def test_text_no_encoder_takes_is_cleaned_before_it_is_read(lexicon: Lexicon) -> None:
    body = b'{"doc_id": "d", "text": "\\ud800' + FACT.encode() + b'"}'
    documents = documents_from_jsonl(body.replace(b'"doc_id": "d", ', b""), "x", datetime(2026, 2, 10, tzinfo=UTC))
    assert 57e9 in extract_facts(documents, lexicon)["value_low"].to_list()


@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_are_survived(lexicon: Lexicon, seed: int) -> None:
    import random

    chance = random.Random(seed)
    for encoding in ("latin-1", "utf-8", "utf-16", "gb18030"):
        text = chance.randbytes(20_000).decode(encoding, errors="replace")
        found = one(f"{text} {FACT} {text}", lexicon)
        assert dict(found.schema) == FACTS_SCHEMA


def test_one_line_of_megabytes_is_read_to_its_end(lexicon: Lexicon) -> None:
    filler = "the quick brown fox jumps over the lazy dog, revenue and orders and all " * 30_000
    text = f"{filler}. {FACT} {filler}"
    found = one(text, lexicon)
    assert 57e9 in found["value_low"].to_list()
    assert all(text[s:e] == q for s, e, q in found.select("start", "end", "quote").iter_rows())
