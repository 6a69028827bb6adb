-- Devices come and go: by a newer card, or with a restored person.

ALTER TABLE device ADD COLUMN standing TEXT NOT NULL DEFAULT 'listed'
    CHECK (standing IN ('met', 'listed', 'revoked'));   -- met: it said hello, no card or link names it yet
ALTER TABLE person ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;   -- verified once, then a device came
ALTER TABLE person ADD COLUMN introduced_by BLOB;       -- the contact who vouches, until the person asks
UPDATE device SET standing = 'met' WHERE person NOT IN (SELECT id FROM person);
