"""SQLite: the database file and its connections."""
