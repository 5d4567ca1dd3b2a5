"""The verb that changes an allocation, confirms or extends a hold."""

import uuid
from collections.abc import Collection
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, Integer, Select, String, bindparam, func, literal_column, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from invsys.inventory import client_limits, database, expiry, lookup, occupancy
from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.errors import (
    AllocationNotFound,
    Busy,
    HoldExpired,
    ResourceNotFound,
    require_version,
)
from invsys.inventory.instants import later
from invsys.inventory.merging import resolved
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation, Event, Row
from invsys.inventory.period import Period
from invsys.inventory.predicates import IN_CIRCULATION, OWN, live
from invsys.inventory.recording import by, recorded, same
from invsys.inventory.schemas.rules import require_order

# How often a change is tried again when what was in the way is gone before it could be named.
_ATTEMPTS = 5

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__
_TOO_LATE = "The hold has expired, and its period may belong to somebody else by now."
_CHANGEABLE = ("resource_key", "starts", "ends", "allocation_type", "description", "dump", "expires")

_CHANGE = recorded(
    lambda _: (
        update(_allocation)
        # Locks may have been waited for since it was read.
        .where(_allocation.c.key == bindparam("allocation_key"), live())
        .values({name: bindparam(f"new_{name}", type_=_allocation.c[name].type) for name in _CHANGEABLE})
        .values(
            expires=func.coalesce(
                later(bindparam("hold_seconds", type_=Integer)),
                bindparam("new_expires", type_=_allocation.c.expires.type),
            ),
            version=_allocation.c.version + 1,
        )
    ),
    bindparam("kind", type_=String),
)

_HAS_EXPIRED = (~live()).label("has_expired")
_ITEM = (
    select(*_allocation.columns, _resource.c.id.label("resource_id"), _resource.c.resource_type, _HAS_EXPIRED)
    .join(_resource, _resource.c.key == _allocation.c.resource_key)
    .where(_allocation.c.id == bindparam("allocation_id"), IN_CIRCULATION)
)
_OWN_ITEM = _ITEM.where(OWN)
_CLEARED = select(Event.key).where(
    Event.kind == "expired",
    Event.allocation_id == bindparam("allocation_id"),
    Event.resource_type == bindparam("resource_type"),
)
_made = aliased(Event)
# Said as the index of such events says it, so that it serves whatever the parameters are.
_OWN_CLEARED = _CLEARED.where(
    select(_made.key)
    .where(
        _made.allocation_id == bindparam("allocation_id"),
        _made.kind == literal_column("'allocated'"),
        _made.expires.is_not(None),
        _made.client_id == bindparam("owner"),
    )
    .exists()
)


def change(
    resource_type: str,
    allocation_id: uuid.UUID,
    changes: dict[str, Any],
    resource_id: uuid.UUID | None = None,
    versions: Collection[int] | None = None,
    caller: Caller = NOBODY,
) -> Row:
    """Change what ``changes`` (of ``schemas.ChangedAllocation``) names, all of it or nothing, and give the allocation.

    It is looked for on the vehicle ``resource_id`` (None: on any of the type), and only changed if it is at one of
    ``versions`` (None: at any). One that is not the ``caller``'s own is not there for a caller that may know of no
    others. Raises AllocationNotFound, HoldExpired, VersionMismatch, PeriodTaken, Busy, and marshmallow's
    ValidationError for what does not go with the allocation as it is.
    """
    for _ in range(_ATTEMPTS):
        try:
            with database.transaction() as connection:
                row = _require(connection, resource_type, allocation_id, resource_id, caller.owner)
                require_version(row, versions)
                new, hold_seconds = _new_values(connection, row, changes, caller)
                if hold_seconds is None and same(row, new):
                    return row
                _lock_vehicles(connection, row, new)
                return _changed(connection, row, new, hold_seconds, caller)
        except IntegrityError as error:
            if not database.is_overlap(error):
                raise
        _explain(row, new, caller.owner)
    raise Busy("The period was taken and freed again at every attempt.")


