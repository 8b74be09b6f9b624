"""`tracker rules backtest`, `tracker rules dry-run`: what rules were worth, and what new ones would say."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import polars as pl
import typer

from tracker.cli.options import ConfigOption, DbOption, JsonOption, LimitOption, RulesOption, day, settings_from
from tracker.cli.output import console, print_json, show
from tracker.errors import UsageError
from tracker.extract.lexicon import load_lexicon
from tracker.hardware.catalogue import load_catalogue
from tracker.hardware.equivalents import exchange_rates
from tracker.resources import data_dir
from tracker.store import open_snapshot, query
from tracker.thesis.event_study import HORIZONS, abnormal_returns, returns_between, study, total_return_index
from tracker.thesis.margins import load_by_hand, told, yearly_margins
from tracker.thesis.schema import load_thesis
from tracker.thesis.score import score_facts
from tracker.thesis.track_record import CONFIDENCE, brier, judged, record, reliability
from tracker.vocabulary import SCORED_FACTS_SCHEMA, conform

H1_SYMBOLS: Final = ("INTC", "MSFT", "QQQ", "GOOGL", "AAPL")
H1_DAYS: Final = (date(2007, 1, 1), date(2017, 12, 31))
H2_SYMBOLS: Final = ("INTC", "MSFT", "GOOGL", "AAPL")
_SIGNALS: Final = """
SELECT s.*, f.basis, f.kind FROM v_signals s LEFT JOIN facts f ON f.fact_id = s.fact_ids[1]
WHERE coalesce(s.review, '') <> 'reject'
"""
_MARGINS: Final = """
SELECT f.entity, f.period, (f.value_low + f.value_high) / 2 AS margin, d.url AS source
FROM v_facts f LEFT JOIN documents d USING (doc_id)
WHERE f.kind = 'gross_margin' AND f.unit = 'pct' AND f.basis = 'actual' AND f.entity IN ('INTC', 'MSFT', 'GOOGL', 'AAPL')
  AND f.extractor = 'xbrl' AND regexp_full_match(f.period, '(FY|CY)20(0[7-9]|1[0-7])')
