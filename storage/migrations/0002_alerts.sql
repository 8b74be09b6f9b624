-- The outbox: what has to be told, to whom, and how far that got. A mail is rendered when it is queued; sending is transport only.

CREATE TABLE alerts (
    alert_id   VARCHAR NOT NULL,
    kind       VARCHAR NOT NULL,
    recipient  VARCHAR NOT NULL,
    severity   VARCHAR,
    claims     VARCHAR[],
    signal_ids VARCHAR[],
    local_date DATE,
    subject    VARCHAR NOT NULL,
    message    BLOB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE alerts IS 'Messages to people, rendered and ready to be sent';
COMMENT ON COLUMN alerts.alert_id IS '16 hex digits over kind, recipient and content: the same news is the same alert';
COMMENT ON COLUMN alerts.kind IS 'immediate, digest or operator';
COMMENT ON COLUMN alerts.recipient IS 'Address it goes to';
COMMENT ON COLUMN alerts.severity IS 'Highest severity of its signals';
COMMENT ON COLUMN alerts.claims IS 'Claims it is about';
COMMENT ON COLUMN alerts.signal_ids IS 'Signals it tells of';
COMMENT ON COLUMN alerts.local_date IS 'For a digest: the reader''s day';
COMMENT ON COLUMN alerts.subject IS 'Subject line';
COMMENT ON COLUMN alerts.message IS 'The whole message as it goes to the mail server (RFC 5322)';
COMMENT ON COLUMN alerts.created_at IS 'When it was queued';

CREATE TABLE deliveries (
    alert_id   VARCHAR NOT NULL,
    channel    VARCHAR NOT NULL,
    state      VARCHAR NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    TIMESTAMPTZ NOT NULL,
    message_id VARCHAR NOT NULL,
    claimed_at TIMESTAMPTZ,
    sent_at    TIMESTAMPTZ,
    last_error VARCHAR
);
COMMENT ON TABLE deliveries IS 'How far each alert got on each channel';
COMMENT ON COLUMN deliveries.alert_id IS 'Alert';
COMMENT ON COLUMN deliveries.channel IS 'email';
COMMENT ON COLUMN deliveries.state IS 'pending, sending, sent, failed (will be tried again) or dead (given up)';
COMMENT ON COLUMN deliveries.attempts IS 'Tries so far';
COMMENT ON COLUMN deliveries.next_at IS 'Not tried before this moment';
COMMENT ON COLUMN deliveries.message_id IS 'Message-ID: derived from the alert, so a repeated message is recognised as the same';
COMMENT ON COLUMN deliveries.claimed_at IS 'When the last try began';
COMMENT ON COLUMN deliveries.sent_at IS 'When the server accepted it';
COMMENT ON COLUMN deliveries.last_error IS 'Why the last try failed';

CREATE TABLE silences (
    silence_id VARCHAR PRIMARY KEY,
    claim      VARCHAR,
    entity     VARCHAR,
    rule_id    VARCHAR,
    until      TIMESTAMPTZ NOT NULL,
    author     VARCHAR NOT NULL,
    reason     VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE silences IS 'What nobody wants to hear about for a while; a null field means any';
COMMENT ON COLUMN silences.silence_id IS 'Id';
COMMENT ON COLUMN silences.claim IS 'Claim';
COMMENT ON COLUMN silences.entity IS 'Entity';
COMMENT ON COLUMN silences.rule_id IS 'Rule';
COMMENT ON COLUMN silences.until IS 'When it ends';
COMMENT ON COLUMN silences.author IS 'Who asked for it';
COMMENT ON COLUMN silences.reason IS 'Why';
COMMENT ON COLUMN silences.created_at IS 'When it was asked for';

CREATE TABLE acks (
    alert_id VARCHAR PRIMARY KEY,
    author   VARCHAR NOT NULL,
    acked_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE acks IS 'Alerts somebody has taken note of';
COMMENT ON COLUMN acks.alert_id IS 'Alert';
COMMENT ON COLUMN acks.author IS 'Who';
COMMENT ON COLUMN acks.acked_at IS 'When';
