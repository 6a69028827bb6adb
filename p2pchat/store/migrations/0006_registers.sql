-- A delivery to somebody who is no member any more has ended.

CREATE TABLE delivery_now (
    entry BLOB NOT NULL,
    person BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'handed', 'delivered', 'read', 'failed', 'ended')),
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (entry, person)
) STRICT, WITHOUT ROWID;
INSERT INTO delivery_now SELECT entry, person, state, at_ms FROM delivery;
DROP TABLE delivery;
ALTER TABLE delivery_now RENAME TO delivery;
CREATE INDEX delivery_open ON delivery (person, entry) WHERE state IN ('queued', 'handed', 'ended');
CREATE INDEX delivery_unread ON delivery (person, entry) WHERE state != 'read';

-- What several can set (a pin, a timer, a vote): the entry that set it last in display order counts,
-- whichever came last.

CREATE TABLE register (
    subject BLOB NOT NULL,                  -- a message, or a conversation
    name TEXT NOT NULL,                     -- what of it
    writer BLOB NOT NULL,                   -- whose, where everybody has his own; else empty
    lamport INTEGER NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (subject, name, writer)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_missing ON message (conversation) WHERE kind = 'missing';

-- Which operations of a group are stored, so that what was computed from them is known to be good still.

ALTER TABLE conversation ADD COLUMN operations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN last_operation BLOB;
UPDATE conversation SET
    operations = (SELECT count(*) FROM entry AS e WHERE e.conversation = conversation.id AND e.kind = 'group'),
    last_operation = (SELECT e.id FROM entry AS e WHERE e.conversation = conversation.id AND e.kind = 'group'
                      ORDER BY e.rowid DESC LIMIT 1)
WHERE kind = 'group';
