"""Queries for the change feed, which shows every change exactly once, even if its transaction was slow to commit.

A cursor identifies the last event that was read. The statement that reads the next page also verifies the cursor,
because ``purge`` may run between two statements. A cursor is valid if its event is stored, or was the last one purged.
"""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, literal, null, select, type_coerce, union_all

from invsys.inventory.db import session
from invsys.inventory.db.models import CursorState, Event, Row
from invsys.inventory.db.predicates import SOME_EXPIRED
from invsys.inventory.errors import CursorExpired
from invsys.inventory.queries import cursors, event_horizon

# The first two are the key and the id.
_COLUMNS = list(Event.__table__.columns)


class Position(NamedTuple):
    """A position in the feed: the key of an event, and the last group of its random id as a number."""

    key: int
    id_suffix: int

    @classmethod
    def of(cls, row: Row) -> "Position":
        """Return the position of an event, or of the row that represents the last purged event."""
        return cls(row["key"], int.from_bytes(row["id"].bytes[-6:]))


class Page(NamedTuple):
    """Events ordered by key, and the position of the last one; without events, the position before them."""

    events: Sequence[Row]
    next: Position


def _with_last_purged(events: Select[Any]) -> Select[Any]:
    """Build the union of the events and, before them, a row that represents the last purged event.

    The key of that row is 0 if nothing was purged yet; the keys of events start at 1. Its additional column
    ``some_expired`` is true if expired holds exist.
    """
    key = func.coalesce(CursorState.purged_key, literal(0, Event.key.type)).label("key")
    id_ = func.coalesce(CursorState.purged_id, literal(uuid.UUID(int=0), Event.id.type)).label("id")
    others = [type_coerce(null(), column.type).label(column.name) for column in _COLUMNS[2:]]
    rows = union_all(
        select(events.subquery(), null().label("some_expired")),
        select(key, id_, *others, SOME_EXPIRED.label("some_expired")).select_from(CursorState),
    ).subquery()
    return select(rows).order_by(rows.c.key)


_VISIBLE = select(*_COLUMNS).where(Event.key <= bindparam("horizon")).limit(bindparam("limit"))
# The first event is that of the cursor.
_FOLLOWING = _with_last_purged(_VISIBLE.where(Event.key >= bindparam("after")).order_by(Event.key))
_LAST = _with_last_purged(_VISIBLE.order_by(Event.key.desc()))


def following(after: Position | None, limit: int) -> tuple[Page, bool]:
    """Return the page after a position (None: the first page), and whether events of expired holds are still missing.

    Raises CursorExpired, DatabaseUnavailable.
    """
    purged, events = _read(_FOLLOWING, limit + 1, 0 if after is None else after.key)
    last_purged = Position.of(purged)
    if after is None:
        after = last_purged
    elif events and Position.of(events[0]) == after:
        del events[0]
    elif after != last_purged:
        raise CursorExpired
    del events[limit:]
    page = Page(events, Position.of(events[-1]) if events else after)
    return page, len(events) < limit and bool(purged["some_expired"])


def last() -> tuple[Page, bool]:
    """Return an empty page at the end of the feed, and whether events of expired holds are still missing."""
    purged, events = _read(_LAST, 1)
    return Page((), Position.of([purged, *events][-1])), bool(purged["some_expired"])


def _read(statement: Select[Any], limit: int, after: int = 0) -> tuple[Row, list[Row]]:
    """Return the row that represents the last purged event, and the events."""
    with session.read() as connection:
        # A slow transaction can move the horizon back behind the events that the client has already read.
        params = {"after": after, "limit": limit, "horizon": max(after, event_horizon.last_visible_key(connection))}
        rows: list[Row] = list(connection.execute(statement, params).mappings())
    if not rows or rows[0]["kind"] is not None:
        raise cursors.missing_state()
    return rows[0], rows[1:]
