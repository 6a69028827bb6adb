-- Times are milliseconds since 1970. Ids are 32-byte blobs. Remote facts are appended; balances, unread
-- counts and member lists are folds over them.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- People ---------------------------------------------------------------------------------------

CREATE TABLE person (
    id BLOB PRIMARY KEY,
    petname TEXT NOT NULL UNIQUE COLLATE NOCASE,
    claimed_name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('requested', 'pending', 'accepted', 'rejected', 'blocked', 'member')),
    verified INTEGER NOT NULL DEFAULT 0,
    card BLOB,
    card_version INTEGER NOT NULL DEFAULT 0,
    greeting TEXT NOT NULL DEFAULT '',
    secret BLOB,                    -- of the invite link through which I ask
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
    id BLOB PRIMARY KEY,
    person BLOB NOT NULL,
    certificate BLOB,               -- null until the device has said hello
    olm_identity BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX device_of_person ON device (person);

CREATE TABLE address (
    device BLOB NOT NULL,
    address TEXT NOT NULL,
    worked_ms INTEGER NOT NULL DEFAULT 0,   -- when it last answered; 0 never
    failed_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (device, address)
) STRICT, WITHOUT ROWID;

-- Keys in motion -------------------------------------------------------------------------------

CREATE TABLE ratchet (
    device BLOB PRIMARY KEY,
    state BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sender_session (               -- what we seal a group's messages with
    conversation BLOB PRIMARY KEY,
    state BLOB NOT NULL,
    view BLOB NOT NULL                      -- membership it was made for
) STRICT, WITHOUT ROWID;

CREATE TABLE sender_key_sent (              -- which device already has which of our sessions
    session BLOB NOT NULL,
    device BLOB NOT NULL,
    PRIMARY KEY (session, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE sender_key (                   -- what we open others' messages with
    session BLOB NOT NULL,
    device BLOB NOT NULL,                   -- whose it is said to be: sessions can be claimed by others
    conversation BLOB NOT NULL,
    state BLOB NOT NULL,
    first_hand INTEGER NOT NULL,            -- given by that device, not passed on
    PRIMARY KEY (session, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX sender_key_of_group ON sender_key (conversation);

-- Logs -----------------------------------------------------------------------------------------

CREATE TABLE conversation (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('direct', 'group')),
    person BLOB,                            -- of a direct chat
    read_lamport INTEGER NOT NULL DEFAULT 0,
    last_ms INTEGER NOT NULL DEFAULT 0,
    timer_s INTEGER NOT NULL DEFAULT 0,     -- texts vanish after so many seconds; 0: never
    muted_until_ms INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    draft TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    id BLOB PRIMARY KEY,
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
CREATE INDEX entry_in_chain ON entry (conversation, device, seq);  -- not unique: both sides of a fork are kept
CREATE INDEX entry_in_order ON entry (conversation, lamport, id);
CREATE INDEX entry_of_kind ON entry (conversation, kind, lamport);

CREATE TABLE head (                         -- entries that no other entry of the log refers to
    conversation BLOB NOT NULL,
    entry BLOB NOT NULL,
    lamport INTEGER NOT NULL,
    PRIMARY KEY (conversation, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE bucket (                       -- sums of ids over stretches of the log, for reconciliation
    conversation BLOB NOT NULL,
    lamport INTEGER NOT NULL,               -- where the stretch begins: (lamport, entry)
    entry BLOB NOT NULL,
    count INTEGER NOT NULL,
    total BLOB NOT NULL,                    -- 32 bytes, little-endian
    PRIMARY KEY (conversation, lamport, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE equivocation (                 -- two entries of one device with one number: kept for ever
    conversation BLOB NOT NULL,
    device BLOB NOT NULL,
    seq INTEGER NOT NULL,
    proof BLOB NOT NULL,
    PRIMARY KEY (conversation, device, seq)
) STRICT, WITHOUT ROWID;

-- Messages: what is shown of the logs ------------------------------------------------------------

CREATE TABLE message (
    rowid INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    conversation BLOB NOT NULL,
    lamport INTEGER NOT NULL,
    device BLOB NOT NULL,
    person BLOB NOT NULL,
    mine INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'iou', 'group', 'sealed', 'missing', 'deleted', 'unknown')),
    text TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    session BLOB,                           -- of a sealed message: the sender key that is missing
    reply BLOB,                             -- the message that it answers
    edited_ms INTEGER NOT NULL DEFAULT 0,
    expires_ms INTEGER NOT NULL DEFAULT 0,  -- when it vanishes, by the local clock; 0: never
    pinned INTEGER NOT NULL DEFAULT 0,
    starred INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX message_expiring ON message (expires_ms) WHERE expires_ms > 0;
CREATE INDEX message_marked ON message (conversation, lamport) WHERE pinned OR starred;
CREATE INDEX message_in_order ON message (conversation, lamport, id);
CREATE INDEX message_sealed ON message (conversation, session, device) WHERE session IS NOT NULL;
CREATE INDEX message_unread ON message (conversation, lamport) WHERE NOT mine AND kind != 'group';

CREATE VIRTUAL TABLE message_index USING fts5 (
    text, content='message', content_rowid='rowid', prefix='2 3', tokenize='unicode61 remove_diacritics 2'
);
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
    INSERT INTO message_index (rowid, text) VALUES (new.rowid, new.text);
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
    INSERT INTO message_index (message_index, rowid, text) VALUES ('delete', old.rowid, old.text);
END;
CREATE TRIGGER message_changed AFTER UPDATE OF text ON message BEGIN
    INSERT INTO message_index (message_index, rowid, text) VALUES ('delete', old.rowid, old.text);
    INSERT INTO message_index (rowid, text) VALUES (new.rowid, new.text);
END;

CREATE TABLE edit (                         -- entries that changed what a message says
    entry BLOB PRIMARY KEY,
    message BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX edits_of_message ON edit (message);

CREATE TABLE reaction (
    message BLOB NOT NULL,
    person BLOB NOT NULL,
    emoji TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (message, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (                     -- of my own messages, one row for each recipient
    entry BLOB NOT NULL,
    person BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'handed', 'delivered', 'read', 'failed')),
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (entry, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_open ON delivery (person, entry) WHERE state IN ('queued', 'handed');
CREATE INDEX delivery_unread ON delivery (person, entry) WHERE state != 'read';

-- Outbox: what devices are still to be given -----------------------------------------------------

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device BLOB NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    entry BLOB,                             -- whose delivery this is, if it is a message
    envelope BLOB                           -- the envelope that carries it, once sealed
) STRICT;
CREATE INDEX outbox_of_device ON outbox (device, envelope, id);
CREATE INDEX outbox_of_kind ON outbox (device, kind);
CREATE INDEX outbox_of_entry ON outbox (entry) WHERE entry IS NOT NULL;
CREATE INDEX outbox_of_envelope ON outbox (envelope) WHERE envelope IS NOT NULL;

CREATE TABLE envelope (
    id BLOB PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,         -- order of sealing
    device BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_of_device ON envelope (device, number);

CREATE TABLE envelope_seen (                -- envelopes taken before: acknowledged again, not opened again
    id BLOB PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_seen_age ON envelope_seen (at_ms);

-- Groups -----------------------------------------------------------------------------------------

CREATE TABLE membership (                   -- my part in a group
    conversation BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('invited', 'joining', 'joined', 'left', 'removed', 'declined')),
    secret BLOB NOT NULL,
    genesis BLOB NOT NULL,
    invited_by BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting_entry (                -- entries that came before what they refer to
    id BLOB PRIMARY KEY,
    conversation BLOB NOT NULL,
    device BLOB NOT NULL,
    missing BLOB NOT NULL,                  -- one of the entries it waits for
    raw BLOB NOT NULL,
    received_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_for ON waiting_entry (missing);
CREATE INDEX waiting_of ON waiting_entry (conversation, device);

-- Ledger -----------------------------------------------------------------------------------------

CREATE TABLE ledger_entry (
    id BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    raw BLOB NOT NULL,
    signature BLOB NOT NULL,
    note TEXT NOT NULL,
    note_salt BLOB NOT NULL,
    received_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_of_account ON ledger_entry (account);

CREATE TABLE ledger_account (
    id BLOB PRIMARY KEY,
    person BLOB NOT NULL,                   -- the other side
    unit BLOB NOT NULL,
    epoch BLOB NOT NULL,                    -- of this device as a writer: the end of its chain
    seq INTEGER NOT NULL,
    prev BLOB NOT NULL,
    written_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX account_of_person ON ledger_account (person);

-- Events: what listeners are told, in commit order -----------------------------------------------

CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX event_about ON event (data ->> 'id');