QUALIFY row_number() OVER (PARTITION BY f.entity, f.period ORDER BY f.tier, f.published_at, f.fact_id) = 1
ORDER BY 1, 2
"""


def backtest(
    prices: Annotated[
        Path | None,
        typer.Option(help="Folder or file with daily prices (symbol, date, close): parquet or CSV.", metavar="PATH"),
    ] = None,
    benchmark: Annotated[str, typer.Option(help="Symbol the returns are measured against.")] = "QQQ",
    quarters: Annotated[int, typer.Option(min=1, max=20, help="How long later evidence may take.")] = 4,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the years 2007 to 2017 into this SVG or PNG.", metavar="FILE")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
) -> None:
    """What signals were worth: confirmed by later figures, how soon, calibrated or not, and prices after them."""
    connection = open_snapshot(settings_from(config, db).store.path)
    signals = query(connection, _SIGNALS)
    weighed = judged(signals, quarters=quarters)
    index = _index(prices) if prices is not None else None
    margins = yearly_margins(
        query(connection, _MARGINS), load_by_hand(data_dir("rules") / "history" / "annual_results.yaml")
    )
    answer: dict[str, Any] = {
        "rules": record(weighed), "claims": record(weighed, ("claim",)), "reliability": reliability(weighed),
        "brier": brier(weighed), "margins_2007_2017": margins,
    }  # fmt: skip
    if index is not None:
        answer["event_study"] = study(abnormal_returns(_events(signals), index, benchmark))
        answer["returns_2007_2017"] = returns_between(index, H1_SYMBOLS, *H1_DAYS)
        if picture is not None:
            from tracker.thesis.pictures import history_picture  # matplotlib takes half a second to load

            history_picture(index, H1_SYMBOLS, *H1_DAYS, margins, picture)
    elif picture is not None:
        raise UsageError("a picture needs prices", hint="add --prices PATH")
    if as_json:
        print_json({k: v.to_dicts() if isinstance(v, pl.DataFrame) else v for k, v in answer.items()})
        return
    _tell(answer, quarters, benchmark)


def _tell(answer: dict[str, Any], quarters: int, benchmark: str) -> None:
    band = f"{CONFIDENCE:.0%} interval"
    shown = ["rule", "claim", "signals", "judged", "hits", "hit_rate", "hit_low", "hit_high", "lead_days"]
    show(
        answer["rules"].select(shown),
        title=f"Rules: agreed by later actual figures within {quarters} quarters ({band})",
    )
    show(answer["claims"].select(shown[1:]), title="Claims")
    show(answer["reliability"], title="Of signals said with this confidence, how many came true")
    score = answer["brier"]
    console.print(
        "no signal has later evidence yet" if score is None else f"Brier score {score:.3f} (a half always: 0.250)"
    )
    if "event_study" in answer:
        table = answer["event_study"]
        shown = table.filter(pl.col("p_value").is_not_null()).select(
            "group", "horizon", "events", "mean", "low", "high", "p_value", "significant"
        )
        tested = table["p_value"].is_not_null().sum()
        show(
            shown,
            title=f"Signed return over {benchmark} after signals, {', '.join(map(str, HORIZONS))} trading days ({band})",
        )
        sure = table["significant"].fill_null(False).sum()
        console.print(f"{tested} trials, {sure} of them distinguishable from nothing after Bonferroni's correction")
        console.print(
            "The watchlist was chosen with hindsight: how these names drifted against the benchmark is in every figure, with "
            "a plus sign after signals for a claim and a minus sign after signals against it. Groups with fewer than eight "
            "days of events have no band and are not shown."
        )
        returns = answer["returns_2007_2017"]
        show(returns, title="H1: 2007 to 2017, dividends put back")
        console.print(_h1(returns))
    for line in told(answer["margins_2007_2017"], H2_SYMBOLS):
        console.print(line)


def _h1(returns: pl.DataFrame) -> str:
    """The claim as the figures tell it."""
    total = dict(returns.select("symbol", "total_return").iter_rows())
    if set(H1_SYMBOLS) - set(total):
        return f"H1: no prices of {', '.join(sorted(set(H1_SYMBOLS) - set(total)))}"
    pair_won = [s for s in ("INTC", "MSFT") if total[s] > total["QQQ"]]
    later_won = [s for s in ("GOOGL", "AAPL") if total[s] > max(total["INTC"], total["MSFT"])]
    first = " and ".join(pair_won) or "neither Intel nor Microsoft"
    second = " and ".join(later_won) or "neither Google nor Apple"
    return f"H1: {first} beat the NASDAQ-100 fund; {second} beat Intel and Microsoft both"


def _index(path: Path) -> pl.DataFrame:
    """The total-return index of a file of prices; dividends.csv beside it is put back."""
    file = path / "daily.parquet" if path.is_dir() else path
    if not file.exists():
        raise UsageError(f"no prices at '{file}'", hint="a parquet or CSV file with symbol, date and close")
    frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, try_parse_dates=True)
    missing = {"symbol", "date", "close"} - set(frame.columns)
    if missing:
        raise UsageError(f"'{file}' has no column {', '.join(sorted(missing))}", hint="columns: symbol, date, close")
    paid = file.parent / "dividends.csv"
    return total_return_index(frame, pl.read_csv(paid, try_parse_dates=True) if paid.exists() else None)


def _events(signals: pl.DataFrame) -> pl.DataFrame:
    """(group, symbol, at, direction): every signal of a listed entity, by claim and for all claims together."""
    own = signals.filter(pl.col("entity").is_not_null()).select(
        "claim", pl.col("entity").alias("symbol"), pl.col("effective_at").dt.date().alias("at"), "direction"
    )
    side = pl.when(pl.col("direction") > 0).then(pl.lit(" for")).otherwise(pl.lit(" against"))
    by_claim = own.with_columns(group=pl.col("claim") + side)
    every = own.with_columns(group=pl.lit("all") + side)
    return pl.concat([by_claim, every]).select("group", "symbol", "at", "direction").unique(maintain_order=True)


def dry_run(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file of rules, or a folder of a thesis.")],
    since: Annotated[str | None, typer.Option(help="Only facts published from this day on.")] = None,
    limit: LimitOption = 20,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """What the rules of a file would have said over the facts in the store; nothing is written."""
    settings = settings_from(config, db, rules)
    if not path.exists():
        raise UsageError(f"there is no '{path}'", hint="name a YAML file of rules or a folder")
    with TemporaryDirectory(prefix="rules-") as spare:
        # a single file is laid over the thesis as a folder of its own
        folder = path if path.is_dir() else Path(shutil.copy(path, spare)).parent
        thesis = load_thesis([*settings.rules_dirs, folder])
    chosen = [rule for rule in thesis.rules if str(folder) in rule.where]
    problems = [str(p).replace(str(folder), str(path.parent if path.is_file() else path)) for p in thesis.problems]
    facts = conform(query(open_snapshot(settings.store.path), "SELECT * FROM v_facts"), SCORED_FACTS_SCHEMA)
    asked = facts if since is None else facts.filter(pl.col("published_at").dt.date() >= day(since, "--since"))
    fx = exchange_rates(load_catalogue(data_dir("rules") / "hardware"))
    lexicon = load_lexicon(settings.rules_dirs)
    signals = score_facts(asked, facts, replace(thesis, rules=chosen), lexicon, model={"fx": fx}, now=datetime.now(UTC))
    counts = signals.group_by("rule_id", "claim", "direction").len("signals").sort("signals", descending=True)
    silent = sorted({r.id for r in chosen} - set(signals["rule_id"]))
    if as_json:
        print_json(
            {
                "rules": len(chosen), "problems": problems, "signals": signals.height,
                "by_rule": counts.to_dicts(), "silent": silent,
            }
        )  # fmt: skip
        return
    for problem in problems:
        console.print(f"[red]{problem}[/]")
    show(counts, title=f"{len(chosen)} rules over {asked.height:,} facts", empty="no rule fires")
    if silent:
        console.print(f"silent: {', '.join(silent)}")
    latest = signals.sort("effective_at", descending=True).head(limit)
    show(latest.select("effective_at", "claim", "rule_id", "explanation"), title="Latest", wrap=("explanation",))


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `tracker rules`."""
    app.command()(backtest)
    app.command("dry-run")(dry_run)
