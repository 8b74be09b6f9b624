-- The supplier graph of the thesis beside what is said of its companies, so that views can ask who supplies.

CREATE TABLE supplies (
    supplier VARCHAR NOT NULL,
    buyer    VARCHAR NOT NULL,
    product  VARCHAR NOT NULL,
    told     VARCHAR,
    basis    VARCHAR,
    source   VARCHAR NOT NULL
);
COMMENT ON TABLE supplies IS 'Who supplies whom with what: graph.yaml as it was last loaded';
COMMENT ON COLUMN supplies.supplier IS 'Who makes it';
COMMENT ON COLUMN supplies.buyer IS 'Who buys it';
COMMENT ON COLUMN supplies.product IS 'What: a product of the lexicon';
COMMENT ON COLUMN supplies.told IS 'The day, month or year the source says it for';
COMMENT ON COLUMN supplies.basis IS 'reported: analysts or unnamed sources say so; null: one of the two companies or what can be seen';
COMMENT ON COLUMN supplies.source IS 'A page that says so, or assumption';
