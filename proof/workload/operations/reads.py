"""Reads, which the checker compares with the allocations of that time."""

from proof.workload import timetable
from proof.workload import world as known
from proof.workload.caller import Caller
from proof.workload.connection import Request
from proof.workload.world import World


def allocation(caller: Caller, world: World) -> None:
    """Read one allocation."""
    row = world.allocation()
    if row is not None:
        record = caller.send(Request("read", "GET", known.path(row, of_all=caller.chance.random() < 0.5)))
        if record["status"] == 200:
            world.see(record["answer"])
        elif record["status"] == 404:
            world.forget(row)


def availability(caller: Caller, world: World) -> None:
    """Read when a vehicle is free."""
    collection = world.collection()
    vehicle = world.vehicle(collection)
    if vehicle is not None:
        start, end = timetable.window(collection, caller.chance)
        path = f"/api/{collection}/{vehicle['id']}/availability?from={start}&to={end}"
        caller.send(Request("availability", "GET", path))


def availability_of_all(caller: Caller, world: World) -> None:
    """Read when each vehicle is free."""
    collection = world.collection()
    start, end = timetable.window(collection, caller.chance)
    path = f"/api/{collection}/all/availability?from={start}&to={end}&limit=1000"
    caller.send(Request("availability of all", "GET", path))


def allocations_of_vehicle(caller: Caller, world: World) -> None:
    """List the allocations of a vehicle."""
    collection = world.collection()
    vehicle = world.vehicle(collection)
    if vehicle is not None:
        _list(caller, world, collection, vehicle["id"])


def allocations_of_all(caller: Caller, world: World) -> None:
    """List the allocations of all vehicles in a short window."""
    _list(caller, world, world.collection(), "all", longest=6)


def free_vehicles(caller: Caller, world: World) -> None:
    """List the vehicles that are free for a period."""
    collection = world.collection()
    start, end = timetable.window(collection, caller.chance, longest=6)
    path = f"/api/{collection}?available_from={start}&available_to={end}&limit=1000"
    caller.send(Request("free vehicles", "GET", path))


def vehicles(caller: Caller, world: World) -> None:
    """List the vehicles of a collection."""
    collection = world.collection()
    record = caller.send(Request("vehicles", "GET", f"/api/{collection}?limit=1000"))
    if record["status"] == 200:
        world.vehicles[collection] = record["answer"]


def _list(caller: Caller, world: World, collection: str, vehicle: str, longest: int = timetable.HOURS) -> None:
    start, end = timetable.window(collection, caller.chance, longest)
    path = f"/api/{collection}/{vehicle}/allocations?from={start}&to={end}&limit=1000"
    record = caller.send(Request("list", "GET", path))
    if record["status"] == 200:
        world.see(*caller.chance.sample(record["answer"], min(20, len(record["answer"]))))
