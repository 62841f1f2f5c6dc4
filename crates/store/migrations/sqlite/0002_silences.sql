-- Silences. Few, and read as a whole: only the sweep asks for a column. Each write moves the catalog's version.
CREATE TABLE silence (
    id      BLOB NOT NULL PRIMARY KEY,
    project BLOB NOT NULL,
    -- The end of time for one that recurs until it is ended by hand.
    ends_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX silence_ends ON silence (ends_at);
