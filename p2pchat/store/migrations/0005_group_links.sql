-- Groups that I want to enter by an invite link, until a member lets me in.

CREATE TABLE knock (
    conversation BLOB PRIMARY KEY,
    link BLOB NOT NULL,                     -- the operation that made the link
    secret BLOB NOT NULL,                   -- seed of the link's key
    expires_ms INTEGER NOT NULL,
    doors BLOB NOT NULL,                    -- devices of members to ask, 32 bytes each
    answer TEXT NOT NULL DEFAULT ''         -- why a member did not let me in, the last time
) STRICT, WITHOUT ROWID;
