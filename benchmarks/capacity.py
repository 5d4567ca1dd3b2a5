"""Estimates the hosts for a fleet: ``python -m benchmarks.capacity [--vehicles N --creates RATE]``.

Without arguments, it prints the table of the manual. The costs come from ``capacity.json``, which
``python -m benchmarks.capacity_measure --store`` measures; everything else is an assumption, stated below.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEASURED = Path(__file__).with_name("capacity.json")

VEHICLES = (10_000, 1_000_000, 100_000_000)
CREATES = (1, 1_000, 100_000)

_DAY, _YEAR = 86_400, 365 * 86_400
_GIGABYTE, _TERABYTE = 1e9, 1e12
_PAGE = 8192
# The share of a host from which a cluster needs hosts of its own.
_SMALL = 1 / 8
# More allocations of a vehicle per day than this are not a fleet of vehicles.
_BUSIEST = 1_000
# The greatest numbers that the command accepts: floating point could not represent what follows from any number.
_MOST = 10**12


@dataclass(frozen=True)
class Costs:
    """The measured costs: milliseconds of CPU of each process, bytes on disk with the indexes.

    ``index_bytes`` are the indexes of a live allocation. ``search_us`` is the CPU of PostgreSQL for each vehicle that a
    search for free vehicles examines, in microseconds.
    """

    create_service_ms: float
    create_postgresql_ms: float
    read_service_ms: float
    read_postgresql_ms: float
    gateway_ms: float
    wal_bytes: float
    allocation_bytes: float
    index_bytes: float
    archived_bytes: float
    event_bytes: float
    vehicle_bytes: float
    search_us: float


@dataclass(frozen=True)
class Assumptions:
    """What is not measured: how the service is used, and what one host can do.

    A host is used up to ``load``: the rest is for peaks, vacuum, backups and the failure of another host.
    """

    # Per create: other changes (confirm, extend, move, cancel), and reads.
    changes: float = 0.5
    reads: float = 5.0
    # From the booking to the end of the period, and from then to the archive ([history] keep).
    days_ahead: float = 14
    days_kept: float = 60
    # [api] events_ttl
    days_of_events: float = 400
    cores: int = 16
    memory_gb: float = 128
    disk_tb: float = 8
    wal_mb_per_second: float = 100
    load: float = 0.5
    # A search for free vehicles that finds none may take this long; it examines all vehicles of a type.
    search_seconds: float = 1.0


@dataclass(frozen=True)
class Plan:
    """The hosts for a fleet, and what it weighs in a year.

    ``shares`` are the parts of one host that PostgreSQL needs of each resource; a share of 3 means that the fleet must
    be divided among three clusters. The resource with the greatest share fails first.
    """

    vehicles: int
    creates: float
    shares: dict[str, float]
    gateways: int
    inventories: int
    live_tb: float
    archived_tb: float
    events_tb: float
    wal_tb_per_day: float

    @property
    def clusters(self) -> int:
        """The number of PostgreSQL clusters, and of separate fleets."""
        return math.ceil(max(self.shares.values()))

    @property
    def first_failure(self) -> str:
        """The resource of PostgreSQL that is exhausted first."""
        return max(self.shares, key=lambda name: self.shares[name])

    @property
    def is_plausible(self) -> bool:
        """Whether so many vehicles can have so many allocations."""
        return self.creates * _DAY <= _BUSIEST * self.vehicles


def plan(vehicles: int, creates: float, costs: Costs, assumed: Assumptions) -> Plan:
    """Return the plan for a number of vehicles of one type, and a number of creates per second on average."""
    writes = creates * (1 + assumed.changes)
    reads = creates * assumed.reads
    usable_cores = assumed.cores * assumed.load
    live = creates * _DAY * (assumed.days_ahead + assumed.days_kept)
    archived = max(0.0, creates * _YEAR - live)
    events = writes * _DAY * min(365, assumed.days_of_events)
    live_tb = (live * costs.allocation_bytes + vehicles * costs.vehicle_bytes) / _TERABYTE
    archived_tb, events_tb = archived * costs.archived_bytes / _TERABYTE, events * costs.event_bytes / _TERABYTE
    postgresql_ms = writes * costs.create_postgresql_ms + reads * costs.read_postgresql_ms
    service_ms = writes * costs.create_service_ms + reads * costs.read_service_ms
    shares = {
        "CPU": postgresql_ms / 1000 / usable_cores,
        "write-ahead log": writes * costs.wal_bytes / 1e6 / assumed.wal_mb_per_second,
        "memory": _hot_bytes(vehicles, live, costs) / _GIGABYTE / (assumed.memory_gb * assumed.load),
        "disk": (live_tb + archived_tb + events_tb) / (assumed.disk_tb * assumed.load),
        "search for free vehicles": vehicles * costs.search_us / 1e6 / assumed.search_seconds,
    }
    return Plan(
        vehicles,
        creates,
        shares,
        gateways=_hosts((writes + reads) * costs.gateway_ms / 1000 / usable_cores),
        inventories=_hosts(service_ms / 1000 / usable_cores),
        live_tb=live_tb,
        archived_tb=archived_tb,
        events_tb=events_tb,
        wal_tb_per_day=writes * costs.wal_bytes * _DAY / _TERABYTE,
    )


def _hot_bytes(vehicles: int, live: float, costs: Costs) -> float:
    """Return the bytes of the indexes that creates read and change, which should stay in memory.

    Each vehicle has its own place in two indexes, the constraint and that of vehicle and start; there, creates change
    the last page. All new rows are at the end of the other indexes.
    """
    return min(vehicles * 2 * _PAGE, live * costs.index_bytes)


def _hosts(share: float) -> int:
    """Return the number of hosts: at least two, so that one may fail."""
    return max(2, math.ceil(share))


def steps(estimate: Plan) -> str:
    """Return the step of the manual's page about scaling that the plan needs."""
    if not estimate.is_plausible:
        return "no fleet of vehicles"
    if estimate.clusters > 1:
        return f"{estimate.clusters:,} fleets apart"
    return "one cluster" if max(estimate.shares.values()) > _SMALL else "one small host and a standby"


