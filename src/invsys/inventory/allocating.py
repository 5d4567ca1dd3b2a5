"""The verbs that allocate: one vehicle, or any that is free.

The rule that matters most is not here but in the database: it refuses an overlap from whatever code path. A verb tries
first and asks afterwards; only a refused attempt costs the look-ups that say why.
"""

import functools
import random
import uuid
from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import JSON, BigInteger, Integer, Select, String, Uuid, bindparam, func, select
from sqlalchemy.types import TypeEngine

from invsys.chassis import identifiers
from invsys.inventory import database, expiry, lookup, occupancy
from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.errors import NoneAvailable
from invsys.inventory.expressions import among, contains, keys_of, new_id
from invsys.inventory.idempotency import Made, once, try_change
from invsys.inventory.instants import UtcDateTime, later
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.period import Period
from invsys.inventory.predicates import IN_CIRCULATION, ONE, gap_around, is_free
from invsys.inventory.recording import Recorded, by, recorded

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

_GIVEN: dict[str, TypeEngine[Any]] = {
    "starts": UtcDateTime(),
    "ends": UtcDateTime(),
    "allocation_type": String(),
    "description": String(),
    "dump": JSON(),
}
_COLUMNS = ["resource_key", "id", *_GIVEN, "expires"]


def _new(new: Any) -> Select[Any]:
    """Select a new allocation's columns for each vehicle that is chosen; ``new`` is its id."""
    given = [bindparam(name, type_=kind) for name, kind in _GIVEN.items()]
    expires = later(bindparam("hold_seconds", type_=Integer))
    return select(_resource.c.key, new, *given, expires).where(IN_CIRCULATION)


def _allocate(vehicles: Select[Any], *, keyed: bool) -> Recorded:
    # Without ON CONFLICT, PostgreSQL deadlocks under contention for one vehicle.
    return recorded(
        lambda insert: insert(_allocation).from_select(_COLUMNS, vehicles).on_conflict_do_nothing(),
        "allocated",
        keyed=keyed,
    )


# The vehicle's row is locked against being decommissioned meanwhile, as the foreign key would lock it anyway.
_NAMED = (
    _new(bindparam("id", type_=Uuid))
    .where(_resource.c.id == bindparam("resource_id"))
    .with_for_update(read=True, key_share=True)
)
_ALLOCATE = {keyed: _allocate(_NAMED, keyed=keyed) for keyed in (False, True)}


def allocate(
    resource_type: str,
    resource_id: uuid.UUID,
    period: Period,
    hold_seconds: int | None = None,
    caller: Caller = NOBODY,
    **given: Any,
) -> Made:
    """Allocate a vehicle for a period, ``given`` its allocation_type, description, dump; held if with ``hold_seconds``.

    Raises ResourceNotFound, PeriodTaken, IdempotencyKeyReused.
    """
    values = {
        "id": identifiers.new(),
        "resource_type": resource_type,
        "resource_id": resource_id,
        **_values(period, given),
    }
    statement = _ALLOCATE[caller.key is not None]

    def attempt(_: int) -> list[Row]:
        rows = try_change(lambda: database.change(statement, values | {"hold_seconds": hold_seconds} | by(caller)))
        return [{**values, **row} for row in rows]

    return once(caller, attempt, lambda: _explain(resource_type, resource_id, period))


def _values(period: Period, given: dict[str, Any]) -> dict[str, Any]:
    return {"starts": period.start, "ends": period.end, **given}


def _explain(resource_type: str, resource_id: uuid.UUID, period: Period) -> None:
    with database.read() as connection:
        key = lookup.require_resource(connection, resource_type, resource_id)["key"]
        occupancy.require_free(connection, key, period)
    expiry.clear(period, resource_key=key)


