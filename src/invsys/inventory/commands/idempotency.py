"""Idempotency keys: a repeated request gets the stored result and is not executed again."""

from collections.abc import Callable
from typing import NamedTuple

from flask import current_app
from marshmallow import ValidationError
from sqlalchemy import Float, bindparam, delete, select

from invsys.chassis.http.problems import Problem, Unavailable
from invsys.inventory import counters
from invsys.inventory.caller import Caller
from invsys.inventory.db import session
from invsys.inventory.db.functions import now_plus
from invsys.inventory.db.models import Event, IdempotencyKey, Row
from invsys.inventory.errors import IdempotencyKeyReused, Overloaded

# The maximum number of attempts of a command whose conflicts keep disappearing before they can be reported.
_ATTEMPTS = 50

_this_key = (IdempotencyKey.client_id == bindparam("client_id"), IdempotencyKey.key == bindparam("key"))
_is_old = IdempotencyKey.created <= now_plus(-bindparam("seconds", type_=Float))
_KEY = select(IdempotencyKey.fingerprint, IdempotencyKey.events, _is_old.label("is_old")).where(*_this_key)
_DELETE_OLD_KEY = delete(IdempotencyKey).where(*_this_key, _is_old)


class CommandResult(NamedTuple):
    """The rows that a command created or changed; ``replayed`` if an earlier request with the same key did so."""

    rows: list[Row]
    replayed: bool = False


def execute_once(
    caller: Caller, attempt: Callable[[int], list[Row]], raise_conflict: Callable[[], None] = lambda: None
) -> CommandResult:
    """Execute a command, unless it was already executed under the caller's Idempotency-Key.

    ``attempt`` takes the number of the attempt, from 0. It returns the rows that it created or changed, or none after a
    conflict. ``raise_conflict`` then raises the Problem, or marshmallow's ValidationError, that describes the conflict,
    or returns if another attempt may succeed. ``attempt`` can also raise these itself.

    Raises that Problem or ValidationError, IdempotencyKeyReused, Overloaded, DatabaseUnavailable.
    """
    for number in range(_ATTEMPTS):
        refusal: Problem | ValidationError | None = None
        try:
            if rows := attempt(number):
                return CommandResult(rows)
            raise_conflict()
        except Unavailable:
            raise
        except (Problem, ValidationError) as problem:
            refusal = problem
        # Look the key up last: the conflicting row may come from a concurrent request with the same key.
        if rows := _stored_result(caller):
            counters.count_replay()
            return CommandResult(rows, replayed=True)
        if refusal is not None:
            raise refusal
    raise Overloaded("Conflicting allocations kept changing; try again.")


def _stored_result(caller: Caller) -> list[Row]:
    """Return the rows that an earlier request with the caller's Idempotency-Key returned, as stored in its events.

    The list is empty if the key is not stored, or if it is too old: then it is deleted. Raises IdempotencyKeyReused if
    the key belongs to a different request.
    """
    if caller.key is None:
        return []
    params = {"client_id": caller.client_id or "", "key": caller.key, "seconds": current_app.config["IDEMPOTENCY_TTL"]}
    with session.read() as connection:
        row = connection.execute(_KEY, params).mappings().first()
    if row is None:
        return []
    if row["is_old"]:
        with session.write() as connection:
            connection.execute(_DELETE_OLD_KEY, params)
        return []
    if row["fingerprint"] != caller.fingerprint:
        raise IdempotencyKeyReused("Another request was made under this Idempotency-Key.")
    with session.read() as connection:
        events = connection.execute(select(Event.__table__).where(Event.key.in_(row["events"])).order_by(Event.key))
        return [_item(event) for event in events.mappings()]


def _item(event: Row) -> Row:
    """Return the row of the item that an event describes."""
    return {**event, "id": event["allocation_id"] or event["resource_id"], "client_id": event["owner_id"]}
