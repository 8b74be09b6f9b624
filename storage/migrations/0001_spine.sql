-- The spine: what was fetched, what it says, what follows from it.
-- Primary keys stand on small state tables only; large tables are de-duplicated by anti-join in the single writer.

CREATE TABLE sources (
    source_id      VARCHAR PRIMARY KEY,
    name           VARCHAR NOT NULL,
    kind           VARCHAR NOT NULL,
    url            VARCHAR NOT NULL,
    lang           VARCHAR,
    tier           TINYINT NOT NULL,
    enabled        BOOLEAN NOT NULL,
    poll_minutes   DOUBLE NOT NULL,
    etag           VARCHAR,
    last_modified  VARCHAR,
    cursor         VARCHAR,
    failures       INTEGER NOT NULL DEFAULT 0,
    last_error     VARCHAR,
    last_fetch_at  TIMESTAMPTZ,
    last_success_at TIMESTAMPTZ,
    last_item_at   TIMESTAMPTZ,
    next_due_at    TIMESTAMPTZ,
    updated_at     TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE sources IS 'One row per configured source: its definition and the state of polling it';
COMMENT ON COLUMN sources.source_id IS 'Id from the sources file';
COMMENT ON COLUMN sources.name IS 'Name a person would use';
COMMENT ON COLUMN sources.kind IS 'Parser: rss, json_feed, json_api, edgar_submissions, edgar_getcurrent, xbrl_companyfacts, html_list, csv';
COMMENT ON COLUMN sources.url IS 'Address that is polled';
COMMENT ON COLUMN sources.lang IS 'Language expected, ISO 639-1';
COMMENT ON COLUMN sources.tier IS '1 primary or issuer, 2 trade press, 3 general news, 4 social';
COMMENT ON COLUMN sources.enabled IS 'False: known but not polled';
COMMENT ON COLUMN sources.poll_minutes IS 'Minutes between two polls when all is well';
COMMENT ON COLUMN sources.etag IS 'Validator of the last full answer, for the next conditional request';
COMMENT ON COLUMN sources.last_modified IS 'Validator of the last full answer, for the next conditional request';
COMMENT ON COLUMN sources.cursor IS 'Where the last run got to, for sources that are read in pages';
COMMENT ON COLUMN sources.failures IS 'Failures in a row; drives the back-off';
COMMENT ON COLUMN sources.last_error IS 'Last failure, told for a person';
COMMENT ON COLUMN sources.last_fetch_at IS 'Last request, whatever came of it';
COMMENT ON COLUMN sources.last_success_at IS 'Last request that was answered';
COMMENT ON COLUMN sources.last_item_at IS 'When the source last had something new';
COMMENT ON COLUMN sources.next_due_at IS 'When the source is polled next';
COMMENT ON COLUMN sources.updated_at IS 'Last change of this row';

CREATE TABLE fetches (
    fetch_id     VARCHAR NOT NULL,
    source_id    VARCHAR NOT NULL,
    url          VARCHAR NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    status       INTEGER,
    bytes        BIGINT,
    elapsed_ms   DOUBLE,
    not_modified BOOLEAN NOT NULL DEFAULT false,
    error_class  VARCHAR,
    error        VARCHAR,
    raw_sha256   VARCHAR
);
COMMENT ON TABLE fetches IS 'One row per request; pruned by retention';
COMMENT ON COLUMN fetches.fetch_id IS 'Id of the request';
COMMENT ON COLUMN fetches.source_id IS 'Source it was made for';
COMMENT ON COLUMN fetches.url IS 'Address asked, secrets removed';
COMMENT ON COLUMN fetches.requested_at IS 'When it was sent';
COMMENT ON COLUMN fetches.status IS 'HTTP status; null when no answer came';
COMMENT ON COLUMN fetches.bytes IS 'Size of the decoded body in bytes';
COMMENT ON COLUMN fetches.elapsed_ms IS 'Milliseconds from request to last byte';
COMMENT ON COLUMN fetches.not_modified IS 'True for a 304: nothing new';
COMMENT ON COLUMN fetches.error_class IS 'Class of the failure, null on success';
COMMENT ON COLUMN fetches.error IS 'The failure, told for a person';
COMMENT ON COLUMN fetches.raw_sha256 IS 'The archived body, see raw';

CREATE TABLE raw (
    sha256     VARCHAR NOT NULL,
    location   VARCHAR NOT NULL,
    media_type VARCHAR,
    bytes      BIGINT NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    url        VARCHAR
);
COMMENT ON TABLE raw IS 'Bodies as they were served, content-addressed; the files lie beside the database';
COMMENT ON COLUMN raw.sha256 IS 'SHA-256 of the body';
COMMENT ON COLUMN raw.location IS 'File below the archive folder (zstd)';
COMMENT ON COLUMN raw.media_type IS 'Media type the server stated';
COMMENT ON COLUMN raw.bytes IS 'Size of the body before compression';
COMMENT ON COLUMN raw.first_seen IS 'When the body was first received';
COMMENT ON COLUMN raw.url IS 'Where it was first received from';

CREATE TABLE documents (
    doc_id        VARCHAR NOT NULL,
    source_id     VARCHAR,
    source        VARCHAR,
    tier          TINYINT,
    entity        VARCHAR,
    url           VARCHAR,
    canonical_url VARCHAR,
    title         VARCHAR,
    lang          VARCHAR,
    published_at  TIMESTAMPTZ NOT NULL,
    ingested_at   TIMESTAMPTZ NOT NULL,
    text          VARCHAR NOT NULL,
    raw_sha256    VARCHAR,
    story_id      VARCHAR,
    signature     BLOB
);
COMMENT ON TABLE documents IS 'One row per item after normalisation';
COMMENT ON COLUMN documents.doc_id IS 'First 16 hex digits of SHA-256 over canonical URL and normalised text';
COMMENT ON COLUMN documents.source_id IS 'Source it came from; file:NAME for a file given by hand';
COMMENT ON COLUMN documents.source IS 'Publisher: host or name';
COMMENT ON COLUMN documents.tier IS 'Tier of the source, 1 primary .. 4 social';
COMMENT ON COLUMN documents.entity IS 'Issuer of the document (watchlist id), null when there is none';
COMMENT ON COLUMN documents.url IS 'Address as found';
COMMENT ON COLUMN documents.canonical_url IS 'Address without tracking and fragments';
COMMENT ON COLUMN documents.title IS 'Headline';
COMMENT ON COLUMN documents.lang IS 'Language, ISO 639-1';
COMMENT ON COLUMN documents.published_at IS 'When the world could know';
COMMENT ON COLUMN documents.ingested_at IS 'When this program knew';
COMMENT ON COLUMN documents.text IS 'Normalised text; facts point into it by character offsets';
COMMENT ON COLUMN documents.raw_sha256 IS 'The bytes it was made from, see raw';
COMMENT ON COLUMN documents.story_id IS 'Cluster of near-duplicates, see stories';
COMMENT ON COLUMN documents.signature IS 'MinHash signature, so that later documents can be compared';

CREATE TABLE facts (
    fact_id           VARCHAR NOT NULL,
    doc_id            VARCHAR NOT NULL,
    kind              VARCHAR NOT NULL,
    entity            VARCHAR NOT NULL,
    counterparty      VARCHAR,
    product           VARCHAR,
    value_low         DOUBLE,
    value_high        DOUBLE,
    unit              VARCHAR,
    currency          VARCHAR,
    period            VARCHAR,
    basis             VARCHAR,
    direction         VARCHAR,
    quote             VARCHAR,
    start             BIGINT,
    "end"             BIGINT,
    extractor         VARCHAR,
    extractor_version VARCHAR,
    racks_low         DOUBLE,
    racks_base        DOUBLE,
    racks_high        DOUBLE,
    racks_method      VARCHAR,
    published_at      TIMESTAMPTZ NOT NULL,
    ingested_at       TIMESTAMPTZ NOT NULL,
    story_id          VARCHAR,
    source_id         VARCHAR,
    tier              TINYINT,
    lang              VARCHAR,
    recorded_at       TIMESTAMPTZ NOT NULL,
    superseded_at     TIMESTAMPTZ,
    superseded_by     VARCHAR
);
COMMENT ON TABLE facts IS 'What a document states, one row per stated figure or statement';
COMMENT ON COLUMN facts.fact_id IS '16 hex digits over document and every extracted field: the same fact keeps its id';
COMMENT ON COLUMN facts.doc_id IS 'Document it was read from';
COMMENT ON COLUMN facts.kind IS 'Kind of fact: capex, revenue, order, supply_tightness, ...';
COMMENT ON COLUMN facts.entity IS 'Actor (watchlist id): of a supply fact the supplier, of capex the spender, of an order the buyer';
COMMENT ON COLUMN facts.counterparty IS 'The other side, when stated';
COMMENT ON COLUMN facts.product IS 'Most specific product (lexicon id)';
COMMENT ON COLUMN facts.value_low IS 'Lower end in base units; null for "up to"';
COMMENT ON COLUMN facts.value_high IS 'Upper end in base units; null for "more than"';
COMMENT ON COLUMN facts.unit IS 'money (see currency), pct, pct_yoy, pct_qoq, pct_pt, racks, gpus, units, wafers_per_month, GB, TB, GBps, TBps, W, kW, MW, GW, nm, months';
COMMENT ON COLUMN facts.currency IS 'ISO 4217 for money';
COMMENT ON COLUMN facts.period IS 'What the value is about: FY2026Q1, FY2026, CY2025, CY2025Q3, CY2025H2, CY2025-03';
COMMENT ON COLUMN facts.basis IS 'actual, guidance, plan, estimate or rumor';
COMMENT ON COLUMN facts.direction IS 'up, down, flat or none: change against the stated or implied comparison';
COMMENT ON COLUMN facts.quote IS 'Verbatim fragment of the document, at most 240 characters';
COMMENT ON COLUMN facts.start IS 'First character of the quote in documents.text';
COMMENT ON COLUMN facts."end" IS 'Character after the quote in documents.text';
COMMENT ON COLUMN facts.extractor IS 'rules, table, xbrl or llm';
COMMENT ON COLUMN facts.extractor_version IS 'Version of the extractor that made the row';
COMMENT ON COLUMN facts.racks_low IS 'NVL72-equivalent racks, low';
COMMENT ON COLUMN facts.racks_base IS 'NVL72-equivalent racks, base';
COMMENT ON COLUMN facts.racks_high IS 'NVL72-equivalent racks, high';
COMMENT ON COLUMN facts.racks_method IS 'Path of the conversion, or the reason why there is none';
COMMENT ON COLUMN facts.published_at IS 'When the world could know (of the document, or of the filing)';
COMMENT ON COLUMN facts.ingested_at IS 'When this program knew the document';
COMMENT ON COLUMN facts.story_id IS 'Story of the document';
COMMENT ON COLUMN facts.source_id IS 'Source of the document';
COMMENT ON COLUMN facts.tier IS 'Tier of the source';
COMMENT ON COLUMN facts.lang IS 'Language of the document';
COMMENT ON COLUMN facts.recorded_at IS 'When this row was written';
COMMENT ON COLUMN facts.superseded_at IS 'When a later reading replaced this row; null while it holds';
COMMENT ON COLUMN facts.superseded_by IS 'Fact that replaced it, or the extractor version that no longer finds it';

CREATE TABLE signals (
    signal_id      VARCHAR NOT NULL,
    rule_id        VARCHAR NOT NULL,
    rule_version   VARCHAR NOT NULL,
    claim          VARCHAR NOT NULL,
    pillar         VARCHAR NOT NULL,
    direction      TINYINT NOT NULL,
    severity       VARCHAR NOT NULL,
    strength       DOUBLE NOT NULL,
    confidence     DOUBLE NOT NULL,
    racks_low      DOUBLE,
    racks_base     DOUBLE,
    racks_high     DOUBLE,
    entity         VARCHAR,
    effective_at   TIMESTAMPTZ NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    explanation    VARCHAR NOT NULL,
    explanation_zh VARCHAR,
    fact_ids       VARCHAR[] NOT NULL,
    doc_ids        VARCHAR[] NOT NULL,
    story_id       VARCHAR,
    beneficiaries  VARCHAR[],
    squeezed       VARCHAR[],
    retired_at     TIMESTAMPTZ
);
COMMENT ON TABLE signals IS 'A rule that fired: which claim moved, which way, how strongly, on which evidence';
COMMENT ON COLUMN signals.signal_id IS '16 hex digits over rule, rule version and evidence';
COMMENT ON COLUMN signals.rule_id IS 'Rule that fired';
COMMENT ON COLUMN signals.rule_version IS 'Version of that rule, from its text';
COMMENT ON COLUMN signals.claim IS 'Claim of the thesis (D1 .. X3)';
COMMENT ON COLUMN signals.pillar IS 'Pillar the claim belongs to';
COMMENT ON COLUMN signals.direction IS '+1 strengthens the claim, -1 weakens it';
COMMENT ON COLUMN signals.severity IS 'info, low, medium, high or critical';
COMMENT ON COLUMN signals.strength IS 'Size of the evidence, 0..1';
COMMENT ON COLUMN signals.confidence IS 'Trust in the evidence, 0..1: source tier, basis, corroboration';
COMMENT ON COLUMN signals.racks_low IS 'NVL72-equivalent racks of the evidence, low';
COMMENT ON COLUMN signals.racks_base IS 'NVL72-equivalent racks of the evidence, base';
COMMENT ON COLUMN signals.racks_high IS 'NVL72-equivalent racks of the evidence, high';
COMMENT ON COLUMN signals.entity IS 'Entity the evidence is about';
COMMENT ON COLUMN signals.effective_at IS 'When the world could know';
COMMENT ON COLUMN signals.created_at IS 'When this program knew';
COMMENT ON COLUMN signals.explanation IS 'Why it fired, in English';
COMMENT ON COLUMN signals.explanation_zh IS 'Why it fired, in Chinese';
COMMENT ON COLUMN signals.fact_ids IS 'Facts it rests on';
COMMENT ON COLUMN signals.doc_ids IS 'Documents it rests on';
COMMENT ON COLUMN signals.story_id IS 'Story of the evidence: a story counts once';
COMMENT ON COLUMN signals.beneficiaries IS 'Who gains, as ID:path by the supplier graph';
COMMENT ON COLUMN signals.squeezed IS 'Who is squeezed, as ID:path by the supplier graph';
COMMENT ON COLUMN signals.retired_at IS 'When a reprocessing no longer made this signal; null while it holds';

CREATE TABLE conviction (
    claim            VARCHAR NOT NULL,
    as_of            TIMESTAMPTZ NOT NULL,
    log_odds         DOUBLE NOT NULL,
    probability      DOUBLE NOT NULL,
    evidence_for     DOUBLE NOT NULL,
    evidence_against DOUBLE NOT NULL,
    stage            VARCHAR,
    drivers_for      VARCHAR[],
    drivers_against  VARCHAR[]
);
COMMENT ON TABLE conviction IS 'History of conviction per claim; a row whenever it was computed anew and had moved';
COMMENT ON COLUMN conviction.claim IS 'Claim, pillar:NAME or THESIS';
COMMENT ON COLUMN conviction.as_of IS 'Moment the figure holds for';
COMMENT ON COLUMN conviction.log_odds IS 'Prior plus signed, decayed, bounded evidence';
COMMENT ON COLUMN conviction.probability IS 'The same as a probability, 0..1';
COMMENT ON COLUMN conviction.evidence_for IS 'Sum of decayed weights for the claim, log-odds';
COMMENT ON COLUMN conviction.evidence_against IS 'Sum of decayed weights against the claim, log-odds';
COMMENT ON COLUMN conviction.stage IS 'Stage of the pillar: concept, cultivation, scaling, maturity or clearing';
COMMENT ON COLUMN conviction.drivers_for IS 'Signals that carry most for the claim, strongest first';
COMMENT ON COLUMN conviction.drivers_against IS 'Signals that carry most against it, strongest first';

CREATE TABLE ledger (
    quarter    VARCHAR NOT NULL,
    link       VARCHAR NOT NULL,
    side       VARCHAR NOT NULL,
    racks_low  DOUBLE,
    racks_base DOUBLE,
    racks_high DOUBLE,
    method     VARCHAR,
    inputs     VARCHAR[],
    as_of      TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE ledger IS 'Demand beside supply per quarter and link of the chain, in NVL72-equivalent racks';
COMMENT ON COLUMN ledger.quarter IS 'Calendar quarter, CY2026Q1';
COMMENT ON COLUMN ledger.link IS 'Link of the chain';
COMMENT ON COLUMN ledger.side IS 'demand or supply';
COMMENT ON COLUMN ledger.racks_low IS 'NVL72-equivalent racks, low';
COMMENT ON COLUMN ledger.racks_base IS 'NVL72-equivalent racks, base';
COMMENT ON COLUMN ledger.racks_high IS 'NVL72-equivalent racks, high';
COMMENT ON COLUMN ledger.method IS 'How the figure came about';
COMMENT ON COLUMN ledger.inputs IS 'Facts and figures it rests on';
COMMENT ON COLUMN ledger.as_of IS 'Moment the figure holds for; the latest is the current one';

CREATE TABLE series (
    series_id    VARCHAR NOT NULL,
    period       VARCHAR NOT NULL,
    entity       VARCHAR,
    metric       VARCHAR NOT NULL,
    value        DOUBLE,
    unit         VARCHAR,
    currency     VARCHAR,
    period_start DATE,
    period_end   DATE,
    published_at TIMESTAMPTZ NOT NULL,
    source_url   VARCHAR,
    doc_id       VARCHAR,
    ingested_at  TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE series IS 'Structured figures over time: XBRL, monthly revenue, exports, prices; a restatement is a later row';
COMMENT ON COLUMN series.series_id IS 'Which figure, e.g. xbrl:NVDA:revenue:quarter';
COMMENT ON COLUMN series.period IS 'Period, as facts.period';
COMMENT ON COLUMN series.entity IS 'Watchlist id';
COMMENT ON COLUMN series.metric IS 'What is measured';
COMMENT ON COLUMN series.value IS 'Value in base units';
COMMENT ON COLUMN series.unit IS 'Unit, as facts.unit';
COMMENT ON COLUMN series.currency IS 'ISO 4217 for money';
COMMENT ON COLUMN series.period_start IS 'First day of the period';
COMMENT ON COLUMN series.period_end IS 'Last day of the period';
COMMENT ON COLUMN series.published_at IS 'When the figure was filed or published';
COMMENT ON COLUMN series.source_url IS 'Where it stands';
COMMENT ON COLUMN series.doc_id IS 'Document, when there is one';
COMMENT ON COLUMN series.ingested_at IS 'When this program knew';

CREATE TABLE reviews (
    review_id  VARCHAR PRIMARY KEY,
    target     VARCHAR NOT NULL,
    target_id  VARCHAR NOT NULL,
    verdict    VARCHAR NOT NULL,
    correction VARCHAR,
    author     VARCHAR NOT NULL,
    reason     VARCHAR,
    reviewed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE reviews IS 'A person''s verdicts; append-only, the latest per target counts';
COMMENT ON COLUMN reviews.review_id IS 'Id of the verdict';
COMMENT ON COLUMN reviews.target IS 'fact or signal';
COMMENT ON COLUMN reviews.target_id IS 'fact_id or signal_id';
COMMENT ON COLUMN reviews.verdict IS 'confirm, reject, correct or undo';
COMMENT ON COLUMN reviews.correction IS 'Corrected fields as JSON';
COMMENT ON COLUMN reviews.author IS 'Who said so';
COMMENT ON COLUMN reviews.reason IS 'Why';
COMMENT ON COLUMN reviews.reviewed_at IS 'When';

CREATE TABLE candidates (
    term       VARCHAR NOT NULL,
    kind       VARCHAR,
    sources    VARCHAR[],
    doc_ids    VARCHAR[],
    sentences  VARCHAR[],
    first_seen TIMESTAMPTZ,
    last_seen  TIMESTAMPTZ,
    score      DOUBLE,
    status     VARCHAR NOT NULL DEFAULT 'new',
    as_of      TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE candidates IS 'Names seen beside known terms that are not yet known';
COMMENT ON COLUMN candidates.term IS 'The name or code';
COMMENT ON COLUMN candidates.kind IS 'name or code';
COMMENT ON COLUMN candidates.sources IS 'Independent sources that use it';
COMMENT ON COLUMN candidates.doc_ids IS 'Documents it was seen in';
COMMENT ON COLUMN candidates.sentences IS 'Sentences that show it';
COMMENT ON COLUMN candidates.first_seen IS 'First publication';
COMMENT ON COLUMN candidates.last_seen IS 'Last publication';
COMMENT ON COLUMN candidates.score IS 'Rank, higher first';
COMMENT ON COLUMN candidates.status IS 'new, accepted or dismissed';
COMMENT ON COLUMN candidates.as_of IS 'When it was computed';

CREATE TABLE runs (
    run_id     VARCHAR PRIMARY KEY,
    job        VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ,
    status     VARCHAR NOT NULL,
    counts     VARCHAR,
    error      VARCHAR
);
COMMENT ON TABLE runs IS 'Every run of every job';
COMMENT ON COLUMN runs.run_id IS 'Id of the run';
COMMENT ON COLUMN runs.job IS 'Job, e.g. poll:SOURCE, digest, publish';
COMMENT ON COLUMN runs.started_at IS 'When it began';
COMMENT ON COLUMN runs.ended_at IS 'When it ended; null while it runs or when the process died';
COMMENT ON COLUMN runs.status IS 'running, ok, failed or interrupted';
COMMENT ON COLUMN runs.counts IS 'What it did, as JSON';
COMMENT ON COLUMN runs.error IS 'What went wrong, told for a person';
