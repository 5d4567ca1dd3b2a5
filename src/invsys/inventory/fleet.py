"""The verbs of vehicles: register, change, decommission."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.exc import IntegrityError

from invsys.chassis import identifiers
from invsys.inventory import database, expiry, lookup, occupancy
from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.errors import NameTaken, require_version
from invsys.inventory.idempotency import Made, once, try_change
from invsys.inventory.instants import clock
from invsys.inventory.merging import resolved
from invsys.inventory.models import ContinuousResource, Row
from invsys.inventory.recording import by, recorded, same

_resource = ContinuousResource.__table__
_CHANGEABLE = ("name", "attributes")

# A verb's statements are built once; building one costs as much as running it. With a key, or without.
_REGISTER = {
    keyed: recorded(
        lambda insert: (
            insert(_resource)
            .values({name: bindparam(name) for name in ("id", "resource_type", *_CHANGEABLE)})
            .on_conflict_do_nothing()
        ),
        "resource_registered",
        keyed=keyed,
    )
    for keyed in (False, True)
}
_THIS_ONE = _resource.c.key == bindparam("resource_key")
_CHANGE = recorded(
    lambda _: (
        update(_resource)
        .where(_THIS_ONE)
        .values({name: bindparam(f"new_{name}", type_=_resource.c[name].type) for name in _CHANGEABLE})
        .values(version=_resource.c.version + 1)
    ),
    "resource_changed",
)
_DECOMMISSION = recorded(
    lambda _: update(_resource).where(_THIS_ONE).values(decommissioned=clock()), "resource_decommissioned"
)


def register(resource_type: str, name: str, attributes: dict[str, Any], caller: Caller = NOBODY) -> Made:
    """Put a vehicle into circulation; raises NameTaken, IdempotencyKeyReused, Busy."""
    values = {"id": identifiers.new(), "resource_type": resource_type, "name": name, "attributes": attributes}
    statement = _REGISTER[caller.key is not None]

    def attempt(_: int) -> list[Row]:
        return [{**values, **row} for row in try_change(lambda: database.change(statement, values | by(caller)))]

    return once(caller, attempt, lambda: _require_free_name(resource_type, name))


def _require_free_name(resource_type: str, name: str) -> None:
    if lookup.resources(resource_type, limit=1, name=name):
        raise NameTaken(f"Another {resource_type} in circulation is called {name!r}.")


def change(
    resource_type: str,
    resource_id: uuid.UUID,
    changes: dict[str, Any],
    versions: Collection[int] | None = None,
    caller: Caller = NOBODY,
) -> Row:
    """Give a vehicle another ``name``, other ``attributes``, if it is at one of ``versions`` (None: at any).

    Raises ResourceNotFound, VersionMismatch, NameTaken, and marshmallow's ValidationError if a merge patch has a result
    that is not allowed.
    """
    try:
        with database.transaction() as connection:
            row = lookup.require_resource(connection, resource_type, resource_id, lock=True)
            require_version(row, versions)
            changes = resolved(changes, row)
            if same(row, changes):
                return row
            new = {f"new_{name}": changes.get(name, row[name]) for name in _CHANGEABLE}
            (changed,) = _CHANGE.run_in(connection, {"resource_key": row["key"], **new, **by(caller)})
    except IntegrityError as error:
        raise NameTaken(f"Another {resource_type} in circulation is called {changes.get('name')!r}.") from error
    return {**row, **changes, **changed}


def decommission(
    resource_type: str, resource_id: uuid.UUID, versions: Collection[int] | None = None, caller: Caller = NOBODY
) -> None:
    """Take a vehicle out of circulation, if it is at one of ``versions`` (None: at any).

    Raises ResourceNotFound, VersionMismatch, or ResourceInUse while an allocation has not ended.
    """
    with database.transaction() as connection:
        # The lock keeps new allocations out until the transaction has ended.
        row = lookup.require_resource(connection, resource_type, resource_id, lock=True)
        require_version(row, versions)
        occupancy.require_unused(connection, row, caller.owner)
        # Their end belongs to the vehicle's story, before its own.
        expiry.end_holds(connection, row["key"], caller)
        _DECOMMISSION.run_in(connection, {"resource_key": row["key"], **by(caller)})
