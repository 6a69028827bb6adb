-- Polls. All votes are kept: which of them count follows from their places in display order.

CREATE TABLE poll (
    message BLOB PRIMARY KEY,
    question TEXT NOT NULL,
    options TEXT NOT NULL,                  -- a JSON array
    multiple INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE vote (
    entry BLOB PRIMARY KEY,
    poll BLOB NOT NULL,
    person BLOB NOT NULL,
    lamport INTEGER NOT NULL,
    choices BLOB                            -- one byte each; NULL: the poll is closed from here on
) STRICT, WITHOUT ROWID;
CREATE INDEX vote_in_poll ON vote (poll, lamport, entry);
