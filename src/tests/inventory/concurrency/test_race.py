"""Several processes with several threads each request the same or overlapping periods concurrently."""

import subprocess
import sys
from contextlib import ExitStack
from itertools import pairwise

import pytest

from tests.support.paths import SUPPORT

pytestmark = pytest.mark.usefixtures("strict_reader")

PROCESSES, THREADS, ROUNDS = 3, 4, 15
RACER = SUPPORT / "racer.py"


@pytest.fixture
def path(client):
    return client.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"


@pytest.fixture(scope="module")
def racers(migrated_url):
    """The racer processes, started once for the module."""
    command = [sys.executable, str(RACER), migrated_url, str(THREADS)]
    with ExitStack() as stack:
        yield [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(PROCESSES)
        ]


def race(racers, path, hours):
    """Let all threads of each process request its hours (start, end); return all statuses."""
    for racer, (start, end) in zip(racers, hours, strict=True):
        body = f'{{"from_datetime": "2026-01-01T{start:02}:00Z", "to_datetime": "2026-01-01T{end:02}:00Z"}}'
        racer.stdin.write(f"{path} {body}\n")
        racer.stdin.flush()
    return [status for racer in racers for status in racer.stdout.readline().split()]


def test_exactly_one_of_many_concurrent_requests_succeeds(client, racers, path):
    for hour in range(ROUNDS):
        statuses = race(racers, path, [(hour, hour + 1)] * PROCESSES)
        assert sorted(statuses) == ["201"] + ["409"] * (PROCESSES * THREADS - 1)
    assert len(client.get(path).json) == ROUNDS


def test_concurrent_requests_never_create_overlapping_allocations(client, racers, path):
    for hour in range(ROUNDS):
        assert set(race(racers, path, [(hour, hour + 2 + late) for late in range(PROCESSES)])) <= {"201", "409"}
    allocations = client.get(path).json
    assert allocations
    assert all(one["to_datetime"] <= after["from_datetime"] for one, after in pairwise(allocations))
