"""Concurrent requests from several processes, each with several threads, for the same or overlapping periods."""

import subprocess
import sys
from contextlib import ExitStack
from itertools import pairwise

import pytest

from tests.support.effort import rounds
from tests.support.paths import SUPPORT

pytestmark = pytest.mark.usefixtures("feed_checker")

PROCESSES, THREADS, ROUNDS = rounds(2, 3), 4, rounds(5, 15)
RACE_PROCESS = SUPPORT / "race_process.py"


@pytest.fixture
def path(client):
    return client.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"


@pytest.fixture(scope="module")
def processes(migrated_url):
    """The processes that send the requests; they are started once for this module."""
    command = [sys.executable, str(RACE_PROCESS), migrated_url, str(THREADS)]
    with ExitStack() as stack:
        yield [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(PROCESSES)
        ]


def race(processes, path, hours):
    """Let all threads of each process request the hours (start, end) of that process; return all statuses."""
    for process, (start, end) in zip(processes, hours, strict=True):
        body = f'{{"from_datetime": "2026-01-01T{start:02}:00Z", "to_datetime": "2026-01-01T{end:02}:00Z"}}'
        process.stdin.write(f"{path} {body}\n")
        process.stdin.flush()
    return [status for process in processes for status in process.stdout.readline().split()]


def test_exactly_one_of_many_concurrent_requests_succeeds(client, processes, path):
    for hour in range(ROUNDS):
        statuses = race(processes, path, [(hour, hour + 1)] * PROCESSES)
        assert sorted(statuses) == ["201"] + ["409"] * (PROCESSES * THREADS - 1)
    assert len(client.get(path).json) == ROUNDS


def test_concurrent_requests_never_create_overlapping_allocations(client, processes, path):
    for hour in range(ROUNDS):
        assert set(race(processes, path, [(hour, hour + 2 + late) for late in range(PROCESSES)])) <= {"201", "409"}
    allocations = client.get(path).json
    assert allocations
    assert all(one["to_datetime"] <= after["from_datetime"] for one, after in pairwise(allocations))
