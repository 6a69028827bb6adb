"""Files in chats: what a message says of them, how they are cut and sealed, how chunks are asked for."""
