"""Expired holds: they count nowhere from that instant on, and are cleared away where they are in the way."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, literal_column, select

from invsys.inventory import database
from invsys.inventory.caller import NOBODY
from invsys.inventory.expressions import among
from invsys.inventory.instants import UtcDateTime
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.period import Period
from invsys.inventory.predicates import expired, overlaps
from invsys.inventory.recording import Recorded, by, recorded

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

_IN_PERIOD = overlaps(bindparam("start", type_=UtcDateTime), bindparam("end", type_=UtcDateTime))
# Correlated: SQLite would otherwise begin with the vehicles, and read everything that each has.
_OF_TYPE = (
    select(_resource.c.key)
    .where(_resource.c.key == _allocation.c.resource_key, _resource.c.resource_type == bindparam("resource_type"))
    .exists()
)


# So many at once: no statement takes long, however many have expired.
_AT_ONCE = 1000


def _clear(*where: ColumnElement[bool], order_by: ColumnElement[Any] | None = None) -> Recorded:
    found = select(_allocation.c.key).where(expired(), *where).order_by(order_by).limit(_AT_ONCE)
    # One that somebody else clears, confirms or extends at this moment is left to them.
    found = found.with_for_update(skip_locked=True)
    these = among(_allocation.c.key, found.scalar_subquery())
    return recorded(lambda _: delete(_allocation).where(these), "expired")


_OF_ONE = _allocation.c.resource_key == bindparam("of_resource_key")
_CLEAR_OF_ONE = _clear(_IN_PERIOD, _OF_ONE)
_CLEAR_ALL_OF_ONE = _clear(_OF_ONE)
# Vehicle after vehicle: a thousand holds, one of each, might free none of them. "+ 0", or SQLite would read every
# allocation in the order of that index instead of looking up what has expired.
_CLEAR_OF_TYPE = _clear(_IN_PERIOD, _OF_TYPE, order_by=_allocation.c.resource_key + literal_column("0"))
_CLEAR_ALL = _clear()


def clear(period: Period, *, resource_key: int | None = None, resource_type: str | None = None) -> bool:
    """Clear expired holds that overlap the period, of a vehicle or of all of a type; say whether there were any."""
    statement = _CLEAR_OF_TYPE if resource_key is None else _CLEAR_OF_ONE
    sought = {"of_resource_key": resource_key, "resource_type": resource_type}
    return bool(database.change(statement, {"start": period.start, "end": period.end, **sought, **by(NOBODY)}))


def clear_vehicle(connection: Connection, resource_key: int) -> None:
    """Clear a vehicle's expired holds within the caller's transaction."""
    while _CLEAR_ALL_OF_ONE.run_in(connection, {"of_resource_key": resource_key, **by(NOBODY)}):
        pass


def clear_all() -> int:
    """Clear every expired hold, and give how many there were."""
    return database.in_portions(lambda connection: len(_CLEAR_ALL.run_in(connection, by(NOBODY))))
