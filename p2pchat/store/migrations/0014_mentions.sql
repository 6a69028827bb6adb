-- Whom texts name, with the word by which their author did: readers are shown their own names.

CREATE TABLE mention (
    message BLOB NOT NULL,
    person BLOB NOT NULL,
    word TEXT NOT NULL,                     -- as it stands behind an @; empty if it does not
    PRIMARY KEY (message, person, word)
) STRICT, WITHOUT ROWID;
