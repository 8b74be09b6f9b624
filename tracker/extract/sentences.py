"""From documents to candidate sentences: the only place that looks at every character.

One Aho-Corasick scan of the folded text finds the cue words of all kinds; a sentence without one is never looked at
again. Where sentences end is found for the whole batch at once, with arrays.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from tracker.extract.lexicon import Lexicon
from tracker.extract.page import CAPITAL, CLOSER, FULL_STOP, OPENER, SPACE, STOP, Page, Positions, lay_out
from tracker.extract.quantities import MEASURED

MAX_SENTENCE: Final = 600  # characters; longer ones (a single line of 100 MB) are cut where a cue stands
BATCH: Final = 4_000_000  # bytes of text laid out at a time: memory does not grow with the number of documents
# What a figure can begin with; a sentence with neither a figure nor the sign of a statement holds no fact. Scanned by polars.
_FIGURE: Final = (
    r"[0-9]|(?-u:\b)(?:doubl|tripl|quadrupl|half|mid-|teens|one |a (?:b|m|tr)illion|gigawatt|(?:two|three|four|five|six|seven|eight|nine|ten) )"
    r"|[一二两三四五六七八九]成|百分之|翻|倍|一半|分之|[百千万][张卡颗]|[一二三四五六七八九十百千两兩]{1,6}[万亿萬億]"
)
# How a sentence begins that speaks of somebody or something the sentence before it named.
_ANAPHOR: Final = (
    r"^(?:and |but |so |now |also )?(?:all (?:two|three|four|five)|both|the (?:two|three|four|five|trio|duo|pair|company|firm|group|deal|chips?|gpus?|systems?|racks?)"
    r"|they|it|its|their|this|these|adoption|customers)(?-u:\b)"
)
_SPACES: Final = 4
_WORD_BEGINS: Final = re.compile(r"\S")
_FIGURE_WITHIN: Final = 80  # an elliptical sentence comes to its figure at once
_ABBREVIATION: Final = re.compile(
    r"\b(?:Inc|Corp|Co|Ltd|U\.S|Mr|Ms|Dr|No|vs|approx|Q[1-4]|St|Jan|Feb|Aug|Sept?|Oct|Nov|Dec)\.$"
)
# Behind "U.S." only such a word begins another sentence; a name may go on with the country ("the U.S. Army").
_BEGINS_ANEW: Final = re.compile(
    r"\s(?:Its?|The|In|But|And|They|We|This|That|These|Those|However|Their|Both|Also|Meanwhile|He|She|There)\s"
)
_ABBREVIATION_REACH: Final = 8
# the letters before the full stop of an abbreviation: what is worth asking the expression about
_ABBREVIATION_ENDS: Final = re.compile(r"nc|rp|Co|td|\.S|Mr|Ms|Dr|No|vs|ox|Q[1-4]|St|an|eb|[ue][gp]|pt|ct|ov|ec")


def batches(documents: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Documents in order, some megabytes of text at a time; a document is never cut."""
    sizes = documents["text"].str.len_bytes().fill_null(0).cum_sum() // BATCH
    if documents.height == 1 or sizes.n_unique() == 1:
        yield documents
        return
    for part in documents.with_columns(_batch=sizes).partition_by("_batch", maintain_order=True):
        yield part.drop("_batch")


def candidate_sentences(documents: pl.DataFrame, lexicon: Lexicon, texts: Sequence[str] | None = None) -> pl.DataFrame:
    """Sentences with at least one cue word, and the sentences with a figure right behind them.

    documents: doc_id, text. Returns (doc_id, start, end, sentence, folded, figures, measured, follows, leads), offsets in
    characters, in reading order; `figures` tells a sentence with
    something like a figure and `measured` one with what may be a quantity; `follows` marks one without a cue of its own, which may go on about the figure before it,
    `leads` one that is only there for the names the sentence behind it refers to.
    texts: of the documents, where somebody holds them already: a copy of 100 MB is worth saving.
    """
    page = lay_out([text or "" for text in (documents["text"] if texts is None else texts)])
    hits = lexicon.cues.places(page)  # "relationship" holds no "ship"
    ends = _ends(page)
    spans, limits = _spans(page, hits, ends)
    found = _frame(page, spans).with_columns(
        limit=pl.Series(limits, dtype=pl.Int64), follows=pl.lit(False), leads=pl.lit(False)
    )
    numbers = found.filter("figures")
    words = found.filter(~pl.col("figures"))
    words = words.filter(pl.col("folded").str.contains_any(list(lexicon.sign_patterns)))
    followers = _followers(page, numbers, ends)
    told = pl.concat([numbers.drop("limit"), words.drop("limit"), followers])
    rows = pl.concat([told, _leaders(page, told, ends)]).sort("start")
    owner = page.owners(rows["start"].to_numpy())
    base = page.starts[owner]
    return rows.select(
        documents["doc_id"].gather(owner).alias("doc_id"),
        pl.col("start") - pl.Series(base),
        pl.col("end") - pl.Series(base),
        "sentence",
        "folded",
        "figures",
        (pl.col("figures") & pl.col("folded").str.contains(MEASURED)).alias("measured"),
        "follows",
        "leads",
    )