def lines(plans: list[Plan]) -> Iterator[str]:
    """Yield the table of the plans."""
    yield "  vehicles  creates/s  step                           gateways  inventories  PostgreSQL"
    for item in plans:
        yield (
            f"{item.vehicles:>11,} {item.creates:>9,g}  {steps(item):<30} {item.gateways:>8,} {item.inventories:>12,}"
            f" {2 * item.clusters:>11,}"
        )
    yield ""
    yield "  vehicles  creates/s   live TB  archive TB  events TB  WAL TB/day  fails first (share of one host)"
    for item in plans:
        yield (
            f"{item.vehicles:>11,} {item.creates:>9,g} {item.live_tb:>9,.3f} {item.archived_tb:>11,.2f}"
            f" {item.events_tb:>10,.2f} {item.wal_tb_per_day:>11,.3f}"
            f"  {item.first_failure} ({max(item.shares.values()):,.3g})"
        )


def load_costs() -> Costs:
    """Return the stored costs."""
    return Costs(**json.loads(MEASURED.read_text())["costs"])


def table() -> str:
    """Return the table of the manual."""
    costs = load_costs()
    return "\n".join(lines([plan(count, rate, costs, Assumptions()) for count in VEHICLES for rate in CREATES]))


def main() -> int:
    """Print the table, or the plan for the given fleet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--vehicles", type=int, help="number of vehicles of the largest type")
    parser.add_argument("--creates", type=float, help="allocations created per second, on average")
    options = parser.parse_args()
    if (options.vehicles is None) != (options.creates is None):
        parser.error("--vehicles and --creates belong together")
    if options.vehicles is None:
        print(table())
    elif not (0 < options.vehicles <= _MOST and 0 < options.creates <= _MOST):
        parser.error(f"--vehicles and --creates must be greater than 0, and at most {_MOST:,}")
    else:
        print("\n".join(lines([plan(options.vehicles, options.creates, load_costs(), Assumptions())])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
