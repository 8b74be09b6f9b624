"""The track record, the event study, the calendar, stages and discovery, each against figures worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.test_cli import tracker
from tracker.extract.lexicon import load_lexicon
from tracker.resources import data_dir
from tracker.thesis.calendar import expected, overdue_facts
from tracker.thesis.discovery import accept, candidates
from tracker.thesis.event_study import abnormal_returns, returns_between, study, total_return_index
from tracker.thesis.schema import load_thesis
from tracker.thesis.stages import stage_signals, stages
from tracker.thesis.track_record import brier, judged, record, reliability, wilson

RULES = [Path(data_dir("rules"))]
NOW = datetime(2026, 11, 24, tzinfo=UTC)
PRICES = Path(__file__).parents[3] / "shared" / "data" / "prices"


def signals(rows: list[tuple[str, int, int, str]]) -> pl.DataFrame:
    """(entity, day, direction, basis)."""
    return pl.DataFrame(
        {
            "signal_id": [f"s{i}" for i in range(len(rows))], "rule_id": ["r"] * len(rows), "claim": ["D1"] * len(rows),
            "entity": [r[0] for r in rows], "effective_at": [NOW - timedelta(days=1000 - r[1]) for r in rows],
            "direction": pl.Series([r[2] for r in rows], dtype=pl.Int8), "basis": [r[3] for r in rows],
            "story_id": [f"t{i}" for i in range(len(rows))], "strength": [0.5] * len(rows), "confidence": [0.8] * len(rows),
        }
    )  # fmt: skip


def test_a_signal_is_judged_by_later_actual_figures_only() -> None:
    made = judged(
        signals([("A", 0, 1, "guidance"), ("A", 30, 1, "actual"), ("A", 40, -1, "rumor"), ("B", 0, -1, "plan")])
    )
    assert made["hit"].to_list() == [True, None, None, None]
    assert made["lead_days"].to_list() == [30.0, None, None, None]
    row = record(made, ("claim",)).row(0, named=True)
    assert (row["signals"], row["judged"], row["hits"]) == (4, 1, 1)
    assert brier(made) == pytest.approx(0.04)
    assert reliability(made)["came_true"].to_list() == [1.0]


def test_a_claim_that_can_only_go_one_way_is_not_judged() -> None:
    assert judged(signals([("A", 0, 1, "guidance"), ("A", 30, 1, "actual")]))["hit"].null_count() == 2


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.541, abs=0.002)
    assert high == pytest.approx(0.932, abs=0.002)
    assert wilson(0, 0) == (None, None)


def prices(days: int, growth: dict[str, float]) -> pl.DataFrame:
    dates = [date(2024, 1, 1) + timedelta(days=i) for i in range(days)]
    return pl.concat(
        pl.DataFrame({"symbol": [s] * days, "date": dates, "close": [100.0 * (1 + g) ** i for i in range(days)]})
        for s, g in growth.items()
    )


def test_the_abnormal_return_is_the_difference_over_the_horizon() -> None:
    index = total_return_index(prices(120, {"A": 0.01, "Q": 0.002}))
    events = pl.DataFrame({"group": ["g"], "symbol": ["A"], "at": [date(2024, 1, 10)], "direction": [1]})
    made = abnormal_returns(events, index, "Q")
    five = made.filter(pl.col("horizon") == 5)["abnormal"].item()
    assert five == pytest.approx(1.01**5 - 1.002**5)
    against = abnormal_returns(events.with_columns(direction=pl.lit(-1)), index, "Q")
    assert against.filter(pl.col("horizon") == 5)["abnormal"].item() == pytest.approx(-five)


def test_overlapping_events_count_once_and_noise_is_not_significant() -> None:
    rng = np.random.default_rng(1)
    frame = prices(900, {"A": 0.0, "Q": 0.0})
    frame = frame.with_columns(close=pl.col("close") * np.exp(np.cumsum(rng.normal(0, 0.02, frame.height))))
    crowd = [date(2024, 2, 1) + timedelta(days=i) for i in range(600)]
    events = pl.DataFrame({"group": "g", "symbol": "A", "at": crowd, "direction": 1})
    table = study(abnormal_returns(events, total_return_index(frame), "Q"))
    sixty = table.filter(pl.col("horizon") == 60).row(0, named=True)
    assert sixty["events"] <= 11
    assert table["significant"].fill_null(False).sum() == 0


def test_dividends_are_put_back() -> None:
    frame = pl.DataFrame({"symbol": ["A"] * 2, "date": [date(2024, 1, 1), date(2024, 1, 2)], "close": [100.0, 98.0]})
    paid = pl.DataFrame({"symbol": ["A"], "date": [date(2024, 1, 2)], "dividend": [2.0]})
    assert total_return_index(frame, paid)["index"].to_list() == [1.0, 1.0]


@pytest.mark.skipif(not PRICES.exists(), reason="the shared prices are not here")
def test_the_analogy_comes_out_as_the_prices_say() -> None:
    index = total_return_index(
        pl.read_parquet(PRICES / "daily.parquet"), pl.read_csv(PRICES / "dividends.csv", try_parse_dates=True)
    )
    made = returns_between(index, ("INTC", "MSFT", "QQQ", "GOOGL", "AAPL"), date(2007, 1, 1), date(2017, 12, 31))
    total = dict(made.select("symbol", "total_return").iter_rows())
    assert total["AAPL"] > total["GOOGL"] > max(total["INTC"], total["MSFT"])
    assert min(total.values()) > 1  # all of them at least doubled


def test_results_are_expected_one_own_interval_later_and_told_when_late() -> None:
    thesis, lexicon = load_thesis(RULES), load_lexicon(RULES)
    days = [date(2026, 1, 28), date(2026, 4, 29), date(2026, 7, 29)]
    told = pl.DataFrame(
        {
            "entity": "META", "kind": "capex", "period": "CY2026Q1",
            "published_at": [datetime(d.year, d.month, d.day, tzinfo=UTC) for d in days],
        }
    )  # fmt: skip
    none = pl.DataFrame(
        schema={"id": pl.String, "name": pl.String, "vendor": pl.String, "ships": pl.Date, "shipping": pl.Boolean}
    )
    row = expected(told, none, thesis, lexicon, date(2026, 9, 1)).row(0, named=True)
    assert (row["due"], row["overdue_days"]) == (date(2026, 10, 28), 0)
    assert "D1" in row["claims"]
    late = expected(told, none, thesis, lexicon, date(2026, 12, 20))
    assert late["overdue_days"].to_list() == [53]
    fact = overdue_facts(late, datetime(2026, 12, 20, tzinfo=UTC)).row(0, named=True)
    assert (fact["kind"], fact["entity"], fact["unit"]) == ("overdue", "META", "months")


def test_a_pillar_scales_by_volumes_of_several_and_not_by_announcements() -> None:
    thesis = load_thesis(RULES)

    def evidence(kind: str, entities: list[str], *, value: bool) -> pl.DataFrame:
        n = len(entities)
        return pl.DataFrame(
            {
                "pillar": ["hbm"] * n, "direction": [1] * n, "entity": entities, "story_id": [str(i) for i in range(n)],
                "kind": [kind] * n, "has_value": [value] * n, "basis": ["actual"] * n,
                "effective_at": [NOW - timedelta(days=10 * i) for i in range(n)],
            }
        )  # fmt: skip

    assert stages(evidence("order", ["MU"], value=True).clear(), thesis, NOW)["hbm"] == "concept"
    assert stages(evidence("product_launch", ["MU"] * 9, value=False), thesis, NOW)["hbm"] == "cultivation"
    assert stages(evidence("order", ["MU"] * 9, value=True), thesis, NOW)["hbm"] == "cultivation"  # one company alone
    assert stages(evidence("order", ["MU", "000660.KS"] * 4, value=True), thesis, NOW)["hbm"] == "scaling"
    told = stage_signals({"hbm": "cultivation"}, {"hbm": "scaling"}, thesis, NOW).row(0, named=True)
    assert (told["claim"], told["direction"]) == ("S1", 1)
    assert stage_signals({"hbm": "scaling"}, {"hbm": "scaling"}, thesis, NOW).is_empty()


def test_a_name_of_several_sources_is_a_candidate_and_goes_into_the_list(tmp_path: Path) -> None:
    lexicon = load_lexicon(RULES)
    texts = [
        "The HBM of Zyxterra Micro is sampled by customers.",
        "Analysts expect that Zyxterra Micro ships HBM next year.",
    ]
    documents = pl.DataFrame(
        {"doc_id": ["a", "b"], "story_id": ["a", "b"], "source": ["x", "y"], "published_at": [NOW, NOW], "text": texts}
    )
    found = candidates(documents, lexicon)
    assert found["name"].to_list() == ["Zyxterra Micro"]
    assert candidates(documents.with_columns(source=pl.lit("x")), lexicon).is_empty()  # one publisher alone
    path = tmp_path / "watchlist.yaml"
    path.write_text("# mine\nentities:\n  - {id: MU, name: Micron, layer: memory}  # first\n", encoding="utf-8")
    accept(tmp_path, "Zyxterra Micro", "memory", code=False)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# mine")
    assert "# first" in text
    assert "ZYXTERRAMICRO" in text


def test_the_commands_answer_in_json(tmp_path: Path) -> None:
    tracker("demo", "--dir", "var", "--json", cwd=tmp_path)
    db = ("--db", "var/store.duckdb", "--json")
    sides = json.loads(tracker("thesis", "D1", *db, cwd=tmp_path).stdout)
    assert sides["for"]
    assert sides["falsified_by"]
    assert isinstance(json.loads(tracker("calendar", *db, cwd=tmp_path).stdout), list)
    dry = json.loads(tracker("rules", "dry-run", str(RULES[0] / "hbm.yaml"), *db, cwd=tmp_path).stdout)
    assert dry["rules"] >= 10
    assert dry["signals"] >= 1
    back = json.loads(tracker("rules", "backtest", *db, cwd=tmp_path).stdout)
    assert back["rules"]
    assert tracker("thesis", "Q9", *db, cwd=tmp_path).returncode == 2
