"""The demonstration fleet: registers and allocates example vehicles, with the commands that the API uses."""

from collections import Counter
from dataclasses import dataclass, field

from flask import current_app

from invsys.chassis.cli import interrupts
from invsys.inventory.commands import create_allocation, resources
from invsys.inventory.db import session
from invsys.inventory.db.models import Row
from invsys.inventory.errors import NameTaken
from invsys.inventory.maintenance import demo_fleet
from invsys.inventory.maintenance.demo_fleet import DemoVehicle
from invsys.inventory.queries import resources as resource_queries


class DemoRefused(Exception):
    """Nothing was created; the message says why and what to do."""


@dataclass
class Created:
    """The numbers of created vehicles by collection, of allocations by type, and of the holds among them."""

    vehicles: Counter[str] = field(default_factory=Counter)
    allocations: Counter[str] = field(default_factory=Counter)
    holds: int = 0

    def __str__(self) -> str:
        if not self.vehicles:
            return "nothing was created"
        vehicles, allocations = (
            ", ".join(f"{count} {name}" for name, count in counts.items())
            for counts in (self.vehicles, self.allocations)
        )
        return (
            f"created {self.vehicles.total()} vehicles ({vehicles}) and {self.allocations.total()} allocations"
            f" ({allocations or 'none'}); {self.holds} of the bookings are holds"
        )


def create(seed: int, created: Created, *, even_with_vehicles: bool = False) -> None:
    """Create a fleet in every collection, and add its numbers to ``created``; the same ``seed`` gives the same fleet.

    The periods are relative to the database's clock. Raises DemoRefused if a collection has a vehicle in circulation,
    unless ``even_with_vehicles``; DatabaseUnavailable, Overloaded.
    """
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    if not even_with_vehicles:
        _require_no_vehicles(collections)
    now = session.now()
    for collection, resource_type in collections.items():
        for vehicle in demo_fleet.vehicles(collection, seed, now):
            with interrupts.deferred():
                _create(collection, resource_type, vehicle, created)


def _require_no_vehicles(collections: dict[str, str]) -> None:
    for collection, resource_type in collections.items():
        if resource_queries.resources(resource_type, limit=1):
            raise DemoRefused(
                f"the database has {collection} already, so nothing was created; with --add, the demonstration fleet"
                " is created beside them"
            )


def _create(collection: str, resource_type: str, vehicle: DemoVehicle, created: Created) -> None:
    row = _register(resource_type, vehicle)
    created.vehicles[collection] += 1
    for allocation in vehicle.allocations:
        create_allocation.allocate(
            resource_type,
            row["id"],
            allocation.period,
            allocation.hold_seconds,
            allocation_type=allocation.allocation_type,
            description=allocation.description,
            reference=allocation.reference,
            dump={},
        )
        created.allocations[allocation.allocation_type] += 1
        created.holds += allocation.hold_seconds is not None
    if vehicle.closed_from is not None:
        resources.update(resource_type, row["id"], {"closed_from": vehicle.closed_from})


def _register(resource_type: str, vehicle: DemoVehicle) -> Row:
    for name in vehicle.names:
        try:
            [row] = resources.register(resource_type, name, vehicle.attributes).rows
        except NameTaken:
            continue
        return row
    raise AssertionError("there are infinitely many names")
