"""Workers are killed while clients place orders: all attempts with one Idempotency-Key result in one order."""

import os
import signal

import pytest

from tests.conftest import child_processes
from tests.support.booking_clients import CARS, Callers, stored_allocations
from tests.support.effort import rounds
from tests.support.serving import has_started, until

KILLS = rounds(2, 5)


@pytest.fixture
def cars(register):
    """The ids of as many cars as the callers need."""
    return [register(f"Car{number}")[-36:] for number in range(CARS)]


@pytest.fixture
def responses_by_key(serving, cars):
    """The allocation ids of each order by its key; workers were killed one after another meanwhile."""
    process, port, log_path = serving
    with Callers(port, cars) as callers:
        for killed in range(1, KILLS + 1):
            callers.wait_for_progress()
            os.kill(child_processes(process.pid)[-1], signal.SIGKILL)
            until(lambda killed=killed: has_started(log_path, workers=2 + killed))
        callers.wait_for_progress()
    return callers.ids_by_key


def test_each_key_has_exactly_the_allocations_of_its_response(responses_by_key, app):
    assert stored_allocations(app) == responses_by_key
