"""Statements on the database of a system, around the service."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from proof.system.cluster import DATABASE
from proof.system.stack import Stack


def execute(stack: Stack, statements: Sequence[str]) -> None:
    """Execute statements, each on its own."""
    if stack.cluster is not None:
        for statement in statements:
            stack.cluster.primary.execute(statement, DATABASE)
        return
    with closing(sqlite3.connect(stack.database_url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
