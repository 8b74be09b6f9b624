-- Who no longer wants which mails: a click in the mail (or the mail program's own button) sets it, a person takes it back.

CREATE TABLE unsubscribed (
    recipient       VARCHAR NOT NULL,
    kind            VARCHAR NOT NULL,
    unsubscribed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE unsubscribed IS 'Mails a reader has ended with the link in them';
COMMENT ON COLUMN unsubscribed.recipient IS 'Address';
COMMENT ON COLUMN unsubscribed.kind IS 'digest (with its weekly and earnings editions) or immediate';
COMMENT ON COLUMN unsubscribed.unsubscribed_at IS 'When';
