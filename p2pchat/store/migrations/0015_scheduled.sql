CREATE TABLE scheduled (                    -- texts that are to be said later
    id BLOB PRIMARY KEY,
    conversation BLOB NOT NULL,
    text TEXT NOT NULL,
    reply BLOB,                             -- the message that it answers
    mentioned BLOB NOT NULL,                -- ids of persons, joined
    expires_s INTEGER,                      -- vanishes so long after it was said; null: as the chat has it
    at_ms INTEGER NOT NULL,
    refused TEXT NOT NULL DEFAULT ''        -- why it could not be said when its time had come
) STRICT, WITHOUT ROWID;