def allocate_any(
    resource_type: str,
    period: Period,
    attributes: dict[str, Any],
    hold_seconds: int | None = None,
    quantity: int | None = None,
    caller: Caller = NOBODY,
    **given: Any,
) -> Made:
    """Allocate ``quantity`` vehicles (None: one), whichever are free for the period and have these attributes, or none.

    Raises NoneAvailable, IdempotencyKeyReused.
    """
    wanted = quantity or 1
    values = {"resource_type": resource_type, **_values(period, given), "hold_seconds": hold_seconds}
    choice = {"wanted": wanted, "attributes": attributes, **by(caller)}
    best_fit = current_app.config["ANY_STRATEGY"] == "best_fit"

    def attempt(number: int) -> list[Row]:
        # At first those are passed by that others are just taking; in the end it is waited for what becomes of them.
        statement = _any(caller.key is not None, bool(attributes), wanted == 1, best_fit, number > 1)
        place = {"keys": _tightest(values | choice)} if best_fit else {"start": _start(number)}
        rows = try_change(lambda: _take(statement, values | choice | place, wanted))
        return [{**values, **row} for row in rows]

    def explain() -> None:
        if not expiry.clear(period, resource_type=resource_type):
            _require_available(values | choice)

    return once(caller, attempt, explain)


def _require_available(values: dict[str, Any]) -> None:
    wanted = values["wanted"]
    with database.read() as connection:
        found = len(connection.execute(_candidates(bool(values["attributes"])).limit(wanted), values).all())
    if found < wanted:
        raise NoneAvailable(f"{found} of the {wanted} wanted are available for the whole period.")


def _take(statement: Recorded, values: dict[str, Any], wanted: int) -> list[Row]:
    if wanted == 1:
        return database.change(statement, values)
    with database.transaction() as connection:
        rows = statement.run_in(connection, values)
        if len(rows) < wanted:
            connection.rollback()
            return []
        return rows


_PERIOD = [bindparam(name, type_=_GIVEN[name]) for name in ("starts", "ends")]
# Others may be after the same vehicles, and be faster: for so many of them there is a next best.
_OTHERS = 32


def _free(vehicles: Select[Any], with_attributes: bool) -> Select[Any]:
    free = vehicles.where(is_free(*_PERIOD))
    if with_attributes:
        free = free.where(contains(_resource.c.attributes, bindparam("attributes", type_=JSON)))
    return free


@functools.cache
def _candidates(with_attributes: bool) -> Select[Any]:
    return _free(select(_resource.c.key).where(IN_CIRCULATION), with_attributes)


def _tightest(values: dict[str, Any]) -> Sequence[int]:
    """Give the keys of the vehicles that fit best; without locks, as every vehicle has to be looked at."""
    statement = _candidates(bool(values["attributes"])).order_by(gap_around(*_PERIOD))
    with database.read() as connection:
        return connection.scalars(statement.limit(values["wanted"] + _OTHERS), values).all()


_MILLION = 1_000_000


def _start(number: int) -> int:
    """Give from where in the fleet on to look, in millionths of it: anywhere, and at every other attempt 0."""
    return random.randrange(_MILLION) if number % 2 == 0 else 0  # noqa: S311 - no secret


@functools.cache
def _any(keyed: bool, with_attributes: bool, only_one: bool, best_fit: bool, waits: bool) -> Recorded:
    """Build the statement that chooses free vehicles and allocates them."""
    vehicles = _free(_new(new_id()), with_attributes).limit(ONE if only_one else bindparam("wanted", type_=Integer))
    if best_fit:
        chosen = among(_resource.c.key, keys_of(bindparam("keys", type_=JSON)))
        # Whoever waits for several locks them in the order in which everybody does.
        vehicles = vehicles.where(chosen).order_by(_resource.c.key if waits else gap_around(*_PERIOD))
    else:
        vehicles = vehicles.where(_resource.c.key >= _somewhere()).order_by(_resource.c.key)
    # Locked against others who choose: those go by, and take another.
    return _allocate(vehicles.with_for_update(key_share=True, skip_locked=not waits), keyed=keyed)


def _somewhere() -> Any:
    """Give a key from that of the first vehicle of the type to that of the last, ``start`` millionths of the way."""
    # Each by itself: for both at once SQLite would read all between them.
    first, last = (_of_type(bound(_resource.c.key)).scalar_subquery() for bound in (func.min, func.max))
    return first + (last - first + 1) * bindparam("start", type_=BigInteger) // _MILLION


def _of_type(*columns: Any) -> Select[Any]:
    return select(*columns).where(_resource.c.resource_type == bindparam("resource_type")).correlate(None)
