"""Kinds, units, bases, directions and the frames that carry them: the one place where the vocabulary lives.

A change here is a change of the database schema (`storage/migrations/`) and of every label.
Each `*_SCHEMA` is what a function taking or returning such a frame promises: these columns, these types.
"""

from __future__ import annotations

from typing import Final

import polars as pl

# --- facts ---------------------------------------------------------------------------------------------------------

RESULT_KINDS: Final = (
    "revenue",
    "segment_revenue",
    "gross_margin",
    "operating_income",
    "capex",
    "backlog",
    "supply_commitment",
    "inventory",
)
SUPPLY_KINDS: Final = (
    "shipment",
    "order",
    "capacity",
    "price",
    "supply_tightness",
    "ramp",
    "schedule_slip",
    "deployment",
)
PRODUCT_KINDS: Final = (
    "product_launch",
    "spec_release",
    "alliance",
    "design_win",
    "custom_silicon",
    "acquisition",
)
FALSIFIER_KINDS: Final = ("demand_cut", "scaling_doubt", "tech_breakthrough")
KINDS: Final = RESULT_KINDS + SUPPLY_KINDS + PRODUCT_KINDS + FALSIFIER_KINDS
# What the hardware model observes (`tracker.hardware.model_facts`): rules may ask for it like for a fact; it is never
# read from a document, and no row of `facts` has it.
MODEL_KINDS: Final = (
    "ledger_shortage",  # demand of a link surely exceeds its supply in a quarter; value: the gap in racks
    "ledger_glut",  # supply surely exceeds demand
    "ledger_divergence",  # the gap moved by more than a tenth of demand; value: the move in racks
    "tightest_link",  # another link became the tightest
    "domain_step",  # per cent: accelerators of one scale-up domain against the vendor's system before
    "memory_step",  # per cent: HBM per accelerator
    "power_step",  # per cent: kW per cabinet
    "ratio_step",  # per cent: scale-up over scale-out bandwidth of one accelerator
    "copper_headroom",  # per cent: accelerators passive copper can join in a rack at the lane rate, against the domain
    "trend_residual",  # per cent: HBM bandwidth of a domain against the line through the leader's systems before
    "lag_step",  # months: behind the leader at the same domain; negative when the follower was first
    "overdue",  # months since something was due (`tracker.thesis.calendar`); period: results, monthly_revenue or system
)

UNITS: Final = (
    "money",
    "pct",
    "pct_yoy",
    "pct_qoq",
    "pct_pt",
    "racks",
    "gpus",
    "units",
    "wafers_per_month",
    "GB",
    "TB",
    "GBps",
    "TBps",
    "W",
    "kW",
    "MW",
    "GW",
    "nm",
    "months",
)
GROWTH_UNITS: Final = ("pct", "pct_yoy", "pct_qoq", "pct_pt")
BASES: Final = ("actual", "guidance", "plan", "estimate", "rumor")
DIRECTIONS: Final = ("up", "down", "flat", "none")
MARKET: Final = "MARKET"  # the entity of a fact about the whole market
MAX_QUOTE_CHARS: Final = 240

# --- thesis --------------------------------------------------------------------------------------------------------

SEVERITIES: Final = ("info", "low", "medium", "high", "critical")  # ordered, lowest first
STAGES: Final = ("concept", "cultivation", "scaling", "maturity", "clearing")

# --- frames --------------------------------------------------------------------------------------------------------

UTC_TIME: Final = pl.Datetime("us", "UTC")

DOCUMENTS_SCHEMA: Final[dict[str, pl.DataType]] = {
    "doc_id": pl.String(),  # first 16 hex digits of SHA-256 over canonical URL and normalised text
    "source_id": pl.String(),
    "source": pl.String(),  # what a reader calls the publisher: its host or name
    "tier": pl.Int8(),  # 1 primary .. 4 social
    "entity": pl.String(),  # issuer of the document (watchlist id), null when there is none
    "url": pl.String(),
    "canonical_url": pl.String(),
    "title": pl.String(),
    "lang": pl.String(),  # en | zh | other ISO 639-1
    "published_at": UTC_TIME,
    "ingested_at": UTC_TIME,
    "text": pl.String(),
    "raw_sha256": pl.String(),
    "story_id": pl.String(),
}

