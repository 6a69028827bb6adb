-- What is forgotten is forgotten by the search index too, not only marked as gone.
INSERT INTO message_index (message_index, rank) VALUES ('secure-delete', 1);
INSERT INTO message_index (message_index) VALUES ('rebuild');

-- A message that comes late has not been read, though later ones were: each remembers for itself.
ALTER TABLE message ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
UPDATE message SET seen = 1
    WHERE mine OR lamport <= (SELECT read_lamport FROM conversation WHERE conversation.id = message.conversation);
DROP INDEX message_unread;
CREATE INDEX message_unread ON message (conversation, rowid) WHERE NOT seen AND NOT mine AND kind != 'group';
ALTER TABLE conversation DROP COLUMN read_lamport;
