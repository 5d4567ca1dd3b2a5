"""Creates: of one vehicle, of any, of several, as holds, with and without an Idempotency-Key."""

from typing import Any

from proof.history.call import CallRecord
from proof.workload import timetable
from proof.workload.caller import Caller
from proof.workload.connection import Request
from proof.workload.world import World

# Seconds: holds that expire during the run, and those that do not.
_SHORT, _LONG = (1, 2, 3), (600, 3600)


def create(caller: Caller, world: World) -> None:
    """Allocate a vehicle."""
    if (request := _of_vehicle(caller, world, with_key=caller.chance.random() < 0.5)) is not None:
        _remember(world, caller.send(request))


def create_twice(caller: Caller, world: World) -> None:
    """Send a create twice at the same time with one key, and sometimes a third time afterwards."""
    request = _of_vehicle(caller, world, with_key=True)
    if request is None or caller.chance.random() < 0.5:
        request = _of_any(caller, world, with_key=True)
    record = caller.send_twice(request)
    if caller.chance.random() < 0.3:
        record = caller.send(request)
    _remember(world, record)


def create_any(caller: Caller, world: World) -> None:
    """Allocate any free vehicle."""
    _remember(world, caller.send(_of_any(caller, world, with_key=caller.chance.random() < 0.5)))


def create_several(caller: Caller, world: World) -> None:
    """Allocate several free vehicles, all or none."""
    request = _of_any(caller, world, with_key=caller.chance.random() < 0.5)
    request.operation = "create several"
    request.body["quantity"] = caller.chance.choice((2, 2, 3))
    _remember(world, caller.send(request))


def _of_vehicle(caller: Caller, world: World, *, with_key: bool) -> Request | None:
    collection = world.collection()
    vehicle = world.vehicle(collection)
    if vehicle is None:
        return None
    path = f"/api/{collection}/{vehicle['id']}/allocations"
    return _with_key(caller, Request("create", "POST", path, _body(caller, collection)), with_key=with_key)


def _of_any(caller: Caller, world: World, *, with_key: bool) -> Request:
    collection = world.collection()
    path = f"/api/{collection}/any/allocations"
    return _with_key(caller, Request("create any", "POST", path, _body(caller, collection)), with_key=with_key)


def _with_key(caller: Caller, request: Request, *, with_key: bool) -> Request:
    # The reference names the request, so that each allocation names the request that made it.
    request.body["reference"] = caller.next_id()
    if with_key:
        request.key = request.body["reference"]
    return request


def _body(caller: Caller, collection: str) -> dict[str, Any]:
    body = timetable.period(collection, caller.chance)
    drawn = caller.chance.random()
    if drawn < 0.25:
        body["hold_seconds"] = caller.chance.choice(_SHORT)
    elif drawn < 0.4:
        body["hold_seconds"] = caller.chance.choice(_LONG)
    return body


def _remember(world: World, record: CallRecord) -> None:
    if record["status"] == 201:
        answer = record["answer"]
        world.see(*(answer if isinstance(answer, list) else [answer]))
