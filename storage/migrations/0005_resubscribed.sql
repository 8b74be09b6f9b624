-- A reader who asked for mails again: the links in mails from before that moment end nothing any more.

ALTER TABLE unsubscribed ADD COLUMN resubscribed_at TIMESTAMPTZ;
COMMENT ON COLUMN unsubscribed.resubscribed_at IS 'When they were asked for again; the latest of both times counts';
