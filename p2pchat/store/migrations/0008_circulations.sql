-- Moving debts around several people: my part in each, the tokens that passed here, and what I asked for.

CREATE TABLE passage (
    lock BLOB PRIMARY KEY,
    kind TEXT NOT NULL,                     -- pay, clear, assign, swap: begun here; pass: of others
    role TEXT NOT NULL,
    from_person BLOB,                       -- who concedes to me; NULL: nobody, or not known yet
    from_unit BLOB,
    incoming INTEGER NOT NULL,
    to_person BLOB,                         -- to whom I concede
    to_unit BLOB,
    outgoing INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,           -- when to ask for its end
    preimage BLOB,
    clearing INTEGER NOT NULL,              -- 1: may only lower debts
    cancelled INTEGER NOT NULL,             -- 1: somebody asked for its end
    agreed INTEGER NOT NULL,                -- 0: waits for this person's decision
    asked INTEGER NOT NULL,                 -- 1: the next one was asked to end it
    onward BLOB,                            -- what the next one is told with the hold
    outcome TEXT NOT NULL,
    note TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX passage_open ON passage (deadline_ms) WHERE outcome = 'open';

CREATE TABLE circle_probe (
    token BLOB PRIMARY KEY,
    sender BLOB,                            -- from whom it came first; NULL: made here
    seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_age ON circle_probe (seen_ms);

CREATE TABLE invoice_ask (
    id BLOB PRIMARY KEY,
    payee BLOB NOT NULL,
    unit BLOB NOT NULL,
    minor INTEGER NOT NULL,
    route BLOB NOT NULL,                    -- the people on the way, the payee last; 32 bytes each
    note TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
