-- Daily use of the ledger: what comes again, what was reminded of, bills as they were entered, imports.

CREATE TABLE recurring (
    id BLOB PRIMARY KEY,                    -- 16 random bytes
    person BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('pay', 'request')),
    amount TEXT NOT NULL,                   -- as typed, and checked then
    note TEXT NOT NULL,
    first TEXT NOT NULL,                    -- YYYY-MM-DD, days in zone
    step TEXT NOT NULL,
    every INTEGER NOT NULL,
    until TEXT,
    zone TEXT NOT NULL,
    done TEXT                               -- the last day that was entered
) STRICT, WITHOUT ROWID;

CREATE TABLE reminded (
    entry BLOB PRIMARY KEY                  -- a due date that the person was told of
) STRICT, WITHOUT ROWID;

CREATE TABLE expense (
    id BLOB PRIMARY KEY,
    raw BLOB NOT NULL,
    conversation BLOB NOT NULL,             -- the group
    note TEXT NOT NULL,
    replaced INTEGER NOT NULL,              -- 1: there is a newer version
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_import (
    digest BLOB PRIMARY KEY                 -- of a file whose sums were entered
) STRICT, WITHOUT ROWID;
