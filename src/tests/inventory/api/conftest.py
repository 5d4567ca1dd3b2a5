"""Fixtures of the API tests: two test clients that see only their own allocations."""

import pytest

from tests.support.client_identity import restricted_client


@pytest.fixture
def one(app):
    return restricted_client(app, "one")


@pytest.fixture
def two(app):
    return restricted_client(app, "two")
