"""`tracker ingest`, `extract`, `score`, `reprocess`: documents from files through the same path as polled ones."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from tracker import jobs, proposals
from tracker.cli.options import ConfigOption, DbOption, JsonOption, RulesOption, settings_from
from tracker.cli.output import errors, lines, print_json, progress, show
from tracker.errors import SourceError
from tracker.extract.facts import read_facts
from tracker.hardware.equivalents import add_racks
from tracker.ingest.archive import Archive
from tracker.ingest.files import documents_from_jsonl, read_file, walk
from tracker.kit import Kit
from tracker.model_watch import watch
from tracker.pipeline import Counts, reprocess
from tracker.store import Store
from tracker.thesis.score import score_facts
from tracker.vocabulary import DOCUMENTS_SCHEMA, SCORED_FACTS_SCHEMA, conform

BATCH_CHARS = 4_000_000  # text per transaction: large enough for columns, small enough for memory
_FACT_FIELDS = (
    *("kind", "entity", "counterparty", "product", "value_low", "value_high", "unit", "currency", "period", "basis"),
    *("direction", "quote", "start", "end", "extractor"),
)
InputFile = Annotated[
    str, typer.Argument(metavar="FILE.jsonl", help="One JSON object a line; '-' reads standard input.")
]


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files or folders.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Read documents, feeds, EDGAR JSON, XBRL, filings, HTML, PDF and CSV from disk into the database.

    Unreadable files are named and skipped; reading the same files again adds nothing. Exit code 5 when no file at all
    could be read.
    """
    settings = settings_from(config, db, rules)
    kit = Kit.load(settings.rules_dirs)
    files = list(walk(paths))
    if not files:
        raise SourceError("there is no file", where=", ".join(map(str, paths)))
    total, skipped, read = Counts(), [], 0
    archive = Archive(settings.archive_dir)
    with Store.open(settings.store.path) as store, progress(quiet=as_json) as bar:
        task = bar.add_task("reading", total=len(files))
        with jobs.recorded(store, "ingest", datetime.now(UTC)) as counts:
            jobs.sync_suppliers(store, kit)
            batch = jobs.Batch(store, kit, BATCH_CHARS)
            for file in files:
                now = datetime.now(UTC)
                try:
                    batch.add(read_file(file, archive, kit.lexicon.issuers, now), now)
                    read += 1
                except SourceError as error:
                    skipped.append({"file": str(file), "reason": error.message})
                bar.advance(task)
            total = batch.finish(datetime.now(UTC))
            total.add(proposals.one_round(store, kit, settings, datetime.now(UTC)))
            total.signals += watch(store, kit, datetime.now(UTC))
            counts |= total.summary() | {"files": read, "skipped": len(skipped)}
        store.publish()
    skipped += [{"file": p.partition(": ")[0], "reason": p.partition(": ")[2]} for p in total.problems]
    summary: dict[str, Any] = total.summary() | {"files": read, "skipped": skipped}
    if as_json:
        print_json(summary)
    else:
        show(pl.DataFrame([{k: v for k, v in summary.items() if k != "skipped"}]), title="Ingested")
        for row in skipped:
            errors.print(f"skipped {row['file']}: {row['reason']}", markup=False, highlight=False, soft_wrap=True)
    if not read:
        raise SourceError("no file could be read", where=", ".join(map(str, paths)))


def extract(
    file: InputFile,
    as_json: JsonOption = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each fact, and each near-miss with its reason.")
    ] = False,
    config: ConfigOption = None,
    rules: RulesOption = None,
) -> None:
    """Documents in, facts out: one line per document, {"doc_id": …, "facts": […]}."""
    settings = settings_from(config, None, rules)
    documents = _documents(file)
    facts, misses = read_facts(documents, Kit.load(settings.rules_dirs).lexicon)
    if explain and not as_json:
        show(facts.select("doc_id", *_FACT_FIELDS[:11], "quote"), title="Facts", wrap=("quote",))
        near = [
            {"doc_id": m.doc_id, "start": m.start, "end": m.end, "kind": m.kind, "why not": m.reason} for m in misses
        ]
        show(pl.DataFrame(near), title="Near misses", wrap=("why not",), empty="no near misses")
        return
    lines(_by_document(documents, facts.select("doc_id", *_FACT_FIELDS), "facts"))


def score(file: InputFile, as_json: JsonOption = False, config: ConfigOption = None, rules: RulesOption = None) -> None:
    """Documents in, signals out: one line per document, {"doc_id": …, "signals": […]}."""
    kit = Kit.load(settings_from(config, None, rules).rules_dirs)
    documents = _documents(file)
    facts, _ = read_facts(documents, kit.lexicon)
    context = documents.select("doc_id", "published_at", "ingested_at", "story_id", "source_id", "tier", "lang")
    joined = add_racks(facts.join(context, on="doc_id", how="left"), kit.catalogue, kit.lexicon.entities)
    scored = conform(joined, SCORED_FACTS_SCHEMA)
    signals = score_facts(scored, scored, kit.thesis, kit.lexicon, model={}, now=datetime.now(UTC))
    exploded = signals.with_columns(pl.col("doc_ids").list.first().alias("doc_id"))
    lines(_by_document(documents, exploded, "signals"))


def _documents(file: str) -> pl.DataFrame:
    if file == "-":
        return documents_from_jsonl(sys.stdin.buffer.read(), "-", datetime.now(UTC))
    try:
        return documents_from_jsonl(Path(file).read_bytes(), file, datetime.now(UTC))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=file) from error


def _by_document(documents: pl.DataFrame, rows: pl.DataFrame, name: str) -> list[dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = {doc_id: [] for doc_id in documents["doc_id"]}
    for row in rows.iter_rows(named=True):
        found[row.pop("doc_id")].append(row)
    return [{"doc_id": doc_id, name: entries} for doc_id, entries in found.items()]


def reprocess_command(
    since: Annotated[
        str | None, typer.Option(help="Only documents published from this day on.", metavar="DATE")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    rules: RulesOption = None,
) -> None:
    """Facts and signals again with today's program and rules; new versions stand beside the old, history stays."""
    settings = settings_from(config, db, rules)
    kit = Kit.load(settings.rules_dirs)
    now = datetime.now(UTC)
    total = Counts()
    with (
        Store.open(settings.store.path) as store,
        progress(quiet=as_json) as bar,
        jobs.recorded(store, "reprocess", now) as counts,
    ):
        ids = store.read(
            "SELECT doc_id, length(text) AS chars FROM documents WHERE $since IS NULL OR published_at >= $since::TIMESTAMPTZ "
            "ORDER BY published_at, doc_id",
            {"since": since},
        ).with_columns(batch=pl.col("chars").cum_sum() // BATCH_CHARS)
        task = bar.add_task("reprocessing", total=ids.height)
        for part in ids.partition_by("batch", maintain_order=True):
            documents = store.read(
                "SELECT * EXCLUDE (signature) FROM documents WHERE doc_id IN (SELECT unnest($ids))",
                {"ids": part["doc_id"].to_list()},
            )
            total.add(reprocess(store, kit, conform(documents, DOCUMENTS_SCHEMA), now))
            bar.advance(task, part.height)
        counts |= total.summary()
        store.publish()
    if as_json:
        print_json(total.summary())
    else:
        show(pl.DataFrame([total.summary()]), title="Reprocessed (new rows)")
