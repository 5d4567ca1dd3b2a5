"""Vehicles that are free for a period: whether there are enough, and the best fit from a random sample.

The parameters of the statements are ``resource_type``, the ``starts`` and ``ends`` of the period and, if not empty, the
``attributes`` that a vehicle must have.
"""

import functools
import random
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from invsys.inventory.db import session
from invsys.inventory.db.functions import in_subquery, json_array_elements, json_contains
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, ONE, idle_seconds_around, is_free, last_end_before
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.errors import NoneAvailable

Params = dict[str, Any]

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__
_START, _END = (bindparam(name, type_=UtcDateTime) for name in ("starts", "ends"))

# Limits the cost of a sample if few vehicles are free: at most 1,000 vehicles are examined to find 100 free ones.
_EXAMINED_PER_SAMPLED = 10
# Spare candidates, so that concurrent requests can fall back to the next best vehicle.
_SPARES = 8
# The columns that decide whether a vehicle is available.
_EXAMINED = (_resource.c.key, _resource.c.attributes, _resource.c.closed_from, _resource.c.archived_until)


def is_available(with_attributes: bool, vehicle: Any = _resource.c, last_end: Any = None) -> ColumnElement[bool]:
    """Build the predicate "the vehicle is free for the period and, if ``with_attributes``, has the attributes".

    ``vehicle`` are the columns of the vehicle; ``last_end`` is as in ``predicates.is_free``.
    """
    is_free_vehicle = is_free(_START, _END, last_end, vehicle)
    if not with_attributes:
        return is_free_vehicle
    return and_(is_free_vehicle, json_contains(vehicle.attributes, bindparam("attributes", type_=JSON)))


def idle_seconds(**columns: Any) -> ColumnElement[float]:
    """Build the expression for a free vehicle's idle seconds around the period; the best fit has the fewest.

    ``columns`` are the optional arguments of ``predicates.idle_seconds_around``.
    """
    return idle_seconds_around(_START, _END, **columns)


def has_enough(quantity: int, params: Params) -> bool:
    """Return whether at least ``quantity`` vehicles are available, including locked ones."""
    with session.read() as connection:
        keys = connection.execute(_available(bool(params["attributes"])).limit(quantity), params).all()
    return len(keys) == quantity


@functools.cache
def _available(with_attributes: bool) -> Select[Any]:
    return select(_resource.c.key).where(NOT_DECOMMISSIONED, is_available(with_attributes))


def random_position() -> int:
    """Return a random position for ``first_key``."""
    return random.getrandbits(62)


def first_key() -> ColumnElement[int]:
    """Build the expression for the key at which a search of the fleet starts; its parameter is ``position``.

    Position 0 is the first vehicle of the type, and a greater one counts the keys from there, round and round.
    """
    # One subquery for each bound: SQLite would read all keys between them to find both at once.
    first, last = (_of_type(bound(_resource.c.key)).scalar_subquery() for bound in (func.min, func.max))
    return first + bindparam("position", type_=BigInteger) % (last - first + 1)


def _of_type(column: ColumnElement[Any]) -> Select[Any]:
    return select(column).where(_resource.c.resource_type == bindparam("resource_type")).correlate(None)


def best_fit_keys(quantity: int, params: Params, *, whole_fleet: bool) -> list[int]:
    """Return the keys of vehicles from a random sample, those with the fewest idle seconds around the period first.

    The sample has ``[api] best_fit_sample`` available vehicles: those that follow a random position, then those at the
    start of the fleet. The sample is smaller if too many vehicles would have to be examined, unless ``whole_fleet``.

    The result has up to ``_SPARES`` keys more than ``quantity``; with ``whole_fleet`` the whole sample, because other
    transactions may have locked the best vehicles. No row is locked.
    """
    # Larger for several vehicles, so that the last one is also chosen from ``best_fit_sample`` vehicles.
    sample = current_app.config["BEST_FIT_SAMPLE"] + quantity - 1
    params = {**params, "position": random_position()}
    samples = _samples(bool(params["attributes"]), sample, whole_fleet)
    with session.read() as connection:
        rows = connection.execute(samples.following, params).all()
        if len(rows) < sample:
            rows = [*rows, *connection.execute(samples.preceding, params)][:sample]
    rows = sorted(rows, key=itemgetter(0))
    return [key for _, key in (rows if whole_fleet else rows[: quantity + _SPARES])]


