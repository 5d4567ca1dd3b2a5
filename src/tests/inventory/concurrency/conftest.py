"""Fixtures of the tests with concurrent requests."""

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def send(app):
    """Return a function that sends a request in another thread and returns a future of the response."""
    with ThreadPoolExecutor() as pool:
        yield lambda method, url, **options: pool.submit(app.test_client().open, url, method=method, **options)
