-- Links of mine behind which I decide who comes into a group, and who asks by them.

CREATE TABLE door (
    link BLOB PRIMARY KEY,                  -- random; it stands in no log
    conversation BLOB NOT NULL,
    key BLOB NOT NULL,                      -- public half of the link's secret
    max_uses INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE asking (
    conversation BLOB NOT NULL,
    person BLOB NOT NULL,
    link BLOB NOT NULL,
    name TEXT NOT NULL,                     -- on the card
    card BLOB NOT NULL,
    asked_ms INTEGER NOT NULL,
    rejected INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, person)
) STRICT, WITHOUT ROWID;
