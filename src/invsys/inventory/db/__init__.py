"""The database layer: tables, predicates, engines, sessions, migrations."""
