-- sqlite/*.sql for PostgreSQL; version 1, as each may read and write what the others made. Several nodes may start at once: see postgres.py.

CREATE TABLE IF NOT EXISTS version (number INTEGER NOT NULL);
INSERT INTO version SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM version);

CREATE TABLE IF NOT EXISTS box (
    id BYTEA PRIMARY KEY,
    parcels BIGINT NOT NULL DEFAULT 0,
    size BIGINT NOT NULL DEFAULT 0,
    stranger_parcels BIGINT NOT NULL DEFAULT 0,
    stranger_size BIGINT NOT NULL DEFAULT 0,
    tags BIGINT NOT NULL DEFAULT 0,
    visited_ms BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS box_visited ON box (visited_ms);

CREATE TABLE IF NOT EXISTS tag (
    id BYTEA PRIMARY KEY,
    box BYTEA NOT NULL,
    node BYTEA NOT NULL,
    day BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS tag_of_box ON tag (box, node, day);
CREATE INDEX IF NOT EXISTS tag_of_day ON tag (day);

CREATE TABLE IF NOT EXISTS admitted (
    box BYTEA NOT NULL,
    node BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    PRIMARY KEY (box, node)
);

CREATE TABLE IF NOT EXISTS parcel (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    box BYTEA NOT NULL,
    id BYTEA NOT NULL,
    stranger BIGINT NOT NULL,
    expires_hour BIGINT NOT NULL,
    size BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS parcel_once ON parcel (box, id);
CREATE INDEX IF NOT EXISTS parcel_in_order ON parcel (box, seq, size);
CREATE INDEX IF NOT EXISTS parcel_expiring ON parcel (expires_hour);

ALTER TABLE parcel ADD COLUMN IF NOT EXISTS depositor BYTEA;
CREATE INDEX IF NOT EXISTS parcel_of_depositor ON parcel (depositor, size) WHERE depositor IS NOT NULL;
