"""The verb that allocates any vehicle that is free, or several of them."""

import functools
import random
from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import JSON, BigInteger, Integer, Select, bindparam, func, select

from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.commands import client_limits, expire_holds
from invsys.inventory.commands.create_allocation import GIVEN, columns, insertion, new_allocations
from invsys.inventory.commands.idempotency import CommandResult, execute_once, run_or_conflict
from invsys.inventory.db import session
from invsys.inventory.db.functions import in_subquery, json_array_elements, json_contains, new_id
from invsys.inventory.db.models import ContinuousResource, Row
from invsys.inventory.db.outbox import OutboxChange, caller_params
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, ONE, is_free, surrounding_gap
from invsys.inventory.errors import NoneAvailable
from invsys.inventory.period import Period

_resource = ContinuousResource.__table__


def allocate_any(
    resource_type: str,
    period: Period,
    attributes: dict[str, Any],
    hold_seconds: int | None = None,
    quantity: int | None = None,
    caller: Caller = NOBODY,
    **given: Any,
) -> CommandResult:
    """Allocate ``quantity`` vehicles (None: one), whichever are free for the period and have these attributes, or none.

    Raises NoneAvailable, IdempotencyKeyReused, TooManyHolds, InvalidFields, Busy, and marshmallow's ValidationError if
    the period exceeds the caller's limits.
    """
    client_limits.require_period(caller, period)
    wanted = quantity or 1
    most = client_limits.most_holds(caller, hold_seconds)
    values = {"resource_type": resource_type, **columns(period, given), "hold_seconds": hold_seconds}
    choice = {"wanted": wanted, "attributes": attributes, **caller_params(caller)}
    best_fit = current_app.config["ANY_STRATEGY"] == "best_fit"

    def attempt(number: int) -> list[Row]:
        if not client_limits.has_room(caller, most, wanted):
            return []
        # At first those are passed by that others are just taking; in the end it is waited for what becomes of them.
        statement = _any(caller.key is not None, bool(attributes), wanted == 1, best_fit, number > 1)
        place = {"keys": _tightest(values | choice)} if best_fit else {"start": _start(number)}
        rows = run_or_conflict(lambda: _take(statement, values | choice | place, wanted))
        return [{**values, **row} for row in rows]

    def explain() -> None:
        client_limits.require_room(caller, most, wanted)
        if not expire_holds.delete_expired(period, resource_type=resource_type):
            _require_available(values | choice)

    return execute_once(caller, attempt, explain)


def _require_available(values: dict[str, Any]) -> None:
    wanted = values["wanted"]
    with session.read() as connection:
        found = len(connection.execute(_candidates(bool(values["attributes"])).limit(wanted), values).all())
    if found < wanted:
        # Without the number of free vehicles: a client may allocate without the scope to list vehicles.
        fewer = f"Fewer than the {wanted} requested vehicles are" if wanted > 1 else "No vehicle that fits is"
        raise NoneAvailable(f"{fewer} available for the whole period.")


def _take(statement: OutboxChange, values: dict[str, Any], wanted: int) -> list[Row]:
    if wanted == 1:
        return session.execute(statement, values)
    with session.transaction() as connection:
        rows = statement.run_in(connection, values)
        if len(rows) < wanted:
            connection.rollback()
            return []
        return rows


_PERIOD = [bindparam(name, type_=GIVEN[name]) for name in ("starts", "ends")]
# Others may be after the same vehicles, and be faster: for so many of them there is a next best.
_OTHERS = 32


def _free(vehicles: Select[Any], with_attributes: bool) -> Select[Any]:
    free = vehicles.where(is_free(*_PERIOD))
    if with_attributes:
        free = free.where(json_contains(_resource.c.attributes, bindparam("attributes", type_=JSON)))
    return free


@functools.cache
def _candidates(with_attributes: bool) -> Select[Any]:
    return _free(select(_resource.c.key).where(NOT_DECOMMISSIONED), with_attributes)


def _tightest(values: dict[str, Any]) -> Sequence[int]:
    """Give the keys of the vehicles that fit best; without locks, as every vehicle has to be looked at."""
    statement = _candidates(bool(values["attributes"])).order_by(surrounding_gap(*_PERIOD))
    with session.read() as connection:
        return connection.scalars(statement.limit(values["wanted"] + _OTHERS), values).all()


_MILLION = 1_000_000


def _start(number: int) -> int:
    """Give from where in the fleet on to look, in millionths of it: anywhere, and at every other attempt 0."""
    return random.randrange(_MILLION) if number % 2 == 0 else 0  # noqa: S311 - no secret


@functools.cache
def _any(keyed: bool, with_attributes: bool, only_one: bool, best_fit: bool, waits: bool) -> OutboxChange:
    """Build the statement that chooses free vehicles and allocates them."""
    vehicles = _free(new_allocations(new_id()), with_attributes)
    vehicles = vehicles.limit(ONE if only_one else bindparam("wanted", type_=Integer))
    if best_fit:
        chosen = in_subquery(_resource.c.key, json_array_elements(bindparam("keys", type_=JSON)))
        # Whoever waits for several locks them in the order in which everybody does.
        vehicles = vehicles.where(chosen).order_by(_resource.c.key if waits else surrounding_gap(*_PERIOD))
    else:
        vehicles = vehicles.where(_resource.c.key >= _somewhere()).order_by(_resource.c.key)
    # Locked against others who choose: those go by, and take another.
    return insertion(vehicles.with_for_update(key_share=True, skip_locked=not waits), keyed=keyed)


def _somewhere() -> Any:
    """Give a key from that of the first vehicle of the type to that of the last, ``start`` millionths of the way."""
    # Each by itself: for both at once SQLite would read all between them.
    first, last = (_of_type(bound(_resource.c.key)).scalar_subquery() for bound in (func.min, func.max))
    return first + (last - first + 1) * bindparam("start", type_=BigInteger) // _MILLION


def _of_type(*columns: Any) -> Select[Any]:
    return select(*columns).where(_resource.c.resource_type == bindparam("resource_type")).correlate(None)
