-- At friends alone: whose quota a parcel counts against. Operators' mailboxes leave it empty.

ALTER TABLE parcel ADD COLUMN depositor BLOB;
CREATE INDEX parcel_of_depositor ON parcel (depositor, size) WHERE depositor IS NOT NULL;
