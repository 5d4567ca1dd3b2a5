"""Queries for the change feed, which shows every change exactly once, even if its transaction was slow to commit.

A cursor identifies the last event that was read. The statement that reads the next page also verifies the cursor,
because ``purge`` may run between two statements. A cursor is valid if its event is stored, or was the last one purged.
"""

import functools
import uuid
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)

from invsys.inventory.db import session
from invsys.inventory.db.models import CursorState, Event, Row
from invsys.inventory.db.predicates import SOME_EXPIRED
from invsys.inventory.errors import CursorExpired
from invsys.inventory.queries import cursors, event_horizon

# A page with filters reads at most this many events, whether they match or not: a few milliseconds on both databases.
# An index for each filter would make every change write more, on SQLite a sixth more pages for each index.
MAX_SCANNED = 10_000

# The values of filters by name. A filter is a column of events with a list of values, or ``owner`` with one owner.
Filters = Mapping[str, Any]
# The first two are the key and the id.
_COLUMNS = list(Event.__table__.columns)
# The concatenation hides the column from the index of events of expired holds, which has those of the whole feed.
_KIND = Event.kind.concat(literal_column("''"))
_FILTERS: dict[str, ColumnElement[bool]] = {
    "kind": _KIND.in_(bindparam("kind", expanding=True)),
    "resource_type": Event.resource_type.in_(bindparam("resource_type", expanding=True)),
    "resource_id": Event.resource_id.in_(bindparam("resource_id", expanding=True)),
    "allocation_id": Event.allocation_id.in_(bindparam("allocation_id", expanding=True)),
    "owner": Event.owner_id == bindparam("owner", type_=String),
}


class Position(NamedTuple):
    """A position in the feed: the key of an event, and the last group of its random id as a number."""

    key: int
    id_suffix: int

    @classmethod
    def of(cls, row: Row) -> "Position":
        """Return the position of an event, or of the row that represents the last purged event."""
        return cls(row["key"], int.from_bytes(row["id"].bytes[-6:]))


class Page(NamedTuple):
    """Events ordered by key, the position of the last event that was read, and whether more events may follow it.

    With filters, the last event that was read does not need to match them. If no event was read, the position is the
    one before the page.
    """

    events: Sequence[Row]
    next: Position
    has_more: bool = False


def _with_last_purged(events: Select[Any], **state: ColumnElement[Any]) -> Select[Any]:
    """Build the union of the events and, before them, a row that represents the last purged event.

    The key of that row is 0 if nothing was purged yet; the keys of events start at 1. Only this row has values in the
    columns ``state`` and in ``some_expired``, which is true if expired holds exist.
    """
    state = {"some_expired": SOME_EXPIRED, **state}
    key = func.coalesce(CursorState.purged_key, literal(0, Event.key.type)).label("key")
    id_ = func.coalesce(CursorState.purged_id, literal(uuid.UUID(int=0), Event.id.type)).label("id")
    others = [type_coerce(null(), column.type).label(column.name) for column in [*events.selected_columns][2:]]
    rows = union_all(
        select(events.subquery(), *(null().label(name) for name in state)),
        select(key, id_, *others, *(column.label(name) for name, column in state.items())).select_from(CursorState),
    ).subquery()
    return select(rows).order_by(rows.c.key)


_IS_VISIBLE = Event.key <= bindparam("horizon")
_VISIBLE = select(*_COLUMNS).where(_IS_VISIBLE).limit(bindparam("limit"))
# The event of the cursor, and those that follow it.
_FROM_CURSOR = Event.key >= bindparam("after")
_FOLLOWING = _with_last_purged(_VISIBLE.where(_FROM_CURSOR).order_by(Event.key))
_LAST = _with_last_purged(_VISIBLE.order_by(Event.key.desc()))
_LAST_KEY = select(func.max(Event.key)).where(_IS_VISIBLE).scalar_subquery()


@functools.cache
def filtered_statement(filters: frozenset[str]) -> Select[Any]:
    """Build the statement of a page with these filters.

    It reads up to ``MAX_SCANNED`` events after the cursor. It returns the event of the cursor, the matching events
    (``is_match``), and the last event that it has read. ``last_key`` is the key of the last event in the feed.
    """
    is_match = and_(*(_FILTERS[name] for name in sorted(filters)))
    farthest = select(Event.key).where(_FROM_CURSOR, _IS_VISIBLE).order_by(Event.key)
    farthest = farthest.offset(literal_column(str(MAX_SCANNED))).limit(literal_column("1"))
    scan = select(func.coalesce(farthest.scalar_subquery(), _LAST_KEY).label("end")).cte("scan")
    end = select(scan.c.end).scalar_subquery()
    events = (
        select(*_COLUMNS, is_match.label("is_match"))
        .where(_FROM_CURSOR, Event.key <= end, or_(is_match, Event.key.in_([bindparam("after"), end])))
        .order_by(Event.key)
        .limit(bindparam("limit"))
    )
    return _with_last_purged(events, last_key=_LAST_KEY)


def following(after: Position | None, limit: int, filters: Filters) -> tuple[Page, bool]:
    """Return the page after a position (None: the first page), and whether events of expired holds are still missing.

    Raises CursorExpired, DatabaseUnavailable.
    """
    # With filters, one more row for the last event that was read.
    rows, statement = (2, filtered_statement(frozenset(filters))) if filters else (1, _FOLLOWING)
    state, events = _read(statement, limit + rows, 0 if after is None else after.key, filters)
    last_purged = Position.of(state)
    if after is None:
        after = last_purged
    elif events and Position.of(events[0]) == after:
        del events[0]
    elif after != last_purged:
        raise CursorExpired
    page = _matching(events, after, limit, state["last_key"]) if filters else _unfiltered(events, after, limit)
    return page, not page.has_more and bool(state["some_expired"])


def _unfiltered(events: list[Row], after: Position, limit: int) -> Page:
    del events[limit:]
    return Page(events, Position.of(events[-1]) if events else after, len(events) == limit)


def _matching(events: list[Row], after: Position, limit: int, last_key: int | None) -> Page:
    """Return the page of the events that match; ``events`` also has the last one that was read."""
    matching = [row for row in events if row["is_match"]][:limit]
    if len(matching) == limit:
        return Page(matching, Position.of(matching[-1]), True)
    last_read = Position.of(events[-1]) if events else after
    return Page(matching, last_read, last_key is not None and last_read.key < last_key)


def last() -> tuple[Page, bool]:
    """Return an empty page at the end of the feed, and whether events of expired holds are still missing."""
    state, events = _read(_LAST, 1)
    return Page((), Position.of([state, *events][-1])), bool(state["some_expired"])


def _read(
    statement: Select[Any], limit: int, after: int = 0, filters: Filters = MappingProxyType({})
) -> tuple[Row, list[Row]]:
    """Return the row that represents the last purged event, and the events."""
    with session.read() as connection:
        # A slow transaction can move the horizon back behind the events that the client has already read.
        horizon = max(after, event_horizon.last_visible_key(connection))
        params = {**filters, "after": after, "limit": limit, "horizon": horizon}
        rows: list[Row] = list(connection.execute(statement, params).mappings())
    if not rows or rows[0]["kind"] is not None:
        raise cursors.missing_state()
    return rows[0], rows[1:]
