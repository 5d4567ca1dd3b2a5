"""The command that allocates any available vehicle, or several of them.

``[api] any_strategy`` decides which ones: ``random`` allocates the first available vehicles after a random position in
the fleet, ``best_fit`` those of a random sample that have the least idle time around the period.
"""

import functools
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import JSON, ColumnElement, Integer, Select, bindparam

from invsys.inventory import counters
from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands import client_limits, expire_holds
from invsys.inventory.commands.create_allocation import VEHICLES, insert_allocations
from invsys.inventory.commands.idempotency import CommandResult, execute_once
from invsys.inventory.db import session
from invsys.inventory.db.functions import in_subquery, json_array_elements, new_ordered_id
from invsys.inventory.db.models import ContinuousResource, Row
from invsys.inventory.db.outbox import OutboxChange, caller_params
from invsys.inventory.db.predicates import ONE
from invsys.inventory.errors import NoneAvailable
from invsys.inventory.period import Period
from invsys.inventory.queries import free_vehicles

_resource = ContinuousResource.__table__


class _Options(NamedTuple):
    """The properties of an attempt on which the SQL depends."""

    keyed: bool
    with_attributes: bool
    single: bool
    waits_for_locks: bool


def allocate_any(
    resource_type: str,
    period: Period,
    attributes: dict[str, Any],
    hold_seconds: int | None = None,
    quantity: int | None = None,
    caller: Caller = NO_CALLER,
    **details: Any,
) -> CommandResult:
    """Allocate ``quantity`` vehicles (None: one) that are free for the period and have the attributes.

    If fewer are available, nothing is allocated. ``details`` are the allocation_type, description, reference and dump.
    Raises NoneAvailable, IdempotencyKeyReused, TooManyHolds, InvalidFields, Overloaded, DatabaseUnavailable, and
    marshmallow's ValidationError if the period exceeds the caller's limits.
    """
    client_limits.require_period(caller, period)
    count = quantity or 1
    max_holds = client_limits.max_holds(caller, hold_seconds)
    values = {
        "resource_type": resource_type,
        "starts": period.start,
        "ends": period.end,
        **details,
        "hold_seconds": hold_seconds,
    }
    params = {**values, "attributes": attributes, "quantity": count, **caller_params(caller)}

    def attempt(number: int) -> list[Row]:
        if not client_limits.has_room(caller, max_holds, count):
            return []
        # Attempts 0 and 1 skip rows that other transactions have locked; later attempts wait for those locks.
        options = _Options(caller.key is not None, bool(attributes), count == 1, waits_for_locks=number > 1)
        statement, choice = _choose(options, number, params)
        rows = session.change(statement, params | choice, at_least=count)
        return [{**values, "client_id": caller.client_id, **row} for row in rows]

    def raise_conflict() -> None:
        client_limits.require_room(caller, max_holds, count)
        if not expire_holds.delete_expired(period, resource_type=resource_type):
            _require_available(count, params)

    result = execute_once(caller, attempt, raise_conflict)
    if hold_seconds is not None and not result.replayed:
        counters.count_holds("created", count)
    return result


def _require_available(count: int, params: dict[str, Any]) -> None:
    if not free_vehicles.has_enough(count, params):
        # Omit the number of free vehicles: a client may allocate without the scope to list vehicles.
        subject = f"Fewer than the {count} requested vehicles are" if count > 1 else "No vehicle that fits is"
        raise NoneAvailable(f"{subject} available for the whole period.")


def _choose(options: _Options, number: int, params: dict[str, Any]) -> tuple[OutboxChange, dict[str, Any]]:
    """Return the statement of an attempt, and the parameters that choose the vehicles.

    With ``best_fit``, the first attempt may examine a part of the fleet only; later attempts examine all of it.
    """
    if current_app.config["ANY_STRATEGY"] == "best_fit":
        keys = free_vehicles.best_fit_keys(params["quantity"], params, whole_fleet=number > 0)
        return _allocate_best_fit(options), {"keys": keys}
    # The search ends at the last vehicle, so every other attempt starts at the first.
    position = free_vehicles.random_position() if number % 2 == 0 else 0
    return _allocate_random(options), {"position": position}


@functools.cache
def _allocate_random(options: _Options) -> OutboxChange:
    """Build the statement that allocates the first available vehicles from ``position`` in the fleet onwards."""
    condition = _resource.c.key >= free_vehicles.first_key()
    return _allocate(options, condition, order=_resource.c.key)


@functools.cache
def _allocate_best_fit(options: _Options) -> OutboxChange:
    """Build the statement that allocates available vehicles of ``keys``, those with the fewest idle seconds first.

    If it waits for locks, it takes those with the lowest keys instead.
    """
    condition = in_subquery(_resource.c.key, json_array_elements(bindparam("keys", type_=JSON)))
    # A transaction that waits for several locks takes them in the order of the keys, as all transactions do.
    return _allocate(
        options, condition, order=_resource.c.key if options.waits_for_locks else free_vehicles.idle_seconds()
    )


def _allocate(options: _Options, condition: ColumnElement[Any], order: ColumnElement[Any]) -> OutboxChange:
    vehicles: Select[Any] = VEHICLES.where(condition, free_vehicles.is_available(options.with_attributes))
    vehicles = vehicles.order_by(order).limit(ONE if options.single else bindparam("quantity", type_=Integer))
    # Concurrent requests skip a locked vehicle and allocate another one.
    vehicles = vehicles.with_for_update(key_share=True, skip_locked=not options.waits_for_locks)
    return insert_allocations(vehicles, new_ordered_id(), keyed=options.keyed)
