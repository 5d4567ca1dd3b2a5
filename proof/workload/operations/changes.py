"""Changes of allocations: confirm, extend, shorten, shift, move, change lists, cancel; some with If-Match."""

from typing import Any

from proof.workload import timetable
from proof.workload.caller import Caller
from proof.workload.connection import Request
from proof.workload.world import Row, World, collection_of, path

_IF_MATCH = 0.4


def confirm(caller: Caller, world: World) -> None:
    """Confirm a hold."""
    _patch(caller, world, "confirm", {"status": "confirmed"}, status="held")


def extend(caller: Caller, world: World) -> None:
    """Extend a hold."""
    _patch(caller, world, "extend", {"hold_seconds": caller.chance.choice((1, 2, 600))}, status="held")


def describe(caller: Caller, world: World) -> None:
    """Change the description, which sometimes changes nothing."""
    _patch(caller, world, "describe", {"description": caller.chance.choice(("a", "b", "c"))})


def shift(caller: Caller, world: World) -> None:
    """Move an allocation to another period, which often overlaps its old one."""
    row = world.allocation()
    if row is not None:
        _patch(caller, world, "shift", _period(caller, row), row=row)


def shorten(caller: Caller, world: World) -> None:
    """Change one side of the period; a body that does not fit the current period is refused."""
    row = world.allocation()
    if row is not None:
        side = caller.chance.choice(("from_datetime", "to_datetime"))
        _patch(caller, world, "one side", {side: _period(caller, row)[side]}, row=row)


def move(caller: Caller, world: World) -> None:
    """Move an allocation to another vehicle, sometimes together with another period."""
    row = world.allocation()
    vehicle = None if row is None else world.vehicle(collection_of(row))
    if row is not None and vehicle is not None:
        body = {"resource_id": vehicle["id"]}
        if caller.chance.random() < 0.3:
            body |= _period(caller, row)
        _patch(caller, world, "move", body, row=row)


def move_to_any(caller: Caller, world: World) -> None:
    """Move an allocation to any other vehicle."""
    _patch(caller, world, "move to any", {"resource_id": "any"})


def cancel(caller: Caller, world: World) -> None:
    """Delete an allocation."""
    row = world.allocation()
    if row is not None:
        record = caller.send(Request("cancel", "DELETE", _path(caller, row), if_match=_version(caller, row)))
        if record["status"] in (204, 404):
            world.forget(row)


def change_list(caller: Caller, world: World) -> None:
    """Change several allocations: two swap their vehicles or periods, or each changes in its own way."""
    collection = world.collection()
    rows = world.allocations(collection, caller.chance.choice((2, 2, 3, 4)))
    if not rows:
        return
    changes = _swap(caller, rows) if len(rows) == 2 else [_change(caller, world, row) for row in rows]
    for row, change in zip(rows, changes, strict=True):
        change["id"] = row["id"]
        if caller.chance.random() < _IF_MATCH:
            change["version"] = row["version"]
    request = Request("change list", "POST", f"/api/{collection}/all/allocations/changes", {"changes": changes})
    if caller.chance.random() < 0.6:
        request.key = caller.next_id()
    record = caller.send(request)
    if record["status"] == 200:
        world.see(*record["answer"])


def _swap(caller: Caller, rows: list[Row]) -> list[dict[str, Any]]:
    if caller.chance.random() < 0.5:
        return [{"resource_id": row["resource_id"]} for row in reversed(rows)]
    names = ("from_datetime", "to_datetime", "from_infinity", "to_infinity")
    return [{name: row[name] for name in names} for row in reversed(rows)]


def _change(caller: Caller, world: World, row: Row) -> dict[str, Any]:
    drawn = caller.chance.random()
    vehicle = world.vehicle(collection_of(row))
    if drawn < 0.4:
        return _period(caller, row)
    if drawn < 0.7 and vehicle is not None:
        return {"resource_id": vehicle["id"]}
    return {"description": caller.chance.choice("abc")} if drawn < 0.85 else {"resource_id": "any"}


def _period(caller: Caller, row: Row) -> dict[str, Any]:
    collection = collection_of(row)
    start, end = timetable.hours(caller.chance)
    return {"from_datetime": timetable.instant(collection, start), "to_datetime": timetable.instant(collection, end)}


def _patch(
    caller: Caller,
    world: World,
    operation: str,
    body: dict[str, Any],
    status: str | None = None,
    row: Row | None = None,
) -> None:
    row = world.allocation(status) if row is None else row
    if row is None:
        return
    record = caller.send(Request(operation, "PATCH", _path(caller, row), body, if_match=_version(caller, row)))
    if record["status"] == 200:
        world.see(record["answer"])
    elif record["status"] == 404:
        world.forget(row)


def _path(caller: Caller, row: Row) -> str:
    return path(row, of_all=caller.chance.random() < 0.7)


def _version(caller: Caller, row: Row) -> int | None:
    return row["version"] if caller.chance.random() < _IF_MATCH else None
