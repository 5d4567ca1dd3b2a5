"""The command of the import: it registers and allocates many vehicles in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, literal_column, tuple_
from sqlalchemy.exc import IntegrityError

from invsys.chassis import identifiers, names
from invsys.inventory.caller import NO_CALLER
from invsys.inventory.commands import expire_holds
from invsys.inventory.db import failures, lock_order, session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.outbox import caller_params, with_event
from invsys.inventory.db.sqlite import allocation_keys
from invsys.inventory.errors import Overloaded
from invsys.inventory.period import Period
from invsys.inventory.queries import conflicts
from invsys.inventory.queries.archive import allocations as archived

REGISTERED = "registered"
ALLOCATED = "allocated"
UNCHANGED = "unchanged"

# The maximum number of attempts. An attempt fails if another transaction registers one of the vehicles.
_ATTEMPTS = 50

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation
_DETAILS = ("allocation_type", "description", "reference", "dump", "client_id")

_REGISTER = with_event(
    lambda insert: (
        insert(_resource.__table__)
        .values({name: bindparam(name) for name in ("id", "resource_type", "name", "attributes", "closed_from")})
        .on_conflict_do_nothing()
    ),
    "resource_registered",
)
_ALLOCATE = with_event(
    lambda insert: (
        insert(_allocation.__table__)
        .values({name: bindparam(name) for name in ("id", "resource_key", "starts", "ends", *_DETAILS)})
        .values(allocation_keys.values(insert, literal_column("1")))
        .on_conflict_do_nothing()
    ),
    "allocated",
)

Vehicle = tuple[str, str]


@dataclass(frozen=True)
class ImportItem:
    """A vehicle to register if it is missing, and an allocation of it (as ``schemas.ImportedAllocation`` loads it).

    If the stored vehicle has the same ``closed_from``, the allocation is created even though the vehicle is closed,
    because an export can contain such allocations.
    """

    resource_type: str
    name: str
    attributes: dict[str, Any]
    allocation: dict[str, Any] | None
    closed_from: datetime | None = None

    @property
    def vehicle(self) -> Vehicle:
        """The type and the name, which are unique among vehicles in circulation."""
        return self.resource_type, self.name


class _LockedVehicle(NamedTuple):
    key: int
    closed_from: datetime | None
    archived_until: datetime | None


@dataclass(frozen=True)
class LoadResult:
    """The number of new vehicles, and the outcome of each item: REGISTERED, ALLOCATED, UNCHANGED, or a refusal."""

    registered: int
    outcomes: list[str]


def load(items: Sequence[ImportItem]) -> LoadResult:
    """Import the items one after the other; a refused item does not affect the others.

    Raises DatabaseUnavailable, and Overloaded if other requests keep registering the same vehicles.
    """
    expire_holds.delete_all_expired()
    for _ in range(_ATTEMPTS):
        with session.transaction() as connection:
            if result := _load(connection, items):
                return result
            connection.rollback()
    raise Overloaded("Other requests kept registering vehicles of this file; try again.")


def _load(connection: Connection, items: Sequence[ImportItem]) -> LoadResult | None:
    """Import the items; return None if another request registers one of the vehicles at the same time.

    The caller then rolls back and tries again, because locking that vehicle here would violate the lock order: its key
    may be lower than those of locked vehicles.
    """
    item_of_vehicle = {item.vehicle: item for item in reversed(items)}
    locked = _lock(connection, item_of_vehicle)
    # Sorted, so that two concurrent imports do not deadlock.
    missing = sorted(item_of_vehicle.keys() - locked.keys())
    if not all(_register(connection, item_of_vehicle[vehicle]) for vehicle in missing):
        return None
    locked |= _lock(connection, missing)
    new = frozenset(missing)
    outcomes = [_execute(connection, item, locked[item.vehicle], item.vehicle in new) for item in items]
    return LoadResult(len(new), outcomes)


def _register(connection: Connection, item: ImportItem) -> bool:
    values = {"id": identifiers.new(), "resource_type": item.resource_type, "name": item.name}
    values |= {"attributes": item.attributes, "closed_from": item.closed_from}
    return bool(_REGISTER.run_in(connection, {**values, **caller_params(NO_CALLER)}))


def _lock(connection: Connection, vehicles: Collection[Vehicle]) -> dict[Vehicle, _LockedVehicle]:
    """Lock and return the vehicles that exist."""
    if not vehicles:
        return {}
    spellings = {(kind, spelling) for kind, name in vehicles for spelling in names.spellings(name)}
    statement = lock_order.lock_vehicles(tuple_(_resource.resource_type, _resource.name).in_(spellings), exclusive=True)
    columns = (_resource.resource_type, _resource.name, _resource.key, _resource.closed_from, _resource.archived_until)
    rows = connection.execute(statement.with_only_columns(*columns)).all()
    by_name = {(row.resource_type, row.name): _LockedVehicle(*row[2:]) for row in rows}
    normalized = {(kind, names.normalize(name)): vehicle for (kind, name), vehicle in by_name.items()}
    # A name that is stored in exactly this form takes precedence over one in another form.
    return normalized | by_name


def _execute(connection: Connection, item: ImportItem, vehicle: _LockedVehicle, is_new: bool) -> str:
    if item.allocation is None:
        return REGISTERED if is_new else UNCHANGED
    period = item.allocation["period"]
    refusal = _refusal(item, vehicle, period)
    values = {
        "id": identifiers.new_ordered(),
        "resource_key": vehicle.key,
        "starts": period.start,
        "ends": period.end,
        **{name: item.allocation[name] for name in _DETAILS},
    }
    if refusal is None and _allocate(connection, values):
        return ALLOCATED
    conflicting = [
        *conflicts.find_conflicts(connection, vehicle.key, period),
        *(archived.overlapping(connection, vehicle.key, period) if vehicle.archived_until else ()),
    ]
    if not conflicting and refusal is None:
        # The conflict is a hold that has expired since the import began.
        expire_holds.delete_expired_of_vehicle(connection, vehicle.key)
        if _allocate(connection, values):
            return ALLOCATED
    if len(conflicting) == 1 and _is_same(conflicting[0], values):
        return UNCHANGED
    return refusal or f"period_taken: {item.name} is allocated for a part of this period"


def _refusal(item: ImportItem, vehicle: _LockedVehicle, period: Period) -> str | None:
    """Return why the vehicle cannot be allocated for the period, whatever its allocations are; None if it can."""
    closed_from, archived_until = vehicle.closed_from, vehicle.archived_until
    if archived_until is not None and period.adds_before(archived_until):
        instant = archived_until.isoformat().replace("+00:00", "Z")
        return f"invalid_fields: the allocations of {item.name} are archived until {instant}"
    if closed_from is not None and closed_from != item.closed_from and period.adds_from(closed_from):
        return f"resource_closed: {item.name} is closed for a part of this period"
    return None


def _allocate(connection: Connection, values: dict[str, Any]) -> bool:
    try:
        return bool(_ALLOCATE.run_in(connection, {**values, **caller_params(NO_CALLER)}))
    except IntegrityError as error:
        # Only SQLite raises this; it rolls back this statement, and the transaction continues.
        if failures.is_overlap(error):
            return False
        raise


def _is_same(row: Row, values: dict[str, Any]) -> bool:
    """Return whether the row is a confirmed allocation with the imported values.

    CSV has no null, so an empty description equals a missing one. If the file has no reference, the row may have any
    reference; the same applies to the client id.
    """
    return (
        row["expires"] is None
        and (row["description"] or "") == (values["description"] or "")
        and all(values[name] in (None, row[name]) for name in ("reference", "client_id"))
        and all(row[name] == values[name] for name in ("starts", "ends", "allocation_type", "dump"))
    )
