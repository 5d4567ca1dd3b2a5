"""Parsing takes time in proportion to the length of its input, wherever in a request the input is.

What is compared is the CPU time of one thread with 64 KB and with 8 KB of the same text, so the load of the machine
does not matter. ``python -m benchmarks.hostile`` prints the times of all requests.
"""

import sys

import pytest
from benchmarks import databases, hostile

from tests.support.effort import THOROUGH

# Each kind of request body and of conditional request once.
REQUESTS = hostile.REQUESTS if THOROUGH else [("GET", "/api/cars"), ("PATCH", "{car}")]
# Between 8 (linear) and 64 (quadratic).
LIMIT = 24
ATTEMPTS = 5


@pytest.fixture(scope="module")
def services():
    """Both services by their names, and the path of a car."""
    with databases.sqlite() as engine, hostile.services(engine.folder, engine.create("hostile")) as (both, car):
        yield {service.name: service for service in both}, car


def grows_too_fast(service, method, path, place, value):
    """Return whether 64 KB of a value take more than LIMIT times the CPU time of 8 KB."""
    short, long = hostile.of_size(value, 8), hostile.of_size(value, 64)
    if hostile.cpu(service, method, path, place, long) < hostile.NOISE:
        return False
    times = [[hostile.cpu(service, method, path, place, text) for text in (short, long)] for _ in range(ATTEMPTS)]
    least_short, least_long = (min(column) for column in zip(*times, strict=True))
    return least_long > hostile.NOISE and least_long > LIMIT * least_short


@pytest.mark.parametrize("name", ["inventory", "gateway"])
def test_no_part_of_a_request_takes_more_than_linear_time(services, name, monkeypatch, tmp_path):
    by_name, car = services
    service = by_name[name]
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
        wrong = [
            (method, path, place, value)
            for method, path in REQUESTS
            for place in hostile.PLACES
            for value in hostile.VALUES
            if grows_too_fast(service, method, path.format(car=car), place, value)
        ]
    assert wrong == []


def test_a_quadratic_parser_is_found():
    def app(environ, start_response):
        text = environ["HTTP_ACCEPT"]
        for end in range(0, len(text), 4) if " " in text else ():
            text[:end].count("x")
        return []

    quadratic = hostile.Service("quadratic", app, {})
    assert grows_too_fast(quadratic, "GET", "/", "HTTP_ACCEPT", ("a", " ", "b"))
    assert not grows_too_fast(quadratic, "GET", "/", "HTTP_ACCEPT", ("", "a", ""))
