"""The patches of mutants. Each runs before the application is loaded, because modules import functions by name."""

from collections.abc import Callable
from typing import Any


def deferred_begin() -> None:
    """Begin writing transactions without taking the lock of the database."""
    from invsys.inventory.db.sqlite import connections

    def lock(connection: Any, deadline: float) -> None:
        connection.execute("BEGIN DEFERRED")

    connections._lock = lock


def key_outside_transaction() -> None:
    """Store the Idempotency-Key in a second transaction, after the change has been committed."""
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    from invsys.inventory.commands import idempotency
    from invsys.inventory.db import outbox, session
    from invsys.inventory.db.models import IdempotencyKey

    with_event, execute_once = outbox.with_event, idempotency.execute_once

    def without_key(build_change: Any, kind: Any, *, keyed: bool = False, **options: Any) -> Any:
        return with_event(build_change, kind, **options)

    def execute(caller: Any, attempt: Callable[[int], Any], raise_conflict: Any = lambda: None) -> Any:
        result = execute_once(caller, attempt, raise_conflict)
        if caller.key is not None and not result.replayed and "event_key" in result.rows[0]:
            values = {"client_id": caller.client_id or "", "key": caller.key, "fingerprint": caller.fingerprint}
            try:
                with session.write() as connection:
                    events = [row["event_key"] for row in result.rows]
                    connection.execute(insert(IdempotencyKey).values(**values, events=events))
            except IntegrityError:
                pass
        return result

    outbox.with_event = without_key
    idempotency.execute_once = execute


def own_row_conflicts() -> None:
    """Compare a changed allocation also with its own row."""
    from invsys.inventory.commands import update_allocation
    from invsys.inventory.period import Period
    from invsys.inventory.queries import conflicts

    execute = update_allocation._execute

    def check_and_execute(connection: Any, row: Any, values: Any, *arguments: Any) -> Any:
        if (values["starts"], values["ends"]) != (row["starts"], row["ends"]):
            conflicts.require_free(connection, values["resource_key"], Period(values["starts"], values["ends"]))
        return execute(connection, row, values, *arguments)

    update_allocation._execute = check_and_execute


def expired_hold_blocks() -> None:
    """Let an expired hold count as a conflict until purge deletes it."""
    from sqlalchemy import true

    from invsys.inventory.commands import expire_holds
    from invsys.inventory.db import predicates

    predicates.is_active = lambda now=None: true()
    expire_holds.delete_expired = lambda *arguments, **options: False
    expire_holds.delete_expired_batch = lambda connection: 0


def holds_outlive_vehicle() -> None:
    """Do not end the holds of a vehicle that is decommissioned."""
    from invsys.inventory.commands import expire_holds

    expire_holds.end_holds = lambda *arguments: None


def no_precondition() -> None:
    """Ignore If-Match."""
    from invsys.inventory.commands import preconditions

    preconditions.require_version = lambda row, versions: None


def any_gives_up() -> None:
    """Answer none_available if the first search, which ends at the last vehicle, finds none."""
    from invsys.inventory.commands import allocate_any
    from invsys.inventory.errors import NoneAvailable

    def give_up(count: int, params: Any) -> None:
        raise NoneAvailable("No vehicle that fits is available for the whole period.")

    allocate_any._require_available = give_up


def short_availability() -> None:
    """Leave the last allocation out of the availability of a vehicle."""
    from invsys.inventory.queries import availability

    complete = availability._availability

    def incomplete(vehicle: Any, allocations: Any, window: Any) -> Any:
        return complete(vehicle, list(allocations)[:-1], window)

    availability._availability = incomplete


def short_lists() -> None:
    """Leave the last row out of lists of allocations."""
    from invsys.inventory.queries import allocations

    complete = allocations.allocations
    allocations.allocations = lambda *arguments, **options: complete(*arguments, **options)[:-1]


def retry_everything() -> None:
    """Let the gateway send every request again after a lost response."""
    from invsys.gateway.upstream.service import Service

    send = Service.send

    def send_again(self: Any, *arguments: Any, repeatable: bool) -> Any:
        return send(self, *arguments, repeatable=True)

    Service.send = send_again