def _frame(page: Page, spans: list[tuple[int, int]]) -> pl.DataFrame:
    """Spans of a page as a frame (start, end, sentence, folded, figures), without the space around them."""
    text, low = page.text, page.folded
    rows = []
    for start, end in spans:
        sentence = text[start:end].rstrip()
        end = start + len(sentence)
        sentence = sentence.lstrip()
        start = end - len(sentence)
        if start < end:
            rows.append((start, end, sentence, low[start:end]))
    schema = {"start": pl.Int64, "end": pl.Int64, "sentence": pl.String, "folded": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(figures=pl.col("folded").str.contains(_FIGURE))


def _followers(page: Page, numbers: pl.DataFrame, ends: Positions) -> pl.DataFrame:
    """The sentences behind candidates with a figure (start, end, limit), when a figure stands near their beginning."""
    text, stops = page.text, ends.tolist()
    near = numbers.filter(pl.col("limit") - pl.col("end") >= 8).select("end", "limit")
    heads = [page.folded[end : min(limit, end + _FIGURE_WITHIN)] for end, limit in near.iter_rows()]
    near = near.filter(pl.Series(heads, dtype=pl.String).str.contains(_FIGURE))
    spans = []
    for end, limit in near.iter_rows():
        start = end + len(text[end:limit]) - len(text[end:limit].lstrip())
        at = bisect_right(stops, start + 1)
        ceiling = min(limit, start + MAX_SENTENCE)
        spans.append((start, min(stops[at], ceiling) if at < len(stops) else ceiling))
    return _frame(page, spans).filter("figures").with_columns(follows=pl.lit(True), leads=pl.lit(False))


def _leaders(page: Page, told: pl.DataFrame, ends: Positions) -> pl.DataFrame:
    """The sentences before candidates that begin with a word for somebody named before ("Both companies", "It")."""
    starts = told.filter(pl.col("folded").str.contains(_ANAPHOR))["start"].to_numpy()
    edges = np.concatenate(([0], ends, [len(page.text)]))
    at = np.searchsorted(edges, starts, side="right") - 1
    begins, stops = edges[(at - 1).clip(min=0)], edges[at]
    same = (page.owners(begins) == page.owners(starts)) & (stops - begins <= MAX_SENTENCE) & (begins < stops)
    spans = sorted(set(zip(begins[same].tolist(), stops[same].tolist(), strict=True)))
    found = _frame(page, spans).with_columns(follows=pl.lit(False), leads=pl.lit(True))
    return found.join(told.select("start"), on="start", how="anti")


def _ends(page: Page) -> Positions:
    """Where sentences end (the character behind): at a full stop with a space and something that can start one."""
    kinds = page.kinds
    stops = page.having(STOP)
    behind = stops + 1
    behind += (kinds[behind] & CLOSER) != 0
    spaced = (kinds[behind] & SPACE) != 0
    stops, first = stops[spaced], _past_space(page, behind[spaced])
    first += (kinds[first] & OPENER) != 0
    stops = stops[(kinds[first] & CAPITAL) != 0]
    stops = stops[[not _abbreviates(page.text, stop) for stop in stops.tolist()]] if len(stops) else stops
    return np.sort(np.concatenate((page.having(FULL_STOP), stops))) + 1


def _past_space(page: Page, at: Positions) -> Positions:
    """Where the space at each place ends: step by step for all at once, the few long runs by themselves."""
    for _ in range(_SPACES):
        moving = (page.kinds[at] & SPACE) != 0
        if not moving.any():
            return at
        at += moving
    for i in np.flatnonzero((page.kinds[at] & SPACE) != 0).tolist():
        word = _WORD_BEGINS.search(page.text, int(at[i]))
        at[i] = word.start() if word else len(page.text)
    return at


def _abbreviates(text: str, stop: int) -> bool:
    """Whether the full stop at a place belongs to an abbreviation."""
    if _ABBREVIATION_ENDS.match(text, stop - 2) is None:
        return False
    found = _ABBREVIATION.search(text[max(0, stop - _ABBREVIATION_REACH) : stop + 1])
    return found is not None and not (found[0] == "U.S." and _BEGINS_ANEW.match(text, stop + 1))


def _spans(page: Page, hits: Positions, ends: Positions) -> tuple[list[tuple[int, int]], list[int]]:
    """Sentences that hold a hit, in order, and for each where the next one or its text begins: as far as it may be
    followed."""
    edges = np.concatenate(([0], ends, [len(page.text)]))
    at = np.searchsorted(edges, hits, side="right") - 1
    at = at.clip(max=len(edges) - 2)
    whole, firsts = np.unique(at, return_index=True)
    starts, stops, first = edges[whole], edges[whole + 1], hits[firsts]
    short = (first - starts <= MAX_SENTENCE // 2) & (stops - starts <= MAX_SENTENCE)
    spans = list(zip(starts[short].tolist(), stops[short].tolist(), strict=True))
    for k in np.flatnonzero(~short).tolist():
        last = firsts[k + 1] if k + 1 < len(firsts) else len(hits)
        spans += _cut(int(starts[k]), int(stops[k]), hits[firsts[k] : last].tolist())
    spans.sort()
    nexts = np.array([start for start, _ in spans[1:]] + [len(page.text)], dtype=np.int64)
    return spans, np.minimum(nexts, _text_ends(page, spans)).tolist()


def _text_ends(page: Page, spans: list[tuple[int, int]]) -> npt.NDArray[np.int64]:
    owner = page.owners(np.array([start for start, _ in spans], dtype=np.int64))
    return page.starts[owner + 1] - 1


def _cut(start: int, stop: int, hits: list[int]) -> list[tuple[int, int]]:
    """A sentence that is too long, as windows around the hits in it."""
    spans: list[tuple[int, int]] = []
    for hit in hits:
        floor = spans[-1][1] if spans else start
        if hit < floor:
            continue
        begin = max(floor, hit - MAX_SENTENCE // 2)
        spans.append((begin, min(stop, begin + MAX_SENTENCE)))
    return spans
