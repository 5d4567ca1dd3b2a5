"""Everything that knows SQL: tables, statements, connections, migrations."""
