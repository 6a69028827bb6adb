-- Mailboxes: mine, and what I leave at those of others.

CREATE TABLE mailbox (                      -- mine; my card names them
    address TEXT PRIMARY KEY,               -- a full multiaddr
    number INTEGER NOT NULL,                -- order of naming
    token TEXT NOT NULL                     -- what its operator gave me to open a box; or empty
) STRICT, WITHOUT ROWID;

CREATE TABLE parcel (                       -- an envelope as it is left at mailboxes: the same bytes for all
    envelope BLOB PRIMARY KEY,
    id BLOB NOT NULL,
    sealed BLOB NOT NULL,
    expires_hour INTEGER NOT NULL           -- hours since 1970
) STRICT, WITHOUT ROWID;

CREATE TABLE deposit (
    envelope BLOB NOT NULL,
    holder TEXT NOT NULL,                   -- a full multiaddr, or the id of a device
    state TEXT NOT NULL CHECK (state IN ('due', 'held', 'refused')),
    reason TEXT NOT NULL DEFAULT '',
    retry_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (envelope, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX deposit_open ON deposit (retry_ms) WHERE state != 'held';

CREATE TRIGGER envelope_gone AFTER DELETE ON envelope BEGIN
    DELETE FROM parcel WHERE envelope = old.id;
    DELETE FROM deposit WHERE envelope = old.id;
END;

ALTER TABLE delivery ADD COLUMN reason TEXT NOT NULL DEFAULT '';    -- why it failed
ALTER TABLE delivery ADD COLUMN retry_ms INTEGER NOT NULL DEFAULT 0;
