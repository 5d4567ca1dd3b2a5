"""Several processes, each with threads, want the same period, or overlapping ones, at the same moment."""

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
    """The processes, started once."""
    command = [sys.executable, str(RACER), migrated_url, str(THREADS)]
    with ExitStack() as stack:
        yield [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(PROCESSES)
        ]


def race(racers, path, hours):
    """Let each process want its hours (start, end) in all its threads; give all statuses."""
    for racer, (start, end) in zip(racers, hours, strict=True):
        body = f'{{"from_datetime": "2026-01-01T{start:02}:00Z", "to_datetime": "2026-01-01T{end:02}:00Z"}}'
        racer.stdin.write(f"{path} {body}\n")
        racer.stdin.flush()
    return [status for racer in racers for status in racer.stdout.readline().split()]


def test_every_round_of_a_race_has_one_winner(client, racers, path):
    for hour in range(ROUNDS):
        statuses = race(racers, path, [(hour, hour + 1)] * PROCESSES)
        assert sorted(statuses) == ["201"] + ["409"] * (PROCESSES * THREADS - 1)
    assert len(client.get(path).json) == ROUNDS


def test_a_race_for_periods_that_overlap_leaves_no_two_that_do(client, racers, path):
    for hour in range(ROUNDS):
        assert set(race(racers, path, [(hour, hour + 2 + late) for late in range(PROCESSES)])) <= {"201", "409"}
    made = client.get(path).json
    assert made
    assert all(one["to_datetime"] <= after["from_datetime"] for one, after in pairwise(made))
