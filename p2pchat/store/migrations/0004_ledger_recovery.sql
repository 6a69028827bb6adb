-- The ledger of a restored person, and proofs that a device signed two entries with one number.

CREATE TABLE ledger_recovery (
    person BLOB PRIMARY KEY,                -- with whom the accounts have to be settled
    heads BLOB,                             -- what he said he holds, as he said it; NULL: nothing yet
    settled INTEGER NOT NULL                -- 1: both know the same, and the lost device is closed
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_fork (
    account BLOB NOT NULL,
    device BLOB NOT NULL,
    epoch BLOB NOT NULL,
    proof BLOB NOT NULL,                    -- a bundle that anybody can check
    noticed_ms INTEGER NOT NULL,
    PRIMARY KEY (account, device, epoch)
) STRICT, WITHOUT ROWID;
