"""Decommissioning a vehicle: when it may go, and what is left of it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

LONG_AGO = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
FAR_AHEAD = ("2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z")


def test_a_decommissioned_vehicle_is_gone_and_its_name_is_free(
    client: FlaskClient, car: str, refused: Callable[..., Any], register: Callable[..., str]
) -> None:
    deleted = client.delete(car)
    assert (deleted.status_code, deleted.data) == (204, b"")
    refused(client.get(car), 404, "resource_not_found")
    refused(client.delete(car), 404, "resource_not_found")
    assert client.get("/api/cars").json == []
    assert register("Car1") != car


@pytest.mark.parametrize("rest", ["", "/allocations"])
def test_a_decommissioned_vehicle_takes_and_shows_no_allocations(
    client: FlaskClient, car: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any], rest: str
) -> None:
    client.delete(car)
    refused(client.get(car + rest), 404, "resource_not_found")
    refused(allocate(car, *FAR_AHEAD), 404, "resource_not_found")


def test_a_vehicle_whose_allocations_have_all_ended_can_go(
    client: FlaskClient, car: str, allocate: Callable[..., TestResponse]
) -> None:
    allocate(car, *LONG_AGO)
    assert client.delete(car).status_code == 204


@pytest.mark.parametrize(
    "period", [FAR_AHEAD, (LONG_AGO[0], FAR_AHEAD[0]), (LONG_AGO[0], None), (None, FAR_AHEAD[0]), (None, None)]
)
def test_a_vehicle_with_an_allocation_that_has_not_ended_stays(
    client: FlaskClient,
    car: str,
    allocate: Callable[..., TestResponse],
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    period: tuple[str | None, str | None],
) -> None:
    allocate(car, *period)
    with nothing_changes():
        refused(client.delete(car), 409, "resource_in_use")


def test_a_vehicle_can_go_once_its_allocation_is_deleted(client: FlaskClient, car: str, booking: str) -> None:
    client.delete(booking)
    assert client.delete(car).status_code == 204
