-- What is added at a random place of an index costs a page of it; what is added at the end, nearly nothing.

DROP INDEX delivery_open;
CREATE INDEX delivery_open ON delivery (person, at_ms) WHERE state IN ('queued', 'handed', 'ended');
DROP INDEX delivery_unread;
CREATE INDEX delivery_unread ON delivery (person, at_ms) WHERE state != 'read';

-- A message knows the event that told its words. Others that repeat words of it are found through an index.
ALTER TABLE message ADD COLUMN event INTEGER;
ALTER TABLE event ADD COLUMN is_sought INTEGER NOT NULL DEFAULT 1;
DROP INDEX event_about;
CREATE INDEX event_about ON event (data ->> 'id') WHERE is_sought;

-- New messages are put into the search index just before a commit, all at once: a savepoint in between
-- would make each of them a segment of its own. What is in the index, message_index_docsize knows.
DROP TRIGGER message_added;
DROP TRIGGER message_removed;
CREATE TRIGGER message_removed AFTER DELETE ON message
WHEN EXISTS (SELECT 1 FROM message_index_docsize WHERE id = old.rowid) BEGIN
    INSERT INTO message_index (message_index, rowid, text) VALUES ('delete', old.rowid, old.text);
END;
DROP TRIGGER message_changed;
CREATE TRIGGER message_changed AFTER UPDATE OF text ON message
WHEN EXISTS (SELECT 1 FROM message_index_docsize WHERE id = old.rowid) BEGIN
    INSERT INTO message_index (message_index, rowid, text) VALUES ('delete', old.rowid, old.text);
    INSERT INTO message_index (rowid, text) VALUES (new.rowid, new.text);
END;
