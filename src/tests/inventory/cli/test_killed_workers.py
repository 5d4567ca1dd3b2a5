"""Workers killed in the middle of a stream of orders: whoever asks again under one key gets one allocation for it."""

import os
import signal

import pytest

from tests.conftest import child_processes
from tests.support.order_stream import CARS, Callers, stored_allocations
from tests.support.serving import has_started, until

KILLS = 5

pytestmark = pytest.mark.direct("the orders go straight to the server")


@pytest.fixture
def cars(register):
    """The ids of as many cars as the callers need."""
    return [register(f"Car{number}")[-36:] for number in range(CARS)]


@pytest.fixture
def answered(serving, cars):
    """For each key the ids that its order was answered with, by workers of which one after the other was killed."""
    process, port, told = serving
    with Callers(port, cars) as callers:
        for killed in range(1, KILLS + 1):
            callers.wait_for_progress()
            os.kill(child_processes(process.pid)[-1], signal.SIGKILL)
            until(lambda killed=killed: has_started(told, workers=2 + killed))
        callers.wait_for_progress()
    return callers.answered


def test_each_key_has_its_allocations_once_and_they_are_those_that_were_answered(answered, app):
    assert stored_allocations(app) == answered
