-- Silences. Few, and read as a whole: only the sweep asks for a column. Each write moves the catalog's version, whose row
-- is locked first: so writers of silences wait for each other there.
CREATE TABLE silence (
    id      uuid PRIMARY KEY,
    project uuid NOT NULL,
    -- The end of time for one that recurs until it is ended by hand.
    ends_at bigint NOT NULL,
    version bigint NOT NULL,
    doc     text NOT NULL
);
CREATE INDEX silence_ends ON silence (ends_at);
