-- The name of a device's box, as its person's card says: under it friends leave parcels with each other.

ALTER TABLE device ADD COLUMN box BLOB;
CREATE INDEX device_of_box ON device (box) WHERE box IS NOT NULL;
