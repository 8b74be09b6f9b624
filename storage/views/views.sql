-- Views for people: stable names, documented in docs/schema.md. Applied at every opening for writing.

CREATE OR REPLACE VIEW stories AS
SELECT story_id, min(published_at) AS first_seen, max(published_at) AS last_seen, count(*) AS n_documents,
       count(DISTINCT source) AS n_sources, arg_min(title, published_at) AS title
FROM documents WHERE story_id IS NOT NULL GROUP BY story_id;

CREATE OR REPLACE VIEW v_facts AS
SELECT * EXCLUDE (superseded_at, superseded_by) FROM facts WHERE superseded_at IS NULL;

CREATE OR REPLACE VIEW v_reviews AS
SELECT target, target_id, arg_max(verdict, reviewed_at) AS verdict, arg_max(correction, reviewed_at) AS correction,
       arg_max(author, reviewed_at) AS author, arg_max(reason, reviewed_at) AS reason, max(reviewed_at) AS reviewed_at
FROM reviews GROUP BY target, target_id HAVING arg_max(verdict, reviewed_at) <> 'undo';

CREATE OR REPLACE VIEW v_signals AS
SELECT s.* EXCLUDE (retired_at), r.verdict AS review
FROM signals s LEFT JOIN v_reviews r ON r.target = 'signal' AND r.target_id = s.signal_id
WHERE s.retired_at IS NULL;

CREATE OR REPLACE VIEW v_latest_conviction AS
SELECT claim, max(as_of) AS as_of, arg_max(probability, as_of) AS probability, arg_max(log_odds, as_of) AS log_odds,
       arg_max(evidence_for, as_of) AS evidence_for, arg_max(evidence_against, as_of) AS evidence_against,
       arg_max(stage, as_of) AS stage, arg_max(drivers_for, as_of) AS drivers_for,
       arg_max(drivers_against, as_of) AS drivers_against
FROM conviction GROUP BY claim;

CREATE OR REPLACE VIEW v_evidence AS
SELECT s.signal_id, s.claim, s.direction, s.severity, s.effective_at, f.fact_id, f.kind, f.entity, f.product,
       f.value_low, f.value_high, f.unit, f.currency, f.period, f.basis, f.quote, f.racks_base,
       d.title, d.source, d.url, d.published_at
FROM (SELECT *, unnest(fact_ids) AS fact_id FROM signals WHERE retired_at IS NULL) s
LEFT JOIN facts f ON f.fact_id = s.fact_id
LEFT JOIN documents d ON d.doc_id = f.doc_id;

CREATE OR REPLACE VIEW v_ledger AS
SELECT * FROM ledger WHERE as_of = (SELECT max(as_of) FROM ledger);

CREATE OR REPLACE VIEW v_source_health AS
SELECT source_id, name, kind, tier, enabled, failures, last_error, last_success_at, last_item_at, next_due_at,
       CASE WHEN NOT enabled THEN 'off' WHEN failures >= 5 THEN 'dead' WHEN failures > 0 THEN 'failing'
            WHEN last_success_at IS NULL THEN 'new' ELSE 'ok' END AS health
FROM sources;

CREATE OR REPLACE VIEW v_capex AS
SELECT entity, period, basis, value_low, value_high, currency, unit, direction, racks_base, published_at, quote, fact_id
FROM facts WHERE kind = 'capex' AND superseded_at IS NULL ORDER BY published_at DESC;

CREATE OR REPLACE VIEW v_margins AS
SELECT entity, period, basis, value_low, value_high, unit, direction, published_at, quote, fact_id
FROM facts WHERE kind = 'gross_margin' AND superseded_at IS NULL ORDER BY published_at DESC;

CREATE OR REPLACE VIEW v_runs AS
SELECT job, started_at, ended_at, status, counts, error FROM runs ORDER BY started_at DESC;

CREATE OR REPLACE MACRO signals_as_of(ts) AS TABLE
SELECT * EXCLUDE (retired_at) FROM signals
WHERE created_at <= ts::TIMESTAMPTZ AND (retired_at IS NULL OR retired_at > ts::TIMESTAMPTZ);

CREATE OR REPLACE MACRO facts_as_of(ts) AS TABLE
SELECT * EXCLUDE (superseded_at, superseded_by) FROM facts
WHERE recorded_at <= ts::TIMESTAMPTZ AND (superseded_at IS NULL OR superseded_at > ts::TIMESTAMPTZ);

CREATE OR REPLACE MACRO documents_as_of(ts) AS TABLE
SELECT * FROM documents WHERE ingested_at <= ts::TIMESTAMPTZ;

CREATE OR REPLACE MACRO conviction_as_of(ts) AS TABLE
SELECT claim, max(as_of) AS as_of, arg_max(probability, as_of) AS probability, arg_max(log_odds, as_of) AS log_odds,
       arg_max(stage, as_of) AS stage
FROM conviction WHERE as_of <= ts::TIMESTAMPTZ GROUP BY claim;

-- claim S7, per supplier (who supplies somebody by the supplier graph): does revenue grow, and the gross margin with it
CREATE OR REPLACE VIEW v_value_capture AS
WITH margins AS (
  SELECT entity, period, arg_max((value_low + value_high) / 2, published_at) AS margin, max(published_at) AS told
  FROM v_facts WHERE kind = 'gross_margin' AND unit = 'pct' AND basis = 'actual' AND product IS NULL AND period IS NOT NULL
  GROUP BY entity, period
), steps AS (
  SELECT entity, period, margin, margin - lag(margin) OVER (PARTITION BY entity ORDER BY told) AS step, told,
         row_number() OVER (PARTITION BY entity ORDER BY told DESC) AS nth
  FROM margins
), growth AS (
  SELECT entity, arg_max((value_low + value_high) / 2, published_at) AS grown
  FROM v_facts WHERE kind = 'revenue' AND unit = 'pct_yoy' AND basis = 'actual' AND product IS NULL GROUP BY entity
)
SELECT entity, period, grown AS revenue_growth_pct, margin AS gross_margin_pct, step AS margin_change_points,
       CASE WHEN grown > 10 AND step < 0.3 THEN 'volume up, margin squeezed'
            WHEN grown > 10 THEN 'volume up, margin up'
            WHEN step < 0 THEN 'no growth, margin down' ELSE 'no growth' END AS reading
FROM steps JOIN growth USING (entity)
WHERE nth = 1 AND step IS NOT NULL AND entity IN (SELECT supplier FROM supplies);
