"""Extraction: MB/s of text on one core, beside spaCy's EntityRuler with the same patterns in the same run."""

from __future__ import annotations

import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import spacy

from tracker.extract.facts import extract_facts
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.ingest.files import documents_from_jsonl
from tracker.resources import data_dir

# Two facts in 2.4 kB: as dense as the trade press on the subject (measured: 252 facts in 0.6 MB of it).
_ORDINARY = (
    "The weather in the valley was mild and people walked along the river, talking about football, cooking and the news. "
    "A museum opened a show of early photographs, and the school next door sent its pupils to see it on a Tuesday. "
    "The committee met twice, found little to discuss, and adjourned until the spring when the roof will be repaired. "
    "Nobody asked about the parking, which had been the great subject of the year before and will be again. "
    "An old printer told stories of hot metal and long nights; the younger ones listened and took notes. "
)
_EN = (
    "Alphabet expects capital expenditures of $175 billion to $185 billion in 2026. "
    + _ORDINARY * 2
    + "NVIDIA reported revenue of $81.6 billion for the first quarter of fiscal 2027. "
    + _ORDINARY * 2
)
_ZH_ORDINARY = (
    "今天的天气很好，河边有许多人散步。孩子们在公园里放风筝，老人们下棋聊天。图书馆新到了一批摄影集，周末有讲座。"
    "街角的面馆排着长队，师傅说汤要熬一夜。学校请来了老印刷工人，讲从前铅字和夜班的故事，学生们听得入神。"
)
_ZH = (
    "台积电预计2026年资本开支为520亿至560亿美元。"
    + _ZH_ORDINARY * 3
    + "SK海力士表示2026年的HBM产能已全部售罄。"
    + _ZH_ORDINARY * 3
)


def documents(text: str, megabytes: float, lang: str) -> pl.DataFrame:
    """About so many megabytes of text in documents of some 6 kB."""
    each = text * max(1, 6000 // len(text.encode()))
    count = max(1, int(megabytes * 1e6 / len(each.encode())))
    return pl.DataFrame(
        {
            "doc_id": [f"{lang}{i}" for i in range(count)],
            "title": "a day in the valley",
            "lang": lang,
            "published_at": datetime(2026, 5, 20, tzinfo=UTC),
            "text": each,
        }
    )


def _seconds(frame: pl.DataFrame, lexicon: Lexicon) -> float:
    started = time.process_time()
    extract_facts(frame, lexicon)
    return time.process_time() - started


def _size(frame: pl.DataFrame) -> float:
    return float(frame["text"].str.len_bytes().sum()) / 1e6


def main() -> None:
    """Print speeds, the ratio to spaCy, and how time grows with input."""
    lexicon = load_lexicon([data_dir("rules")])
    _seconds(documents(_EN, 0.2, "en"), lexicon)
    for name, text, lang in (("english", _EN, "en"), ("chinese", _ZH, "zh")):
        frame = documents(text, 4, lang)
        print(f"bench extract_{name} {_size(frame) / _seconds(frame, lexicon):.2f} MB/s of CPU time")
    small, large = documents(_EN, 2, "en"), documents(_EN, 8, "en")
    ratio = _seconds(large, lexicon) / _seconds(small, lexicon)
    print(f"bench extract_linear {ratio:.2f} times as long for {_size(large) / _size(small):.2f} times the text")
    print(f"bench extract_peak_memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
    _against_spacy(lexicon)


def _against_spacy(lexicon: Lexicon) -> None:
    """Beside spaCy on real text where it lies beside the checkout: made-up text has too few different words for either."""
    nlp = spacy.blank("en")
    nlp.max_length = 10_000_000
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "TERM", "pattern": word} for word in lexicon.patterns])  # type: ignore[attr-defined]
    for name, frame in _texts():
        started = time.process_time()
        for _ in nlp.pipe(frame["text"].to_list()):
            pass
        theirs = time.process_time() - started
        ours = _seconds(frame, lexicon)
        print(f"bench extract_vs_spacy {theirs / ours:.1f} times as fast on {name}, {_size(frame) / ours:.1f} MB/s")


def _texts() -> list[tuple[str, pl.DataFrame]]:
    folder = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "documents"
    found = []
    for name in ("news_negatives_en.jsonl", "news_thesis_en.jsonl", "press_en.jsonl"):
        if (folder / name).exists():
            found.append((name, documents_from_jsonl((folder / name).read_bytes(), name, datetime.now(UTC))))
    return found or [("made-up text", documents(_EN, 4, "en"))]


if __name__ == "__main__":
    main()
