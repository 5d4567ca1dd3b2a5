"""Workers that are killed while clients place orders: repeated requests with the same key create only one order."""

import os
import signal

import pytest

from tests.conftest import child_processes
from tests.support.booking_clients import CARS, Callers, stored_allocations
from tests.support.effort import rounds
from tests.support.serving import has_started, run_server, until

KILLS, WORKERS = rounds(1, 5), rounds(1, 2)


@pytest.fixture
def serving(database_url, tmp_path):
    with run_server(database_url, tmp_path, WORKERS) as running:
        yield running


@pytest.fixture
def cars(register):
    """The ids of the cars that the callers allocate."""
    return [register(f"Car{number}")[-36:] for number in range(CARS)]


@pytest.fixture
def responses_by_key(serving, cars):
    """Place orders while workers are killed one after another; return the allocation ids of each order by its key."""
    process, port, log_path = serving
    with Callers(port, cars) as callers:
        for killed in range(1, KILLS + 1):
            callers.wait_for_progress()
            os.kill(child_processes(process.pid)[-1], signal.SIGKILL)
            until(lambda killed=killed: has_started(log_path, workers=WORKERS + killed))
        callers.wait_for_progress()
    return callers.ids_by_key


def test_each_key_has_exactly_the_allocations_of_its_response(responses_by_key, app):
    assert stored_allocations(app) == responses_by_key
