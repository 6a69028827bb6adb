-- Simplifying debts in a group: where this person takes part, and what members told.

CREATE TABLE simplify_group (
    conversation BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE debt_report (
    conversation BLOB NOT NULL,
    person BLOB NOT NULL,
    unit BLOB NOT NULL,
    raw BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (conversation, person, unit)
) STRICT, WITHOUT ROWID;
