"""The scan of a batch: sentences, terms and gates found with arrays agree with reading one text alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.extract.facts import extract_facts
from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.mentions import find_terms, mentions_of
from tracker.extract.page import characters, lay_out, places
from tracker.extract.quantities import MEASURED, find_quantities
from tracker.extract.sentences import MAX_SENTENCE, candidate_sentences
from tracker.extract.wordings import SHORT, Wordings
from tracker.resources import data_dir

_MIXED = st.text(st.sampled_from("ab Z.9$％中興億é’\u00a0\u2011Ａ😀\n"), max_size=80)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon([data_dir("rules")])


def _documents(*texts: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "doc_id": [f"d{i}" for i in range(len(texts))],
            "title": "a note",
            "lang": "en",
            "published_at": datetime(2026, 5, 20, tzinfo=UTC),
            "text": list(texts),
        }
    )


def _sentences(lexicon: Lexicon, *texts: str) -> list[tuple[str, str]]:
    found = candidate_sentences(_documents(*texts), lexicon)
    return list(found.select("doc_id", "sentence").iter_rows())


@given(st.lists(_MIXED, max_size=5))
def test_byte_offsets_become_character_offsets(texts: list[str]) -> None:
    text = "".join(texts)
    at = [i for i in range(len(text)) if i % 3 == 0]
    offsets = pl.Series([len(text[:i].encode()) for i in at], dtype=pl.Int64).to_numpy()
    assert characters(text, offsets).tolist() == at


@settings(deadline=None)  # the first call builds the table
@given(_MIXED)
def test_long_and_short_texts_are_folded_alike(text: str) -> None:
    assert fold(text * 300) == fold(text) * 300
    assert len(fold(text)) == len(text)


@given(st.lists(_MIXED, min_size=1, max_size=6))
def test_places_are_told_in_the_text_that_holds_them(texts: list[str]) -> None:
    page = lay_out(texts)
    at = places(page, ["9", "中兴", "z."])
    found = {(int(o), int(p - page.starts[o])) for p, o in zip(at, page.owners(at), strict=True)}
    told = {
        (i, at)
        for i, text in enumerate(texts)
        for word in ("9", "中兴", "z.")
        for at in range(len(text))
        if fold(text).startswith(word, at)
    }
    assert found == told


def test_a_word_within_a_word_is_no_cue(lexicon: Lexicon) -> None:
    assert _sentences(lexicon, "The relationship took 5 years.", "A shipment took 5 years.") == [
        ("d1", "A shipment took 5 years.")
    ]


def test_an_abbreviation_ends_no_sentence_but_a_line_does(lexicon: Lexicon) -> None:
    text = "Acme Inc. Sales rose 5%. It rained. Sales fell in Q2.\nSales of Beta Corp. Were 7 million."
    assert [s for _, s in _sentences(lexicon, text)] == [
        "Acme Inc. Sales rose 5%.",
        "Sales fell in Q2.",
        "Sales of Beta Corp. Were 7 million.",
    ]


def test_a_sentence_ends_inside_its_quotation_marks_and_brackets(lexicon: Lexicon) -> None:
    text = 'He said "it rained." “Sales rose 5%.” Then he left.  (Sales of 7 million.) $9 million of revenue!'
    assert [s.strip(' "“”()') for _, s in _sentences(lexicon, text)] == [
        "Sales rose 5%.",
        "Sales of 7 million.",
        "$9 million of revenue!",
    ]


def test_a_line_without_end_is_cut_where_its_cues_stand(lexicon: Lexicon) -> None:
    text = "x " * 5000 + "sales of $5 million " + "y " * 5000 + "orders of $7 million"
    found = candidate_sentences(_documents(text), lexicon)
    assert found.height == 2
    assert found["sentence"].str.len_chars().max() <= MAX_SENTENCE
    for start, end, sentence in found.select("start", "end", "sentence").iter_rows():
        assert text[start:end] == sentence


@pytest.mark.parametrize("order", [1, -1])
def test_a_batch_reads_as_its_documents_alone(lexicon: Lexicon, order: int) -> None:
    texts = [
        "NVIDIA reported revenue of $81.6 billion for the quarter.",
        "",
        "台積電預計2026年資本支出為520億至560億美元。HBM 產能售罄。",
        "Meta’s capital expenditures were $30 billion — “a record.” Oracle ordered 5,000 racks.",
        "😀 Micron: HBM is sold out through 2026.",
    ][::order]
    together = extract_facts(_documents(*texts), lexicon).drop("doc_id", "fact_id")
    alone = pl.concat([extract_facts(_documents(t), lexicon) for t in texts]).drop("doc_id", "fact_id")
    assert together.height >= 4
    assert together.equals(alone)


def test_the_longest_wording_of_a_role_wins(lexicon: Lexicon) -> None:
    text = "GB200 NVL72 racks from Meta, not meta"
    low = fold(text)
    roles = mentions_of(text, low, find_terms([low], lexicon), 0, lexicon)
    assert next(text[m.start : m.end] for m in roles["product"]) == "GB200 NVL72"
    assert [text[m.start : m.end] for m in roles["entity"]] == ["Meta"]


_NUMBER = st.sampled_from(
    ["5", "2.5", "1,200", "3,400,000", "12345678", "two", "mid-70s", "half", "七成", "三百", "8x", "0.5"]
)
_BEFORE = st.sampled_from(["", "$", "US$ ", "NT$", "rmb", "€(", "-", "about ", "more than ", "第"])
_BEHIND = st.sampled_from(
    ["", "%", " percent", " billion", "bn", "-million", " MW", "GW", " racks", "+ GPUs", " GB200 GPUs", "万片", "亿元",
     " wafers per month", " bps", " months", "倍", "兆瓦", " trillion won", "颗", " year-over-year", " of its revenue"]
)  # fmt: skip


@settings(max_examples=500)
@given(_BEFORE, _NUMBER, _BEHIND)
def test_whatever_holds_a_quantity_passes_the_gate(before: str, number: str, behind: str) -> None:
    text = f"it was {before}{number}{behind} then"
    if find_quantities(text):
        assert pl.Series([fold(text)]).str.contains(MEASURED).all()


@pytest.mark.real
def test_no_sentence_with_a_quantity_is_kept_out(lexicon: Lexicon, shared_data: Path) -> None:
    path = shared_data / "documents" / "news_thesis_en.jsonl"
    texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    rows = candidate_sentences(_documents(*texts), lexicon)
    kept_out = rows.filter(pl.col("figures") & ~pl.col("measured"))["sentence"].to_list()
    assert len(kept_out) > 100
    assert [s for s in kept_out if find_quantities(s)] == []


@given(
    st.lists(
        st.sampled_from(
            ["nvidia", "nvidias", "ship", "shipments", "英伟达", "伟达", "9", "a", " ", ".", "é", "产能", "x"]
        )
    )
)
def test_a_short_text_is_looked_up_with_what_a_scan_finds(parts: list[str]) -> None:
    words = Wordings.of(["nvidia", "ship", "shipments", "英伟达", "伟达", "产", "产能", "9", "a", "idia"])
    text = "".join(parts)
    short, long = lay_out([text], [text]), lay_out([text, " " * SHORT], [text, " " * SHORT])
    looked_up, scanned = (sorted(zip(*map(list, words.find(page)), strict=True)) for page in (short, long))
    assert looked_up == scanned
    assert words.places(short).tolist() == words.places(long).tolist() == sorted({at for at, _ in looked_up})


def test_titles_are_searched_for_names_only(lexicon: Lexicon) -> None:
    title = "nvidia's gross margin"
    hits = find_terms([title], lexicon, names=True)
    roles = mentions_of("Nvidia's gross margin", title, hits, 0, lexicon)
    assert [m.term.value for m in roles["entity"]] == ["NVDA"]
    assert "cue" not in roles
    assert "cue" in mentions_of("Nvidia's gross margin", title, find_terms([title], lexicon), 0, lexicon)
