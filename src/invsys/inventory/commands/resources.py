"""The commands that register, update and decommission a vehicle."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from invsys.chassis import identifiers
from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands import expire_holds
from invsys.inventory.commands.idempotency import CommandResult, execute_once
from invsys.inventory.commands.preconditions import require_version
from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now
from invsys.inventory.db.models import ContinuousResource, Row
from invsys.inventory.db.outbox import caller_params, is_unchanged, with_event
from invsys.inventory.errors import NameTaken
from invsys.inventory.merge_patch import resolved
from invsys.inventory.queries import conflicts
from invsys.inventory.queries import resources as resource_queries

_resource = ContinuousResource.__table__
_NEW = ("id", "resource_type", "name", "attributes")
_CHANGEABLE = ("name", "attributes", "closed_from")

# Built once, with and without an Idempotency-Key: building a statement costs as much as executing it.
_REGISTER = {
    keyed: with_event(
        lambda insert: insert(_resource).values({name: bindparam(name) for name in _NEW}).on_conflict_do_nothing(),
        "resource_registered",
        keyed=keyed,
    )
    for keyed in (False, True)
}
_THIS_ONE = _resource.c.key == bindparam("resource_key")
_UPDATE = with_event(
    lambda _: (
        sql_update(_resource)
        .where(_THIS_ONE)
        .values({name: bindparam(f"new_{name}", type_=_resource.c[name].type) for name in _CHANGEABLE})
        .values(version=_resource.c.version + 1)
    ),
    "resource_changed",
)
_DECOMMISSION = with_event(
    lambda _: sql_update(_resource).where(_THIS_ONE).values(decommissioned=db_now()), "resource_decommissioned"
)


def register(resource_type: str, name: str, attributes: dict[str, Any], caller: Caller = NO_CALLER) -> CommandResult:
    """Register a vehicle.

    Raises NameTaken, IdempotencyKeyReused, Overloaded, DatabaseUnavailable.
    """
    values = {"id": identifiers.new(), "resource_type": resource_type, "name": name, "attributes": attributes}
    params = {**values, **caller_params(caller)}
    statement = _REGISTER[caller.key is not None]

    def attempt(_: int) -> list[Row]:
        return [{**values, "closed_from": None, **row} for row in session.change(statement, params)]

    return execute_once(caller, attempt, lambda: _require_free_name(resource_type, name))


def _require_free_name(resource_type: str, name: str) -> None:
    if resource_queries.resources(resource_type, limit=1, name=name):
        raise NameTaken(f"Another {resource_type} in circulation is called {name!r}.")


def update(
    resource_type: str,
    resource_id: uuid.UUID,
    changes: dict[str, Any],
    versions: Collection[int] | None = None,
    caller: Caller = NO_CALLER,
) -> Row:
    """Change the name, attributes or closed_from of a vehicle, if its version is in ``versions`` (None: always).

    Return the vehicle as it is afterwards. Raises ResourceNotFound, VersionMismatch, NameTaken, and marshmallow's
    ValidationError if the result of a merge patch is invalid.
    """
    try:
        with session.transaction() as connection:
            # FOR UPDATE, although the UPDATE takes a lock: a create would not wait for that weaker one, and could
            # allocate a vehicle that is being closed.
            row = resource_queries.require_resource(connection, resource_type, resource_id, lock=True)
            require_version(row, versions)
            changes = resolved(changes, row)
            if is_unchanged(row, changes):
                return row
            new_values = {f"new_{name}": changes.get(name, row[name]) for name in _CHANGEABLE}
            params = {"resource_key": row["key"], **new_values, **caller_params(caller)}
            (updated,) = _UPDATE.run_in(connection, params)
    except IntegrityError as error:
        raise NameTaken(f"Another {resource_type} in circulation is called {changes.get('name')!r}.") from error
    return {**row, **changes, **updated}


def decommission(
    resource_type: str, resource_id: uuid.UUID, versions: Collection[int] | None = None, caller: Caller = NO_CALLER
) -> None:
    """Decommission a vehicle, if its version is in ``versions`` (None: always).

    Raises ResourceNotFound, VersionMismatch, and ResourceInUse if an allocation has not ended.
    """
    with session.transaction() as connection:
        # The lock prevents new allocations until the transaction ends.
        row = resource_queries.require_resource(connection, resource_type, resource_id, lock=True)
        require_version(row, versions)
        conflicts.require_no_future_allocations(connection, row, caller.owner)
        # The events of its holds must precede the vehicle's last event.
        expire_holds.end_holds(connection, row["key"], caller)
        _DECOMMISSION.run_in(connection, {"resource_key": row["key"], **caller_params(caller)})