def _require(
    connection: Connection,
    resource_type: str,
    allocation_id: uuid.UUID,
    resource_id: uuid.UUID | None,
    owner: str | None,
) -> Row:
    """Give the allocation, locked; raises AllocationNotFound, HoldExpired."""
    item, cleared = (_ITEM, _CLEARED) if owner is None else (_OWN_ITEM, _OWN_CLEARED)
    if resource_id is not None:
        item, cleared = item.where(_resource.c.id == resource_id), cleared.where(Event.resource_id == resource_id)
    sought = {"resource_type": resource_type, "allocation_id": allocation_id, "owner": owner}
    row = _locked(connection, item, sought)
    if row is None and connection.execute(cleared, sought).first() is None:
        raise AllocationNotFound(f"There is no allocation {allocation_id} here.")
    if row is None or row["has_expired"]:
        raise HoldExpired(_TOO_LATE)
    return row


def _locked(connection: Connection, item: Select[Any], sought: dict[str, Any]) -> Row | None:
    """Lock the allocation and give it as it is then, if there is one."""
    for _ in range(_ATTEMPTS):
        row = connection.execute(item.with_for_update(of=_allocation), sought).mappings().first()
        # PostgreSQL passes by one that was moved to another vehicle while it was waited for.
        if row is not None or connection.execute(item, sought).first() is None:
            return row
    raise Busy("The allocation moved at every attempt.")


def _new_values(
    connection: Connection, row: Row, changes: dict[str, Any], caller: Caller
) -> tuple[dict[str, Any], int | None]:
    """Give what the columns shall hold, and for how many seconds to hold from now."""
    changes = resolved(changes, row)
    new = {name: changes.get(name, row[name]) for name in _CHANGEABLE}
    if changes.get("status") == "confirmed":
        new["expires"] = None
    hold_seconds: int | None = changes.get("hold_seconds")
    if hold_seconds is not None and new["expires"] is None:
        raise ValidationError({"hold_seconds": ["Only a hold can be extended, and this allocation is confirmed."]})
    if "resource_id" in changes:
        new["resource_key"] = _key_of(connection, row["resource_type"], changes["resource_id"])
    require_order(new["starts"], new["ends"])
    if (new["starts"], new["ends"]) != (row["starts"], row["ends"]):
        before = Period(row["starts"], row["ends"])
        client_limits.require_period(caller, Period(new["starts"], new["ends"]), before)
    return new, hold_seconds


def _key_of(connection: Connection, resource_type: str, resource_id: uuid.UUID) -> int:
    try:
        key: int = lookup.require_resource(connection, resource_type, resource_id)["key"]
    except ResourceNotFound as error:
        raise ValidationError({"resource_id": [error.detail]}) from error
    return key


def _lock_vehicles(connection: Connection, row: Row, new: Row) -> None:
    """Keep the vehicles that the period comes from and goes to in circulation, and if it changes, to this transaction.

    Without, a hold could be confirmed while its vehicle is decommissioned because it had expired; and PostgreSQL would
    find changes that wait for each other only after its deadlock_timeout.
    """
    stays = same(row, {name: new[name] for name in ("resource_key", "starts", "ends")})
    keys = {row["resource_key"], new["resource_key"]}
    # In one order everywhere.
    statement = select(_resource.c.key).where(_resource.c.key.in_(keys), _resource.c.decommissioned.is_(None))
    statement = statement.order_by(_resource.c.key).with_for_update(read=stays, key_share=stays)
    found = connection.execute(statement).scalars().all()
    if row["resource_key"] not in found:
        if row["expires"] is not None:
            raise HoldExpired(_TOO_LATE)
        raise AllocationNotFound(f"The vehicle of {row['id']} was decommissioned at this moment.")
    if len(found) < len(keys):
        raise ValidationError({"resource_id": ["The vehicle was decommissioned at this moment."]})


def _changed(connection: Connection, row: Row, new: dict[str, Any], hold_seconds: int | None, caller: Caller) -> Row:
    confirmed = row["expires"] is not None and new["expires"] is None
    values = {
        "allocation_key": row["key"],
        "kind": "confirmed" if confirmed else "allocation_changed",
        "hold_seconds": hold_seconds,
        **{f"new_{name}": value for name, value in new.items()},
        **by(caller),
    }
    changed = _CHANGE.run_in(connection, values)
    if not changed:
        raise HoldExpired(_TOO_LATE)
    return {**row, **new, **changed[0]}


def _explain(row: Row, new: Row, owner: str | None) -> None:
    period = Period(new["starts"], new["ends"])
    with database.read() as connection:
        occupancy.require_free(connection, new["resource_key"], period, but=row["key"], owner=owner)
    expiry.clear(period, resource_key=new["resource_key"])
