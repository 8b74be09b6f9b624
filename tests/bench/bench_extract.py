"""Extraction: MB/s of text on one core, beside spaCy's EntityRuler with the same patterns in the same run.

Time is CPU time of this process, all threads. spaCy gets the whole lexicon as phrase patterns on lower-case tokens in a
blank pipeline: it splits words and looks its patterns up, no more. Two figures stand beside it: our own search for the same
terms ("mentions", the like for like), and the full extraction to facts, which is what the goal of ten times is about. Each side
has read the text once before the clock runs, and the faster of two runs counts for each.
"""

from __future__ import annotations

import gc
import gzip
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl
import spacy

from tracker.extract.facts import extract_facts
from tracker.extract.folding import fold
from tracker.extract.lexicon import Lexicon, load_lexicon
from tracker.extract.mentions import find_terms, mentions_of
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


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Fewest CPU seconds of some runs."""
    taken = []
    for _ in range(times):
        started = time.process_time()
        run()
        taken.append(time.process_time() - started)
    return min(taken)


def size(frame: pl.DataFrame) -> float:
    """Megabytes of text."""
    return float(frame["text"].str.len_bytes().sum()) / 1e6


def main() -> None:
    """Print speeds, how time and memory grow with input, the worst of hostile texts, and the ratio to spaCy."""
    lexicon = load_lexicon([data_dir("rules")])
    for name, text, lang in (("english", _EN, "en"), ("chinese", _ZH, "zh")):
        frame = documents(text, 4, lang)
        extract_facts(documents(text, 0.1, lang), lexicon)
        taken = seconds(partial(extract_facts, frame, lexicon), 2)
        print(f"bench extract_made_up_{name} {size(frame) / taken:.2f} MB/s of CPU time", flush=True)
    for language, names in (("English", _ENGLISH), ("Chinese", _CHINESE)):
        _real(language, real_texts(names), lexicon)
    _one_document(lexicon)
    _growth(lexicon)
    _hostile(lexicon)
    _against_spacy(lexicon)


def _real(language: str, sets: list[tuple[str, pl.DataFrame]], lexicon: Lexicon) -> None:
    """Speed on each set of real texts of a language, and on all of them together: the larger sets weigh more."""
    megabytes = total = 0.0
    for name, frame in sets:
        taken = seconds(partial(extract_facts, frame, lexicon), 2)
        dense = extract_facts(frame, lexicon).height / size(frame)
        print(
            f"bench extract_real {size(frame) / taken:.2f} MB/s of CPU time on {name}, {dense:.0f} facts/MB", flush=True
        )
        megabytes, total = megabytes + size(frame), total + taken
    if total:
        print(f"bench extract_real_whole {megabytes / total:.2f} MB/s of CPU time on all {language} sets", flush=True)


def _one_document(lexicon: Lexicon) -> None:
    """What one call costs that brings a single short document: a daemon makes many."""
    one = documents(_EN[:400], 0.0004, "en").head(1)
    taken = seconds(lambda: extract_facts(one, lexicon), 20)
    print(f"bench extract_one_document {taken * 1e3:.1f} ms of CPU time for {size(one) * 1e3:.1f} kB", flush=True)


def _growth(lexicon: Lexicon) -> None:
    """Time from 1 to 100 MB, and the memory 100 MB take beyond what the process holds before (a process of its own)."""
    small, large = documents(_EN, 1, "en"), documents(_EN, 100, "en")
    ratio = seconds(lambda: extract_facts(large, lexicon)) / seconds(lambda: extract_facts(small, lexicon), 3)
    more = size(large) / size(small)
    print(f"bench extract_linear {ratio:.1f} times as long for {more:.1f} times the text (1 to 100 MB)", flush=True)
    for shape in ("documents", "one_line"):
        run = subprocess.run(
            [sys.executable, "-m", "tests.bench.memory", shape], capture_output=True, text=True, check=True
        )
        print(f"bench extract_peak_memory {run.stdout.strip()}", flush=True)


def _hostile(lexicon: Lexicon) -> None:
    """Texts made to send an expression back and forth: twice the text has to take twice the time."""
    worst = (0.0, "")
    for name, unit in HOSTILE.items():
        short, long = (_document(unit * (n // len(unit))) for n in (100_000, 400_000))
        extract_facts(short, lexicon)
        gc.collect()  # what earlier benchmarks left is not these texts' time
        ratio = seconds(partial(extract_facts, long, lexicon), 2) / seconds(partial(extract_facts, short, lexicon), 2)
        worst = max(worst, (ratio, name))
    print(
        f"bench extract_hostile {worst[0]:.1f} times as long for 4.0 times the text, the worst of {len(HOSTILE)}: {worst[1]}"
    )


HOSTILE = {
    "digits": "1,234,567.891,",
    "spaces": "revenue" + " " * 97,
    "signs": "$(-(-($",
    "ranges": "5 to 6 to 7 to ",
    "adjectives": "5 AI new additional advanced custom ",
    "comparisons": "up from the up from the ",
    "words of numbers": "five hundred thousand million ",
    "periods": "first half of the second quarter of fiscal year ",
    "stops": 'a. "B. ' + "'C. ",
    "cues": "revenue orders capex ",
    "names": "NVIDIA and AMD, with Meta and ",
    "one sentence": "NVIDIA's revenue of $5 billion and ",
    "chinese numbers": "一二三百千万亿",
    "chinese cues": "营收订单产能英伟达",
    "brackets": "((((((((",
    "tables": "| $ | 5.0 | ) | % ",
    "table headers": "Three Months Ended Jul 27, 2025 | Jul 28, 2024\n",
    "table units": "($ in ($ in ,,,, (in millions | 5\n",
    "table rows": "(In millions) | Jul 27, 2025\nRevenue | 5 | 6\n",
}


def _document(text: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"doc_id": "x", "title": "t", "lang": "en", "published_at": datetime(2026, 5, 20, tzinfo=UTC), "text": text}
    )


def _against_spacy(lexicon: Lexicon) -> None:
    """Beside spaCy on real text where it lies beside the checkout, and on made-up text, which has few different words."""
    nlp = spacy.blank("en")
    nlp.max_length = 10_000_000
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "TERM", "pattern": word} for word in lexicon.patterns])  # type: ignore[attr-defined]
    made_up = ("made-up text", documents(_EN, 1, "en"))
    for name, frame in [*real_texts(_ENGLISH[:-1]), made_up]:
        texts = frame["text"].to_list()
        theirs = seconds(lambda texts=texts: [len(doc.ents) for doc in nlp.pipe(texts)], 3)  # type: ignore[misc]
        terms = seconds(partial(mentions, texts, lexicon), 3)
        full = seconds(partial(extract_facts, frame, lexicon), 3)
        print(
            f"bench extract_vs_spacy {theirs / full:.1f} times as fast (facts), {theirs / terms:.1f} times (mentions alone)"
            f" on {name}: spaCy {size(frame) / theirs:.2f} MB/s, facts {size(frame) / full:.2f}, mentions {size(frame) / terms:.2f}",
            flush=True,
        )


def mentions(texts: list[str], lexicon: Lexicon) -> int:
    """How many terms stand in texts: what the EntityRuler does."""
    folded = [fold(text) for text in texts]
    hits = find_terms(folded, lexicon)
    return sum(
        len(of_role)
        for i, (text, low) in enumerate(zip(texts, folded, strict=True))
        for of_role in mentions_of(text, low, hits, i, lexicon).values()
    )


_ENGLISH = (
    "news_negatives_en.jsonl",
    "press_en.jsonl",
    "transcripts_negatives_en.jsonl.gz",
    "news_thesis_en.jsonl",
    "transcripts_en.jsonl.gz",
)
_CHINESE = ("negatives_zh.jsonl.gz", "thesis_zh.jsonl.gz")


def real_texts(names: tuple[str, ...]) -> list[tuple[str, pl.DataFrame]]:
    """Files of real documents, as far as they lie beside the checkout."""
    folder = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "documents"
    found = []
    for name in names:
        if (folder / name).exists():
            raw = (folder / name).read_bytes()
            text = gzip.decompress(raw) if name.endswith(".gz") else raw
            found.append((name, documents_from_jsonl(text, name.removesuffix(".gz"), datetime.now(UTC))))
    return found


if __name__ == "__main__":
    main()
