"""Limits on how far ahead and how long a client may allocate; refused requests name the field and change nothing."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from invsys.inventory.caller import Caller
from invsys.inventory.commands import client_limits, create_allocation
from invsys.inventory.period import Period
from tests.support.client_identity import client_as, restricted_client
from tests.support.tables import table_driven

pytestmark = pytest.mark.one_engine

AHEAD, LONG = 30, 10
NOW = datetime.now(UTC).replace(microsecond=0)
ENDLESS = {"from_infinity": True, "to_infinity": True}


@pytest.fixture
def environ(environ):
    return environ | {"INVSYS_LIMITS_MAX_DAYS_AHEAD": str(AHEAD), "INVSYS_LIMITS_MAX_DAYS_LONG": str(LONG)}


@pytest.fixture
def client(app, client, access_path):
    """A caller with a client id: through the gateway, or directly with the header that the gateway would add."""
    return client_as(app, "contract") if access_path == "direct" else client


@pytest.fixture(params=["that car", "any"])
def order(request, car, client):
    """Return a function that allocates the car or ``any``; start and end are in days from now, or None for infinite."""
    vehicle = car if request.param == "that car" else "/api/cars/any"
    return lambda start, end, **fields: client.post(
        f"{vehicle}/allocations", json={**period_fields(start, end), **fields}
    )


def instant(day):
    return (NOW + timedelta(days=day)).isoformat().replace("+00:00", "Z")


def bound_fields(name, day):
    return {f"{name}_infinity": True} if day is None else {f"{name}_datetime": instant(day)}


def period_fields(start, end):
    return {**bound_fields("from", start), **bound_fields("to", end)}


SECOND = 1 / 86_400
FAR, TOO_LONG = f"Must not be more than {AHEAD} days ahead.", f"The period must not be longer than {LONG} days."
# A margin, because the service counts days from the time of the request, which is later than NOW.
HALF_A_DAY = 0.5
REFUSED = [
    ((20, 30 + HALF_A_DAY), {"to_datetime": [FAR, TOO_LONG]}),
    ((25, 30 + HALF_A_DAY), {"to_datetime": [FAR]}),
    ((30 + HALF_A_DAY, 31), {"from_datetime": [FAR], "to_datetime": [FAR]}),
    ((1000, 1001), {"from_datetime": [FAR], "to_datetime": [FAR]}),
    ((1, 11 + SECOND), {"to_datetime": [TOO_LONG]}),
    ((-500, -400), {"to_datetime": [TOO_LONG]}),
    ((1, None), {"to_infinity": [FAR, TOO_LONG]}),
    ((None, 1), {"from_infinity": [TOO_LONG]}),
    ((None, None), {"from_infinity": [TOO_LONG], "to_infinity": [FAR, TOO_LONG]}),
]
ALLOWED = [(1, 2), (1, 11), (20, 30), (29, 30 - HALF_A_DAY), (-400, -390), (-5, 5)]


@table_driven(("period", "errors"), REFUSED)
def test_a_period_beyond_a_limit_is_refused(order, refused, nothing_changes, period, errors):
    with nothing_changes():
        for fields in ({}, {"hold_seconds": 600}):
            assert refused(order(*period, **fields), 422, "invalid_fields")["errors"] == errors


@pytest.mark.parametrize("period", ALLOWED)
def test_a_period_up_to_a_limit_is_allowed(order, period):
    assert order(*period).status_code == 201


@pytest.fixture(params=["its vehicle", "all"])
def booking(request, client, car):
    """The URL of an allocation from day 10 to day 15: under its vehicle, or under ``all``."""
    url = client.post(f"{car}/allocations", json=period_fields(10, 15)).headers["Location"]
    return url if request.param == "its vehicle" else url.replace(car, "/api/cars/all")


@table_driven(
    ("change", "errors"),
    [
        (bound_fields("to", 20 + SECOND), {"to_datetime": [TOO_LONG]}),
        (bound_fields("to", None), {"to_infinity": [FAR, TOO_LONG]}),
        (bound_fields("from", 5 - SECOND), {"from_datetime": [TOO_LONG]}),
        (bound_fields("from", None), {"from_infinity": [TOO_LONG]}),
        (period_fields(25, 31), {"to_datetime": [FAR]}),
        (period_fields(31, 32), {"from_datetime": [FAR], "to_datetime": [FAR]}),
        (period_fields(5, 16), {"to_datetime": [TOO_LONG]}),
        ({**bound_fields("to", 21), "description": "x", "allocation_type": "y"}, {"to_datetime": [TOO_LONG]}),
    ],
)
def test_a_change_beyond_a_limit_is_refused(client, booking, refused, nothing_changes, change, errors):
    with nothing_changes():
        assert refused(client.patch(booking, json=change), 422, "invalid_fields")["errors"] == errors


@pytest.mark.parametrize(
    "change", [bound_fields("to", 20), bound_fields("from", 5), period_fields(20, 30), period_fields(-400, -390)]
)
def test_a_change_up_to_a_limit_is_allowed(client, booking, change):
    response = client.patch(booking, json=change)
    assert (response.status_code, {name: response.json[name] for name in change}) == (200, change)


@pytest.fixture
def endless(app, client, car):
    """The URL of an infinite allocation, created by a caller without limits."""
    response = app.test_client().post(f"{car}/allocations", json=ENDLESS)
    return response.headers["Location"]


@pytest.mark.parametrize(
    "change",
    [
        {"description": "x"},
        {"dump": {"a": 1}},
        ENDLESS,
        bound_fields("to", 500),
        bound_fields("from", -500),
        period_fields(0, 300),
        period_fields(0, 5),
    ],
)
def test_a_period_beyond_the_limits_can_be_kept_or_shortened(client, endless, change):
    assert client.patch(endless, json=change).status_code == 200


def test_a_period_beyond_the_limits_cannot_be_moved_ahead(client, endless, refused, nothing_changes):
    assert client.patch(endless, json=period_fields(0, 300)).status_code == 200
    with nothing_changes():
        body = refused(client.patch(endless, json=period_fields(1, 301)), 422, "invalid_fields")
    assert body["errors"] == {"to_datetime": [FAR, TOO_LONG]}


def test_an_allocation_beyond_the_limits_can_change_its_vehicle(client, endless, register):
    other = register("Car2")[-36:]
    assert client.patch(endless, json={"resource_id": other}).json["resource_id"] == other


def test_the_limits_apply_only_to_callers_with_a_client_id(app, car, refused):
    for caller in (client_as(app, "one"), restricted_client(app, "two")):
        refused(caller.post(f"{car}/allocations", json=ENDLESS), 422, "invalid_fields")
    distrusted = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.1"}, "headers": {"X-Client-Id": "one"}}
    nameless = app.test_client()
    response = nameless.post(f"{car}/allocations", json=period_fields(1, None), **distrusted)
    assert response.status_code == 201
    assert nameless.patch(response.headers["Location"], json=ENDLESS).status_code == 200


def test_a_command_in_the_shell_is_not_limited(app, car):
    with app.app_context():
        fields = {"allocation_type": "booking", "description": None, "reference": None, "dump": {}}
        result = create_allocation.allocate("Car", uuid.UUID(car[-36:]), Period(), **fields)
    assert len(result.rows) == 1


@pytest.mark.parametrize(("ahead", "long"), [(0, 0), (AHEAD, 0), (0, LONG)])
def test_a_limit_of_0_disables_it(app, client, order, refused, ahead, long):
    app.config["CLIENT_LIMITS"] = {"held_per_client": 0, "max_days_ahead": ahead, "max_days_long": long}
    response = order(None, 29)
    if long:
        assert refused(response, 422, "invalid_fields")["errors"] == {"from_infinity": [TOO_LONG]}
    else:
        assert response.status_code == 201
    response = order(40, None)
    if ahead or long:
        message = TOO_LONG if long else FAR
        errors = {"from_datetime": [FAR]} if ahead else {}
        assert refused(response, 422, "invalid_fields")["errors"] == {**errors, "to_infinity": [message]}
    else:
        assert response.status_code == 201


class Frozen(datetime):
    """A ``datetime`` class whose clock is stopped at NOW."""

    @classmethod
    def now(cls, zone=None):
        return NOW.astimezone(zone)


MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("start", "end", "fields"),
    [
        (timedelta(days=29), timedelta(days=30), []),
        (timedelta(days=29), timedelta(days=30) + MICROSECOND, ["to_datetime"]),
        (timedelta(days=30) - MICROSECOND, timedelta(days=30), []),
        (timedelta(days=30), timedelta(days=30) + MICROSECOND, ["from_datetime", "to_datetime"]),
        (timedelta(days=20), timedelta(days=30), []),
        (timedelta(days=20) - MICROSECOND, timedelta(days=30), ["to_datetime"]),
    ],
)
def test_the_limits_are_exact(monkeypatch, client, car, refused, start, end, fields):
    monkeypatch.setattr(client_limits, "datetime", Frozen)
    period = {"from_datetime": (NOW + start).isoformat(), "to_datetime": (NOW + end).isoformat()}
    response = client.post(f"{car}/allocations", json=period)
    assert sorted((response.json or {}).get("errors", {})) == fields
    assert response.status_code == (422 if fields else 201)


def test_for_a_caller_without_a_client_id_the_settings_are_not_read():
    # There is no application context, so reading the settings would fail.
    client_limits.require_period(Caller(), Period())
    assert client_limits.max_holds(Caller(), 600) == 0
    assert client_limits.max_holds(Caller("one"), None) == 0
