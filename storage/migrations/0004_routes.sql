-- Routing: what was decided of every signal that called for telling somebody at once, channels besides mail, trouble of the tracker itself.

CREATE TABLE notices (
    recipient  VARCHAR NOT NULL,
    signal_id  VARCHAR NOT NULL,
    route      VARCHAR NOT NULL,
    group_key  VARCHAR NOT NULL,
    severity   VARCHAR NOT NULL,
    state      VARCHAR NOT NULL,
    reason     VARCHAR NOT NULL,
    due_at     TIMESTAMPTZ NOT NULL,
    alert_id   VARCHAR,
    decided_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE notices IS 'Per recipient and signal that called for an immediate message: what became of it and why';
COMMENT ON COLUMN notices.recipient IS 'Address';
COMMENT ON COLUMN notices.signal_id IS 'Signal';
COMMENT ON COLUMN notices.route IS 'Route of alerts.yaml it took';
COMMENT ON COLUMN notices.group_key IS 'What it shares a message with: route and labels, or fold when the hourly cap folded it';
COMMENT ON COLUMN notices.severity IS 'Severity of the signal';
COMMENT ON COLUMN notices.state IS 'waiting, told, or digest (withheld: only the digest tells it)';
COMMENT ON COLUMN notices.reason IS 'Why: severity, silence, inhibition, mute time, hourly cap or daily budget';
COMMENT ON COLUMN notices.due_at IS 'When a waiting one goes out';
COMMENT ON COLUMN notices.alert_id IS 'The message that told it';
COMMENT ON COLUMN notices.decided_at IS 'When the stages decided';
COMMENT ON COLUMN notices.changed_at IS 'Last change of state';

CREATE TABLE troubles (
    trouble    VARCHAR NOT NULL,
    kind       VARCHAR NOT NULL,
    text_en    VARCHAR NOT NULL,
    text_zh    VARCHAR NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen  TIMESTAMPTZ NOT NULL,
    told_at    TIMESTAMPTZ,
    gone_at    TIMESTAMPTZ,
    PRIMARY KEY (trouble)
);
COMMENT ON TABLE troubles IS 'Trouble of the tracker itself, found by its watchdogs; one row per cause, the latest time it stood';
COMMENT ON COLUMN troubles.trouble IS 'Kind and what it is about';
COMMENT ON COLUMN troubles.kind IS 'dead_source, shape_change, news_absent, no_documents, disk, clock, digest_late or dead_letter';
COMMENT ON COLUMN troubles.text_en IS 'What a person reads, English';
COMMENT ON COLUMN troubles.text_zh IS 'What a person reads, Chinese';
COMMENT ON COLUMN troubles.first_seen IS 'Since when it stands';
COMMENT ON COLUMN troubles.last_seen IS 'When it was last found';
COMMENT ON COLUMN troubles.told_at IS 'When operators were last told';
COMMENT ON COLUMN troubles.gone_at IS 'When it was found to be over; null while it stands';

ALTER TABLE alerts ADD COLUMN text VARCHAR;
COMMENT ON COLUMN alerts.text IS 'Plain text of the message, for channels other than mail';
ALTER TABLE alerts ADD COLUMN repeat_at TIMESTAMPTZ;
COMMENT ON COLUMN alerts.repeat_at IS 'When it is told again unless somebody acknowledges it';
ALTER TABLE alerts ADD COLUMN repeats VARCHAR;
COMMENT ON COLUMN alerts.repeats IS 'The alert this one tells again';
ALTER TABLE fetches ADD COLUMN items INTEGER;
COMMENT ON COLUMN fetches.items IS 'Entries and links the parser found in a full answer; a page that changed its shape shows none';
ALTER TABLE silences ADD COLUMN pillar VARCHAR;
COMMENT ON COLUMN silences.pillar IS 'Pillar';
ALTER TABLE silences ADD COLUMN layer VARCHAR;
COMMENT ON COLUMN silences.layer IS 'Layer of the entity, by the watchlist';
ALTER TABLE silences ADD COLUMN recipient VARCHAR;
COMMENT ON COLUMN silences.recipient IS 'Whose ears it spares; null: everybody''s';