class _Samples(NamedTuple):
    """Statements that select the idle seconds and keys of available vehicles, from the position on and before it."""

    following: Select[Any]
    preceding: Select[Any]


@functools.lru_cache
def _samples(with_attributes: bool, sample: int, whole_fleet: bool) -> _Samples:
    start = first_key()
    vehicles = select(*_EXAMINED, last_end_before(_END).label("last_end"))
    vehicles = vehicles.where(NOT_DECOMMISSIONED).order_by(_resource.c.key)
    following, preceding = vehicles.where(_resource.c.key >= start), vehicles.where(_resource.c.key < start)
    if not whole_fleet:
        limit = _literal(sample * _EXAMINED_PER_SAMPLED)
        following = following.limit(limit)
        examined = following.with_only_columns(_resource.c.key).subquery()
        preceding = preceding.limit(limit - select(func.count()).select_from(examined).scalar_subquery())
    return _Samples(_sample(following, with_attributes, sample), _sample(preceding, with_attributes, sample))


def _sample(vehicles: Select[Any], with_attributes: bool, sample: int) -> Select[Any]:
    """Select the first available vehicles; both databases stop as soon as the sample is full."""
    examined = vehicles.subquery().c
    return (
        select(idle_seconds(last_end=examined.last_end, resource_key=examined.key), examined.key)
        .where(is_available(with_attributes, examined, examined.last_end))
        .limit(_literal(sample))
    )


def require_other(connection: Connection, params: Params, ignored_keys: Sequence[int], excluded: Sequence[int]) -> Row:
    """Return ``key`` and ``id`` of an available vehicle, chosen by ``[api] any_strategy``; raises NoneAvailable.

    Allocations with ``ignored_keys`` do not count. ``excluded`` are the keys of vehicles that must not be chosen. No
    row is locked. With ``best_fit``, the sample is filled even if the whole fleet has to be examined.
    """
    sample = current_app.config["BEST_FIT_SAMPLE"] if current_app.config["ANY_STRATEGY"] == "best_fit" else 1
    statement = _other(bool(params["attributes"]), sample)
    chosen = {"position": random_position(), "ignored_keys": ignored_keys, "excluded": excluded}
    vehicle = connection.execute(statement, {**params, **chosen}).mappings().first()
    if vehicle is None:
        raise NoneAvailable("No other vehicle that fits is available for the whole period.")
    return vehicle


_IS_IGNORED = in_subquery(_allocation.c.key, json_array_elements(bindparam("ignored_keys", type_=JSON)))
_IS_EXCLUDED = in_subquery(_resource.c.key, json_array_elements(bindparam("excluded", type_=JSON)))


@functools.lru_cache
def _other(with_attributes: bool, sample: int) -> Select[Any]:
    """Build the statement of ``require_other``; it examines the vehicles from the position on, then those before it."""
    start, last_end = first_key(), last_end_before(_END, ~_IS_IGNORED).label("last_end")
    vehicles = select(_resource.c.id, *_EXAMINED, last_end)
    vehicles = vehicles.where(NOT_DECOMMISSIONED, ~_IS_EXCLUDED).order_by(_resource.c.key)
    parts = []
    for condition in (_resource.c.key >= start, _resource.c.key < start):
        examined = vehicles.where(condition).subquery().c
        idle = idle_seconds(last_end=examined.last_end, resource_key=examined.key).label("idle")
        part = select(examined.key, examined.id, idle).limit(_literal(sample))
        parts.append(part.where(is_available(with_attributes, examined, examined.last_end)).subquery())
    # Both databases read the second part only if the first one does not fill the sample.
    candidates = union_all(*map(select, parts)).limit(_literal(sample)).subquery().c
    return select(candidates.key, candidates.id).order_by(candidates.idle).limit(ONE)


def _literal(number: int) -> ColumnElement[int]:
    # If the limit is a parameter, PostgreSQL plans the statement again for each execution.
    return literal_column(str(number))
