"""Changes of vehicles: register, rename, close, open, decommission."""

from proof.workload import timetable
from proof.workload.caller import Caller
from proof.workload.connection import Request
from proof.workload.world import World

# Vehicles in each collection: few, so that callers often want the same one.
FLEET = 6


def register(caller: Caller, world: World) -> None:
    """Register a lorry if there are too few; sometimes with a name that another one has."""
    lorries = world.vehicles["lorries"]
    name = caller.chance.choice(lorries)["name"] if lorries and len(lorries) >= FLEET else caller.next_id()
    request = Request("register", "POST", "/api/lorries", {"name": name})
    if caller.chance.random() < 0.5:
        request.key = caller.next_id()
    record = caller.send(request)
    if record["status"] == 201:
        lorries.append(record["answer"])


def rename(caller: Caller, world: World) -> None:
    """Rename a vehicle, or change its attributes."""
    name = caller.chance.choice((f"v-{caller.chance.randrange(30)}", caller.next_id()))
    body: dict[str, object] = (
        {"name": name} if caller.chance.random() < 0.5 else {"attributes": {"seats": caller.chance.randrange(9)}}
    )
    _patch(caller, world, "rename", world.collection(), body)


def close(caller: Caller, world: World) -> None:
    """Close a vehicle from an hour on, or open it again."""
    collection = world.collection()
    closed = caller.chance.random() < 0.3
    hour = caller.chance.randrange(timetable.HOURS // 2, timetable.HOURS)
    _patch(caller, world, "close", collection, {"closed_from": timetable.instant(collection, hour) if closed else None})


def decommission(caller: Caller, world: World) -> None:
    """Decommission a lorry, or try to decommission a car, which is in use."""
    collection = world.collection()
    vehicle = world.vehicle(collection)
    if vehicle is None or (collection == "cars" and caller.chance.random() < 0.8):
        return
    if collection == "lorries" and len(world.vehicles[collection]) < FLEET - 1:
        return
    record = caller.send(Request("decommission", "DELETE", f"/api/{collection}/{vehicle['id']}"))
    if record["status"] in (204, 404):
        world.vehicles[collection].remove(vehicle)


def _patch(caller: Caller, world: World, operation: str, collection: str, body: dict[str, object]) -> None:
    vehicle = world.vehicle(collection)
    if vehicle is None:
        return
    if_match = vehicle["version"] if caller.chance.random() < 0.3 else None
    path = f"/api/{collection}/{vehicle['id']}"
    record = caller.send(Request(operation, "PATCH", path, body, if_match=if_match))
    if record["status"] == 200:
        vehicle.update(record["answer"])
