"""The verbs of vehicles: register, change, decommission."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from invsys.chassis import identifiers
from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.commands import expire_holds
from invsys.inventory.commands.idempotency import CommandResult, execute_once
from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now
from invsys.inventory.db.models import ContinuousResource, Row
from invsys.inventory.db.outbox import caller_params, is_unchanged, with_event
from invsys.inventory.errors import NameTaken, require_version
from invsys.inventory.merge_patch import resolved
from invsys.inventory.queries import conflicts
from invsys.inventory.queries import resources as resource_queries

_resource = ContinuousResource.__table__
_CHANGEABLE = ("name", "attributes")

# A verb's statements are built once; building one costs as much as running it. With a key, or without.
_REGISTER = {
    keyed: with_event(
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
_CHANGE = with_event(
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


def register(resource_type: str, name: str, attributes: dict[str, Any], caller: Caller = NOBODY) -> CommandResult:
    """Put a vehicle into circulation; raises NameTaken, IdempotencyKeyReused, Busy."""
    values = {"id": identifiers.new(), "resource_type": resource_type, "name": name, "attributes": attributes}
    params = {**values, **caller_params(caller)}
    statement = _REGISTER[caller.key is not None]

    def attempt(_: int) -> list[Row]:
        return [{**values, **row} for row in session.change(statement, params)]

    return execute_once(caller, attempt, lambda: _require_free_name(resource_type, name))


def _require_free_name(resource_type: str, name: str) -> None:
    if resource_queries.resources(resource_type, limit=1, name=name):
        raise NameTaken(f"Another {resource_type} in circulation is called {name!r}.")


def update(
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
        with session.transaction() as connection:
            row = resource_queries.require_resource(connection, resource_type, resource_id, lock=True)
            require_version(row, versions)
            changes = resolved(changes, row)
            if is_unchanged(row, changes):
                return row
            new = {f"new_{name}": changes.get(name, row[name]) for name in _CHANGEABLE}
            (changed,) = _CHANGE.run_in(connection, {"resource_key": row["key"], **new, **caller_params(caller)})
    except IntegrityError as error:
        raise NameTaken(f"Another {resource_type} in circulation is called {changes.get('name')!r}.") from error
    return {**row, **changes, **changed}


def decommission(
    resource_type: str, resource_id: uuid.UUID, versions: Collection[int] | None = None, caller: Caller = NOBODY
) -> None:
    """Take a vehicle out of circulation, if it is at one of ``versions`` (None: at any).

    Raises ResourceNotFound, VersionMismatch, or ResourceInUse while an allocation has not ended.
    """
    with session.transaction() as connection:
        # The lock keeps new allocations out until the transaction has ended.
        row = resource_queries.require_resource(connection, resource_type, resource_id, lock=True)
        require_version(row, versions)
        conflicts.require_no_future_allocations(connection, row, caller.owner)
        # Their end belongs to the vehicle's story, before its own.
        expire_holds.end_holds(connection, row["key"], caller)
        _DECOMMISSION.run_in(connection, {"resource_key": row["key"], **caller_params(caller)})
