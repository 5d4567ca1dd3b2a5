"""The command that changes several allocations in one transaction, for example to swap the vehicles of two.

PostgreSQL and SQLite check the overlap of each row as soon as it is written, so UPDATEs that swap two allocations are
refused. The command therefore deletes all rows and inserts them again with the same keys and ids.
"""
