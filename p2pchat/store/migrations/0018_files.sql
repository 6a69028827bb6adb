-- Files that messages name. Their bytes lie sealed beside the store, each under its id.

CREATE TABLE file (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    key BLOB NOT NULL,
    root BLOB NOT NULL,                     -- stands for the hashes of all sealed chunks
    state TEXT NOT NULL,                    -- offered | wanted | here | broken
    at_ms INTEGER NOT NULL                  -- when it came into this state
) STRICT, WITHOUT ROWID;
CREATE INDEX file_wanted ON file (at_ms) WHERE state = 'wanted';

CREATE TABLE attachment (
    message BLOB NOT NULL,
    place INTEGER NOT NULL,
    file BLOB NOT NULL,
    PRIMARY KEY (message, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_of ON attachment (file);
