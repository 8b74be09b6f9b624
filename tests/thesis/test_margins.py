"""Yearly margins: what was filed supersedes what was entered by hand, and both are told against the bands."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tracker.errors import RuleError
from tracker.resources import data_dir
from tracker.thesis.margins import BY_HAND, FILED, load_by_hand, told, yearly_margins

FILE = data_dir("rules") / "history" / "annual_results.yaml"
NOTHING_FILED = pl.DataFrame(
    schema={"entity": pl.String, "period": pl.String, "margin": pl.Float64, "source": pl.String}
)


def written(folder: Path, row: str) -> Path:
    path = folder / "results.yaml"
    path.write_text(f"results:\n  - {row}\n", encoding="utf-8")
    return path


def test_both_companies_have_every_year_and_every_row_a_source() -> None:
    made = load_by_hand(FILE)
    years = made.group_by("entity").agg(pl.col("year").sort())
    assert dict(years.iter_rows()) == {name: list(range(2007, 2018)) for name in ("INTC", "MSFT")}
    assert made["source"].str.starts_with("http").all()
    assert made["margin"].is_between(50, 85).all()


def test_what_was_filed_supersedes_what_was_entered_by_hand() -> None:
    filed = pl.DataFrame(
        {"entity": ["INTC"], "period": ["FY2016"], "margin": [61.0], "source": ["https://example.org"]}
    )
    made = yearly_margins(filed, load_by_hand(FILE)).filter((pl.col("entity") == "INTC") & (pl.col("year") >= 2016))
    assert list(made.select("year", "origin").iter_rows()) == [(2016, FILED), (2017, BY_HAND)]
    assert made["margin"][0] == 61.0


def test_the_bands_are_told_as_they_come_out() -> None:
    made = yearly_margins(NOTHING_FILED, load_by_hand(FILE))
    intel, microsoft, google = told(made, ("INTC", "MSFT", "GOOGL"))
    assert intel.startswith("H2: INTC 51.9 to 65.3 % in 11 years")
    assert "4 of them at 50-60 %, 7 above; 11 of them entered by hand" in intel
    assert "2 of them at 80 % and more, 9 below" in microsoft
    assert "no yearly margin of GOOGL" in google


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{company: INTC, year: 2010, revenue: 10, cost: 4, checked: true}", "need source"),
        ("{company: INTC, year: 2010, revenue: 4, cost: 10, source: x, checked: true}", "does not lie between"),
        ("just words", "need company"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(RuleError, match=said) as caught:
        load_by_hand(written(tmp_path, row))
    assert "results.yaml:2" in str(caught.value)
