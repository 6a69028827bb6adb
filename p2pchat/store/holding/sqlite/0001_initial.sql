-- Times are milliseconds since 1970, unless the name says otherwise. ../postgres.sql says the same.

CREATE TABLE box (
    id BLOB PRIMARY KEY,                    -- the owner's key for this mailbox
    parcels INTEGER NOT NULL DEFAULT 0,     -- of contacts; the sums stand here so that quotas cost one look-up
    size INTEGER NOT NULL DEFAULT 0,
    stranger_parcels INTEGER NOT NULL DEFAULT 0,
    stranger_size INTEGER NOT NULL DEFAULT 0,
    tags INTEGER NOT NULL DEFAULT 0,
    visited_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX box_visited ON box (visited_ms);

CREATE TABLE tag (
    id BLOB PRIMARY KEY,
    box BLOB NOT NULL,
    node BLOB NOT NULL,                     -- which of the nodes that share this database was given it
    day INTEGER NOT NULL                    -- since 1970
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_of_box ON tag (box, node, day);
CREATE INDEX tag_of_day ON tag (day);

CREATE TABLE admitted (                     -- what owners say of the tags that they gave
    box BLOB NOT NULL,
    node BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    PRIMARY KEY (box, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE parcel (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    box BLOB NOT NULL,
    id BLOB NOT NULL,
    stranger INTEGER NOT NULL,
    expires_hour INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX parcel_once ON parcel (box, id);
CREATE INDEX parcel_in_order ON parcel (box, seq, size);
CREATE INDEX parcel_expiring ON parcel (expires_hour);
