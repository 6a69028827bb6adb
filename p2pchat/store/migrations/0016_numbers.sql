-- A row at a random place of a table or index costs a page of its own, rows at the end share one. So what
-- every text writes is found by numbers that grow, and nothing is indexed that nobody looks up.

CREATE TABLE entry_now (
    number INTEGER PRIMARY KEY,             -- in the order of storing; of this store alone
    id BLOB NOT NULL UNIQUE,
    conversation BLOB NOT NULL,
    device BLOB NOT NULL,
    seq INTEGER NOT NULL,
    lamport INTEGER NOT NULL,
    kind TEXT NOT NULL,
    header BLOB NOT NULL,
    signature BLOB NOT NULL,
    body BLOB,                              -- null once erased
    knows BLOB NOT NULL,                    -- of a group: ids of the newest operations known to it
    received_ms INTEGER NOT NULL
) STRICT;
INSERT INTO entry_now SELECT rowid, * FROM entry;
DROP TABLE entry;
ALTER TABLE entry_now RENAME TO entry;
CREATE INDEX entry_in_chain ON entry (conversation, device, seq);  -- not unique: both sides of a fork are kept
CREATE INDEX entry_in_order ON entry (conversation, lamport, id);
CREATE INDEX entry_operations ON entry (conversation) WHERE kind = 'group';

CREATE TABLE delivery_now (                 -- of my own messages, one row for each recipient
    entry INTEGER NOT NULL,                 -- its number
    person BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'handed', 'delivered', 'read', 'failed', 'ended')),
    at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT '',        -- why it failed
    retry_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (entry, person)
) STRICT, WITHOUT ROWID;
INSERT INTO delivery_now
    SELECT e.number, d.person, d.state, d.at_ms, d.reason, d.retry_ms
    FROM entry AS e JOIN delivery AS d ON d.entry = e.id ORDER BY e.number, d.person;
DROP TABLE delivery;
ALTER TABLE delivery_now RENAME TO delivery;
CREATE INDEX delivery_open ON delivery (person, at_ms) WHERE state IN ('queued', 'handed', 'ended');
CREATE INDEX delivery_unread ON delivery (person, at_ms) WHERE state != 'read';

-- AUTOINCREMENT keeps a count in a page of its own. The newest event is never deleted, so that its number
-- is not given again all the same; and the number of an item in the outbox means nothing once it is gone.

CREATE TABLE event_now (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    is_sought INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO event_now SELECT seq, at_ms, type, data, is_sought FROM event;
DROP TABLE event;
ALTER TABLE event_now RENAME TO event;
CREATE INDEX event_about ON event (data ->> 'id') WHERE is_sought;

CREATE TABLE outbox_now (
    id INTEGER PRIMARY KEY,
    device BLOB NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    entry BLOB,                             -- whose delivery this is, if it is a message
    envelope BLOB                           -- the envelope that carries it, once sealed
) STRICT;
INSERT INTO outbox_now SELECT id, device, kind, payload, entry, envelope FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_now RENAME TO outbox;
CREATE INDEX outbox_of_device ON outbox (device, envelope, id);
CREATE INDEX outbox_of_kind ON outbox (device, kind) WHERE kind != 'entry';
CREATE INDEX outbox_of_entry ON outbox (entry) WHERE entry IS NOT NULL;
