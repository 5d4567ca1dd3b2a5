"""Vehicles that are free for a period: whether there are enough, and the tightest of a random sample.

The statements have the parameters ``resource_type``, ``starts`` and ``ends`` (of the period), and ``attributes`` (those
that a vehicle must have) if these are not empty.
"""

import functools
import random
from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from invsys.inventory.db import session
from invsys.inventory.db.functions import json_contains
from invsys.inventory.db.models import ContinuousResource
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, is_free, surrounding_gap
from invsys.inventory.db.types import UtcDateTime

Values = dict[str, Any]

_resource = ContinuousResource.__table__
_PERIOD = [bindparam(name, type_=UtcDateTime) for name in ("starts", "ends")]

_MILLION = 1_000_000
# Limits the cost of a sample if few vehicles are free: a sample of 100 is taken from at most 1,000 vehicles, and from
# as many again at the start of the fleet if it began near the end.
_EXAMINED_PER_SAMPLED = 10
# Fetch 32 spare candidates, so that concurrent requests can fall back to the next best vehicle.
_SPARES = 32

GAP = surrounding_gap(*_PERIOD)


def is_available(with_attributes: bool) -> ColumnElement[bool]:
    """Build the predicate "this vehicle is free for the period", and has the attributes if ``with_attributes``."""
    has_attributes = json_contains(_resource.c.attributes, bindparam("attributes", type_=JSON))
    return and_(is_free(*_PERIOD), has_attributes if with_attributes else true())


def are_enough(quantity: int, values: Values) -> bool:
    """Return whether at least ``quantity`` vehicles are available, including those that other transactions lock."""
    with session.read() as connection:
        keys = connection.execute(_available(bool(values["attributes"])).limit(quantity), values).all()
    return len(keys) == quantity


@functools.cache
def _available(with_attributes: bool) -> Select[Any]:
    return select(_resource.c.key).where(NOT_DECOMMISSIONED, is_available(with_attributes))


def random_position() -> int:
    """Return a position in the fleet for ``first_key``: 0 to 999,999, where a million is the whole fleet."""
    return random.randrange(_MILLION)  # noqa: S311 - not a secret


def first_key() -> ColumnElement[int]:
    """Build the expression for the key at which a search of the fleet starts; its parameter is ``position``.

    Position 0 is the first vehicle of the type, 1,000,000 would be one past the last.
    """
    # One subquery for each bound: SQLite would read all keys between them to find both at once.
    first, last = (_of_type(bound(_resource.c.key)).scalar_subquery() for bound in (func.min, func.max))
    return first + (last - first + 1) * bindparam("position", type_=BigInteger) // _MILLION


def _of_type(column: ColumnElement[Any]) -> Select[Any]:
    return select(column).where(_resource.c.resource_type == bindparam("resource_type")).correlate(None)


def tightest(quantity: int, values: Values, *, whole_fleet: bool) -> Sequence[int]:
    """Return the keys of the available vehicles with the smallest gap around the period, of a random sample.

    The sample starts at a random vehicle, follows the keys and continues at the first vehicle of the fleet. It ends with
    ``[api] best_fit_sample`` available vehicles, or earlier if too many others had to be examined, unless
    ``whole_fleet``. The keys are ordered by the gap, and include spare ones beyond ``quantity``. Nothing is locked.
    """
    # The last vehicle of several is chosen from a full sample, too.
    sample = current_app.config["BEST_FIT_SAMPLE"] + quantity - 1
    statement = _tightest(bool(values["attributes"]), sample, quantity + _SPARES, whole_fleet)
    with session.read() as connection:
        return connection.scalars(statement, {**values, "position": random_position()}).all()


@functools.lru_cache
def _tightest(with_attributes: bool, sample: int, limit: int, whole_fleet: bool) -> Select[Any]:
    """Build the statement; both databases evaluate it lazily, and examine no vehicle after the sample is full.

    The limits are literals: PostgreSQL would plan the statement again for each execution if they were parameters.
    """
    gap = case((is_available(with_attributes), GAP)).label("gap")
    vehicles = select(_resource.c.key, gap).where(NOT_DECOMMISSIONED).order_by(_resource.c.key)
    if not whole_fleet:
        vehicles = vehicles.limit(_literal(sample * _EXAMINED_PER_SAMPLED))
    start = first_key()
    parts = [vehicles.where(_resource.c.key >= start), vehicles.where(_resource.c.key < start)]
    fleet = union_all(*(select(part.subquery()) for part in parts)).subquery()
    sampled = select(fleet).where(fleet.c.gap.is_not(None)).limit(_literal(sample)).subquery()
    return select(sampled.c.key).order_by(sampled.c.gap).limit(_literal(limit))


def _literal(number: int) -> ColumnElement[int]:
    return literal_column(str(number))
