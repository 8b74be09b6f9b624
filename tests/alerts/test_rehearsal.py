"""A stretch of the past lived again: a digest a day and reader, over changes of clocks in four zones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.alerts.small import TEXTS, documents, kit, reader
from tracker.alerts.rehearsal import FINE_TICK, TICK, rehearse, ticks
from tracker.config import MailSettings
from tracker.store import Store
from tracker.vocabulary import FACTS_SCHEMA, empty

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe")


@pytest.mark.slow
@pytest.mark.parametrize("first", [date(2026, 3, 28), date(2026, 10, 24)])
def test_a_change_of_clocks_doubles_and_loses_nothing(tmp_path: Path, first: date) -> None:
    # 02:30 is the hour that is skipped in March and comes twice in October in Berlin
    readers = [replace(reader(zone=z, at="02:30"), address=f"r{n}@example.org") for n, z in enumerate(ZONES)]
    mail = MailSettings(host="localhost", sender="t@example.org", to=("r0@example.org",))
    news = documents(TEXTS, now=datetime(first.year, first.month, first.day, 12, tzinfo=UTC))
    with Store.open(tmp_path / "store.duckdb") as store:
        told = rehearse(store, kit(), news, empty(FACTS_SCHEMA), readers, mail, first, 3)
    assert told.digests == {r.address: 3 for r in readers}
    assert (told.doubled, told.missing) == (0, 0)
    assert told.documents == len(TEXTS)
    assert told.signals >= 4
    assert sum(told.immediate) >= 1
    assert told.loudest.height >= 3
    assert told.largest_mail > 5_000


def test_the_clock_is_looked_at_often_where_it_changes() -> None:
    start = datetime(2026, 10, 24, tzinfo=UTC)
    moments = list(ticks(start, start + timedelta(days=3), [reader().zone]))
    assert FINE_TICK in {b - a for a, b in pairwise(moments)} <= {FINE_TICK, TICK}
    calm = list(ticks(start + timedelta(days=20), start + timedelta(days=22), [reader().zone]))
    assert len(calm) == 24
