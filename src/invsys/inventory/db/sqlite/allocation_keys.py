"""The keys of new allocations on SQLite, which would use those of archived allocations again.

Lists of archived and other allocations are ordered by start and key, so no key may be used twice. Each allocation has
had an event, and the newest event is never deleted: its key is not smaller than that of any allocation until now.
"""

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select

from invsys.inventory.db.models import ContinuousResourceAllocation, Event


def _largest(key: Any) -> ColumnElement[int]:
    return select(func.coalesce(func.max(key), literal_column("0"))).correlate(None).scalar_subquery()


def newest_key() -> ColumnElement[int]:
    """Build the expression for a key that no allocation has exceeded until now; new allocations have greater ones.

    Allocations that another program has stored have no event, so their keys count, too.
    """
    return func.max(_largest(Event.key), _largest(ContinuousResourceAllocation.key))
