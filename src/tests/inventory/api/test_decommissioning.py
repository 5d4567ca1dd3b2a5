"""Decommissioning a vehicle: when it is allowed, and what happens to its allocations."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from invsys.inventory.commands import expire_holds
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, db
from invsys.inventory.db.session import disable_timeouts
from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import let_holds_expire

LONG_AGO = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
FAR_AHEAD = ("2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z")


@pytest.mark.through_gateway
def test_a_decommissioned_vehicle_is_not_found_and_its_name_is_free(
    client: FlaskClient, car: str, refused: Callable[..., Any], register: Callable[..., str]
) -> None:
    deleted = client.delete(car)
    assert (deleted.status_code, deleted.data) == (204, b"")
    refused(client.get(car), 404, "resource_not_found")
    refused(client.delete(car), 404, "resource_not_found")
    assert client.get("/api/cars").json == []
    assert register("Car1") != car


@pytest.mark.parametrize("rest", ["", "/allocations"])
def test_a_decommissioned_vehicle_has_and_accepts_no_allocations(
    client: FlaskClient, car: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any], rest: str
) -> None:
    client.delete(car)
    refused(client.get(car + rest), 404, "resource_not_found")
    refused(allocate(car, *FAR_AHEAD), 404, "resource_not_found")


def test_a_vehicle_whose_allocations_have_all_ended_can_be_decommissioned(
    client: FlaskClient, car: str, allocate: Callable[..., TestResponse]
) -> None:
    allocate(car, *LONG_AGO)
    assert client.delete(car).status_code == 204


@pytest.mark.parametrize(
    "period", [FAR_AHEAD, (LONG_AGO[0], FAR_AHEAD[0]), (LONG_AGO[0], None), (None, FAR_AHEAD[0]), (None, None)]
)
def test_a_vehicle_with_an_allocation_that_has_not_ended_cannot_be_decommissioned(
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


def test_a_vehicle_can_be_decommissioned_after_its_allocation_is_deleted(
    client: FlaskClient, car: str, booking: str
) -> None:
    client.delete(booking)
    assert client.delete(car).status_code == 204


@pytest.fixture
def hold(car: str, allocate: Callable[..., TestResponse]) -> str:
    """The URL of an active hold of ``car`` for a period that has ended."""
    return allocate(car, *LONG_AGO, hold_seconds=600).headers["Location"]


def kinds(client: FlaskClient, car: str) -> list[str]:
    return [event["kind"] for event in FeedReader(client).new_events() if event["resource_id"] == car[-36:]]


@pytest.mark.usefixtures("feed_checker_at_end")
@pytest.mark.parametrize("fields", [{"status": "confirmed"}, {"hold_seconds": 600}, {"description": "late"}])
def test_an_active_hold_ends_with_its_vehicle(
    app: Flask, client: FlaskClient, car: str, hold: str, refused: Callable[..., Any], fields: dict[str, Any]
) -> None:
    assert client.delete(car).status_code == 204
    for item in (hold, hold.replace(car, "/api/cars/all")):
        refused(client.patch(item, json=fields), 404, "allocation_not_found")
        refused(client.delete(item), 404, "allocation_not_found")
    let_holds_expire(app)
    period = dict(zip(("from_datetime", "to_datetime"), LONG_AGO, strict=True))
    refused(client.post("/api/cars/any/allocations", json=period), 409, "none_available")
    refused(client.patch(hold, json=fields), 404, "allocation_not_found")
    assert kinds(client, car) == ["resource_registered", "allocated", "deallocated", "resource_decommissioned"]


@pytest.mark.usefixtures("feed_checker_at_end")
def test_an_expired_hold_is_reported_as_expired_after_its_vehicle_is_decommissioned(
    app: Flask, client: FlaskClient, car: str, hold: str, refused: Callable[..., Any]
) -> None:
    let_holds_expire(app)
    assert client.delete(car).status_code == 204
    refused(client.patch(hold, json={"status": "confirmed"}), 409, "hold_expired")
    assert kinds(client, car) == ["resource_registered", "allocated", "expired", "resource_decommissioned"]


def test_the_events_name_the_client_that_decommissioned_the_vehicle(
    client: FlaskClient, app: Flask, car: str, hold: str
) -> None:
    headers = {"X-Client-Id": "fleet-office"}
    assert app.test_client().delete(car, headers=headers).status_code == 204
    events = FeedReader(client).new_events()[-2:]
    assert [(event["kind"], event["client_id"]) for event in events] == [
        ("deallocated", "fleet-office"),
        ("resource_decommissioned", "fleet-office"),
    ]


@pytest.mark.usefixtures("hold")
def test_a_purge_deletes_holds_left_by_an_older_version_without_an_event(
    app: Flask, client: FlaskClient, car: str, update_all_rows: Callable[..., None]
) -> None:
    update_all_rows(ContinuousResource, decommissioned=datetime.now(UTC))
    let_holds_expire(app)
    with app.app_context():
        assert [expire_holds.delete_all_expired(), expire_holds.delete_all_expired()] == [1, 0]
    assert kinds(client, car) == ["resource_registered", "allocated"]


def test_very_many_holds_end_with_their_vehicle(app: Flask, client: FlaskClient, car: str) -> None:
    hours = [datetime(2000, 1, 1, tzinfo=UTC) + number * timedelta(hours=1) for number in range(2001)]
    with app.app_context(), db.engine.begin() as connection:
        disable_timeouts(connection)
        key = connection.scalars(select(ContinuousResource.key)).one()
        later = datetime(2099, 1, 1, tzinfo=UTC)
        holds = [
            {"resource_key": key, "starts": hour, "ends": hour + timedelta(hours=1), "expires": later} for hour in hours
        ]
        connection.execute(insert(ContinuousResourceAllocation), holds)
    assert client.delete(car).status_code == 204
    event_kinds = kinds(client, car)
    assert (event_kinds.count("deallocated"), event_kinds[-1]) == (len(hours), "resource_decommissioned")
