-- Times are milliseconds since 1970, ids 16-byte blobs, words are numbers (codes.rs), documents JSON (docs.rs).
-- The hot path appends: nothing on it is indexed by a random value (DESIGN §4).

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row, written with every transaction that moves it: counts without scans, and positions that are never used twice.
CREATE TABLE tally (
    one          INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    tracking     INTEGER NOT NULL,
    open         INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    shelved      INTEGER NOT NULL,
    closed       INTEGER NOT NULL,
    lanes_owing  INTEGER NOT NULL,
    lanes_open   INTEGER NOT NULL,
    duplicates   INTEGER NOT NULL,
    orphans      INTEGER NOT NULL,
    last_alert   INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,
    last_attempt INTEGER NOT NULL
) STRICT;
INSERT INTO tally VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE project (
    id      BLOB NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX project_name ON project (name) WHERE deleted = 0;

CREATE TABLE source (
    id      BLOB NOT NULL PRIMARY KEY,
    project BLOB NOT NULL,
    name    TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX source_name ON source (project, name) WHERE deleted = 0;

CREATE TABLE integration (
    id      BLOB NOT NULL PRIMARY KEY,
    project BLOB NOT NULL,
    name    TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    doc     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX integration_name ON integration (project, name) WHERE deleted = 0;

CREATE TABLE revision (
    integration BLOB NOT NULL,
    revision    INTEGER NOT NULL,
    sink        TEXT NOT NULL,
    sealed      BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (integration, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE health (
    integration BLOB NOT NULL,
    revision    INTEGER NOT NULL,
    doc         TEXT NOT NULL,
    PRIMARY KEY (integration, revision)
) STRICT, WITHOUT ROWID;

-- A short number for each (integration, revision) that ever had a lane: lanes, attempts and their indexes carry it.
CREATE TABLE slot (
    slot        INTEGER NOT NULL PRIMARY KEY,
    integration BLOB NOT NULL,
    revision    INTEGER NOT NULL,
    UNIQUE (integration, revision)
) STRICT;

CREATE TABLE alert (
    row         INTEGER NOT NULL PRIMARY KEY,
    id          BLOB NOT NULL,
    project     BLOB NOT NULL,
    source      BLOB NOT NULL,
    -- NULL: the scope is `source`; else JSON.
    scope       TEXT,
    key         TEXT NOT NULL,
    status      INTEGER NOT NULL,
    severity    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    -- 1 while it holds its live key.
    live        INTEGER NOT NULL CHECK (live IN (0, 1)),
    live_until  INTEGER,
    timer_at    INTEGER,
    changed_at  INTEGER NOT NULL,
    closed_at   INTEGER,
    doc         TEXT NOT NULL,
    -- The event that carries the same content, or the content itself: kept once.
    content_seq INTEGER,
    content     TEXT,
    -- Of the content: a change that leaves it as it was does not write it again.
    content_sum INTEGER NOT NULL,
    CHECK ((content_seq IS NULL) <> (content IS NULL))
) STRICT;
CREATE UNIQUE INDEX alert_id      ON alert (id);
CREATE INDEX        alert_live    ON alert (id)         WHERE live = 1;
CREATE INDEX        alert_timer   ON alert (timer_at)   WHERE timer_at IS NOT NULL;
CREATE INDEX        alert_retire  ON alert (live_until) WHERE live_until IS NOT NULL;
CREATE INDEX        alert_closed  ON alert (closed_at)  WHERE live = 0;
-- Alerts with long logs: few, and only they can have events to trim.
CREATE INDEX        alert_long    ON alert (seq)        WHERE seq > 16;

CREATE TABLE event (
    pos       INTEGER NOT NULL PRIMARY KEY,
    alert_row INTEGER NOT NULL,
    seq       INTEGER NOT NULL CHECK (seq > 0),
    at        INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    status    INTEGER NOT NULL,
    doc       TEXT,
    content   TEXT
) STRICT;
CREATE UNIQUE INDEX event_of_alert ON event (alert_row, seq);
CREATE INDEX        event_updated  ON event (alert_row, seq) WHERE kind = 3;

CREATE TABLE lane (
    alert_row  INTEGER NOT NULL,
    slot       INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    priority   INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 4),
    cursor     INTEGER NOT NULL,
    head       INTEGER NOT NULL,
    told       INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    orphans    INTEGER NOT NULL,
    due_at     INTEGER,
    -- NULL: it owes nothing. Else when it may be handed out: its due time, or the end of its claim if that is
    -- later; the end of time if it owes something that is not due.
    look_at    INTEGER,
    doc        TEXT NOT NULL,
    PRIMARY KEY (alert_row, slot)
) STRICT, WITHOUT ROWID;
-- Each priority of a revision is one range that ends at the present: lanes not yet due are never walked past.
CREATE INDEX lane_due ON lane (slot, priority, look_at) WHERE look_at IS NOT NULL;

-- By the alert's id, not its row: attempts have a retention of their own and may outlive their alert.
CREATE TABLE attempt (
    pos     INTEGER NOT NULL PRIMARY KEY,
    alert   BLOB NOT NULL,
    slot    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    doc     TEXT NOT NULL
) STRICT;
CREATE INDEX attempt_alert ON attempt (alert);
CREATE INDEX attempt_at    ON attempt (at);

CREATE TABLE seen (
    alert_row    INTEGER NOT NULL PRIMARY KEY,
    version      INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    repeat_count INTEGER NOT NULL,
    ends_at      INTEGER
) STRICT;

CREATE TABLE message (
    source BLOB NOT NULL,
    id     TEXT NOT NULL,
    alert  BLOB NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_at ON message (at);

-- What vendors said about waiting. The debits themselves are kept in memory: one process, and a start-up is slower
-- than any bucket.
CREATE TABLE bucket (
    name          TEXT NOT NULL PRIMARY KEY,
    blocked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