FACTS_SCHEMA: Final[dict[str, pl.DataType]] = {
    "fact_id": pl.String(),  # 16 hex digits over doc_id and every extracted field: the same fact keeps its id
    "doc_id": pl.String(),
    "kind": pl.String(),
    "entity": pl.String(),
    "counterparty": pl.String(),
    "product": pl.String(),
    "value_low": pl.Float64(),
    "value_high": pl.Float64(),
    "unit": pl.String(),
    "currency": pl.String(),
    "period": pl.String(),
    "basis": pl.String(),
    "direction": pl.String(),
    "quote": pl.String(),
    "start": pl.Int64(),  # characters (code points) in documents.text: text[start:end] == quote
    "end": pl.Int64(),
    "extractor": pl.String(),  # rules | xbrl | table | llm
    "extractor_version": pl.String(),
}

# What the rest of the pipeline joins on to a fact before scoring.
FACT_CONTEXT_SCHEMA: Final[dict[str, pl.DataType]] = {
    "racks_low": pl.Float64(),  # NVL72-equivalent racks; null where the fact cannot be converted
    "racks_base": pl.Float64(),
    "racks_high": pl.Float64(),
    "racks_method": pl.String(),  # path of the conversion, or the reason why there is none
    "published_at": UTC_TIME,
    "ingested_at": UTC_TIME,
    "story_id": pl.String(),
    "source_id": pl.String(),
    "tier": pl.Int8(),
    "lang": pl.String(),
}
SCORED_FACTS_SCHEMA: Final = FACTS_SCHEMA | FACT_CONTEXT_SCHEMA

SIGNALS_SCHEMA: Final[dict[str, pl.DataType]] = {
    "signal_id": pl.String(),  # 16 hex digits over rule_id, rule_version and the evidence's fact ids
    "rule_id": pl.String(),
    "rule_version": pl.String(),  # 8 hex digits over the rule's text
    "claim": pl.String(),
    "pillar": pl.String(),
    "direction": pl.Int8(),  # +1 strengthens the claim, -1 weakens it
    "severity": pl.String(),
    "strength": pl.Float64(),  # 0..1
    "confidence": pl.Float64(),  # 0..1
    "racks_low": pl.Float64(),
    "racks_base": pl.Float64(),
    "racks_high": pl.Float64(),
    "entity": pl.String(),
    "effective_at": UTC_TIME,  # when the world could know (published_at of the evidence)
    "created_at": UTC_TIME,  # when this program knew
    "explanation": pl.String(),
    "explanation_zh": pl.String(),
    "fact_ids": pl.List(pl.String()),
    "doc_ids": pl.List(pl.String()),
    "story_id": pl.String(),
    "beneficiaries": pl.List(pl.String()),  # "ID:path" by the supplier graph
    "squeezed": pl.List(pl.String()),
}

CONVICTION_SCHEMA: Final[dict[str, pl.DataType]] = {
    "claim": pl.String(),
    "as_of": UTC_TIME,
    "log_odds": pl.Float64(),
    "probability": pl.Float64(),
    "evidence_for": pl.Float64(),  # sum of decayed weights, log-odds
    "evidence_against": pl.Float64(),
    "stage": pl.String(),
    "drivers_for": pl.List(pl.String()),  # signal ids, strongest first
    "drivers_against": pl.List(pl.String()),
}

SERIES_SCHEMA: Final[dict[str, pl.DataType]] = {
    "series_id": pl.String(),  # e.g. "xbrl:NVDA:revenue:quarter", "monthly_revenue:2330.TW"
    "period": pl.String(),  # as facts.period
    "entity": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "currency": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "published_at": UTC_TIME,  # when the figure was filed: the bitemporal key of a restatement
    "source_url": pl.String(),
    "doc_id": pl.String(),
}

LEDGER_SCHEMA: Final[dict[str, pl.DataType]] = {
    "quarter": pl.String(),  # CY2026Q1
    "link": pl.String(),  # capex, deployments, racks, cowos, hbm, substrate, power, liquid_cooling, ...
    "side": pl.String(),  # demand | supply
    "racks_low": pl.Float64(),
    "racks_base": pl.Float64(),
    "racks_high": pl.Float64(),
    "method": pl.String(),
    "inputs": pl.List(pl.String()),  # fact ids and figure ids
}


def empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """An empty frame of the schema."""
    return pl.DataFrame(schema=schema)


def conform(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Columns of the schema in its order and types; missing ones become null, others are dropped.

    Raises polars.exceptions.PolarsError when a column cannot be cast without loss.
    """
    return frame.select(
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in schema.items()
    )
