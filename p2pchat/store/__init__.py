"""The remembering part: one encrypted SQLite file."""
