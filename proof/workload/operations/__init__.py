"""The operations of the callers, and how often each is chosen."""

from collections.abc import Callable

from proof.workload.caller import Caller
from proof.workload.operations import changes, creates, reads, vehicles
from proof.workload.world import World

Operation = Callable[[Caller, World], None]

# Out of 1,000 operations.
WEIGHTS: dict[Operation, int] = {
    creates.create: 150,
    creates.create_any: 70,
    creates.create_several: 20,
    creates.create_twice: 50,
    changes.confirm: 60,
    changes.extend: 30,
    changes.shift: 90,
    changes.shorten: 40,
    changes.move: 50,
    changes.move_to_any: 20,
    changes.describe: 20,
    changes.change_list: 60,
    changes.cancel: 160,
    vehicles.register: 6,
    vehicles.rename: 8,
    vehicles.close: 6,
    vehicles.decommission: 6,
    reads.allocation: 40,
    reads.availability: 40,
    reads.availability_of_all: 10,
    reads.allocations_of_vehicle: 30,
    reads.allocations_of_all: 10,
    reads.free_vehicles: 14,
    reads.vehicles: 10,
}
