"""Safe retries: what was done under an Idempotency-Key is told once more, and not done once more."""

from collections.abc import Callable
from typing import NamedTuple

from flask import current_app
from sqlalchemy import Float, bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from invsys.chassis.http.problems import Problem, Unavailable
from invsys.inventory.caller import Caller
from invsys.inventory.db import failures, session
from invsys.inventory.db.functions import now_plus
from invsys.inventory.db.models import Event, IdempotencyKey, Row
from invsys.inventory.errors import IdempotencyKeyReused, Overloaded

# How often an order that was refused is tried again when what was in the way is gone before it could be named.
_ATTEMPTS = 50

_is_old = IdempotencyKey.created <= now_plus(-bindparam("seconds", type_=Float))
_KEY = select(IdempotencyKey.fingerprint, IdempotencyKey.events, _is_old.label("is_old")).where(
    IdempotencyKey.client_id == bindparam("client_id"), IdempotencyKey.key == bindparam("key")
)
_FORGET_OLD = delete(IdempotencyKey).where(
    IdempotencyKey.client_id == bindparam("of_client"), IdempotencyKey.key == bindparam("of_key"), _is_old
)


class CommandResult(NamedTuple):
    """The rows that an order made, now or, ``replayed``, when it came first."""

    rows: list[Row]
    replayed: bool = False


def execute_once(caller: Caller, attempt: Callable[[int], list[Row]], explain: Callable[[], None]) -> CommandResult:
    """Carry out an order, unless it was already carried out under the caller's key.

    ``attempt`` is given the number of the attempt, from 0, and gives no rows where the database refuses; only then
    ``explain`` raises the reason, or returns where trying again makes sense, and the key is looked up. Raises that
    reason, IdempotencyKeyReused, Busy.
    """
    for number in range(_ATTEMPTS):
        if rows := attempt(number):
            return CommandResult(rows)
        refusal = _refusal(explain)
        # Only now: what is in the way may be what this very order took, by a request that was a moment faster.
        if caller.key is not None and (rows := _stored_result(caller)):
            return CommandResult(rows, replayed=True)
        if refusal is not None:
            raise refusal
    raise Overloaded("What was in the way came and went at every attempt.")


def _refusal(explain: Callable[[], None]) -> Problem | None:
    try:
        explain()
    except Unavailable:
        raise
    except Problem as refusal:
        return refusal
    return None


def run_or_conflict(change: Callable[[], list[Row]]) -> list[Row]:
    """Make a change, and give no rows where an allocation, or the caller's key, was in the way."""
    try:
        return change()
    except IntegrityError as error:
        if failures.is_overlap(error) or failures.is_known_key(error):
            return []
        raise


def _stored_result(caller: Caller) -> list[Row]:
    """Give what was done under the caller's key, if anything was; a key that is too old is forgotten."""
    seconds = {"seconds": current_app.config["IDEMPOTENCY_TTL"]}
    with session.read() as connection:
        given = {"client_id": caller.client_id or "", "key": caller.key, **seconds}
        found = connection.execute(_KEY, given).mappings().first()
    if found is None:
        return []
    if found["is_old"]:
        with session.write() as connection:
            connection.execute(_FORGET_OLD, {"of_client": caller.client_id or "", "of_key": caller.key, **seconds})
        return []
    if found["fingerprint"] != caller.fingerprint:
        raise IdempotencyKeyReused("Another request was made under this Idempotency-Key.")
    with session.read() as connection:
        events = connection.execute(select(Event.__table__).where(Event.key.in_(found["events"])).order_by(Event.key))
        return [{**event, "id": event["allocation_id"] or event["resource_id"]} for event in events.mappings()]
