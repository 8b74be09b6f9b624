"""The sentences of a batch that may tell a fact, in order.

What a sentence holds is asked of whole columns first: whether a figure could belong to one of its terms, and which
patterns of statements are worth trying. Of ten candidate sentences four are read; the others are only passed by.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from tracker.extract.abstract import unmarked
from tracker.extract.frames import CHINESE
from tracker.extract.lexicon import Lexicon
from tracker.extract.memory import catch_up
from tracker.extract.mentions import find_terms
from tracker.extract.reading import Document, Reading
from tracker.extract.trials import ANY


def readings(sentences: pl.DataFrame, documents: dict[str, Document], lexicon: Lexicon) -> Iterator[Reading]:
    """Readings of candidate sentences that may tell a fact; sentences of boilerplate are left out.

    sentences: as `candidate_sentences` gives them. What is known of a document is brought up to each of its readings.
    """
    folded = sentences["folded"].to_list()
    hits = find_terms(folded, lexicon)
    unmarked_forms = {i: bare for i, low in enumerate(folded) if (bare := unmarked(low)) is not None}
    other = sentences["folded"].str.contains(r"[^\x00-\x7f]").to_numpy()
    blocks = hits.blocks | np.where(other, ANY | CHINESE, ANY)
    bounds, trials = lexicon.trials.worth(folded, unmarked_forms, hits.signs, blocks)
    wanted = ~hits.boilerplate & (hits.calling | sentences["follows"].to_numpy() | sentences["leads"].to_numpy())
    measured = sentences["measured"].to_numpy()
    columns = sentences.with_row_index().with_columns(linking=pl.Series(measured & hits.measuring))
    chosen = columns.filter(pl.Series(wanted)).select(
        "index", "doc_id", "start", "sentence", "folded", "measured", "linking", "follows", "leads"
    )
    for i, doc_id, start, sentence, low, may_measure, may_link, follows, leads in chosen.iter_rows():
        document = documents[doc_id]
        goes_on = may_measure and document.told is not None
        if follows and not goes_on:
            continue  # it has nothing to go on from, or to go on with
        told_of = document.told.entity if document.told is not None else ""
        worth = trials[bounds[i] : bounds[i + 1]]
        reading = Reading(document, start, sentence, low, lexicon, hits, i, told_of, follows, may_measure, worth)
        if leads or not (may_link or goes_on or worth):
            document.passed.append(reading)
            if not leads:
                document.told = None
            continue
        catch_up(document, start)
        yield reading
