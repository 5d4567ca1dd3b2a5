"""The keys of new allocations on SQLite, which would use those of archived allocations again.

Lists of archived and other allocations are ordered by start and key, so no key may be used twice. Each allocation has
had an event, and the newest event is never deleted: its key is not smaller than that of any allocation until now.
"""

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.dialects import sqlite

from invsys.inventory.db.models import ContinuousResourceAllocation, Event


def _largest(key: Any) -> ColumnElement[int]:
    return select(func.coalesce(func.max(key), literal_column("0"))).correlate(None).scalar_subquery()


def values(insert: Any, number: ColumnElement[int]) -> dict[str, ColumnElement[int]]:
    """Return the value of the column ``key`` for an ``insert`` of the dialect: none on PostgreSQL, which numbers rows.

    ``number`` counts the rows of the statement from 1. Allocations that another program has stored have no event, so
    their keys count, too.
    """
    if insert is not sqlite.insert:
        return {}
    return {"key": func.max(_largest(Event.key), _largest(ContinuousResourceAllocation.key)) + number}
