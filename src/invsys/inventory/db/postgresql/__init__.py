"""PostgreSQL: connections, session settings, poolers."""
