"""The limit on the holds of a client: holds are counted in the database, and a refused request changes nothing."""

import math

import pytest

from tests.support.client_identity import client_as, restricted_client
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

MOST = 3
# In seconds: no hold expires during a test.
LONG = 20_000
DETAIL = f"A client may have {MOST} holds at a time; confirm or free some, or wait until they expire."


@pytest.fixture
def environ(environ):
    return environ | {"INVSYS_LIMITS_HELD_PER_CLIENT": str(MOST)}


@pytest.fixture
def client(app, client, access_path):
    """A caller with a client id: through the gateway, or directly with the header that the gateway would add."""
    return client_as(app, "contract") if access_path == "direct" else client


@pytest.fixture
def hold(allocate, register):
    """Return a function that requests a hold of a vehicle, by default Car1, for a period of one hour."""
    car = register("Car1")

    def hold(hour, vehicle=car, seconds=LONG, **more):
        return allocate(vehicle, hour_start(hour), hour_start(hour + 1), hold_seconds=seconds, **more)

    return hold


@pytest.fixture
def all_holds(hold):
    """Create as many holds as the client may have, which expire LONG seconds apart; return their URLs."""
    responses = [hold(hour, seconds=LONG * (hour + 1)) for hour in range(MOST)]
    assert [response.status_code for response in responses] == [201] * MOST
    return [response.headers["Location"] for response in responses]


def check_refused(response, refused, place=1):
    """Check the 429: its Retry-After is the time after which ``place`` holds have expired."""
    assert refused(response, 429, "too_many_holds")["detail"] == DETAIL
    assert math.ceil(int(response.headers["Retry-After"]) / LONG) == place


@pytest.mark.through_gateway
@pytest.mark.parametrize("vehicle", ["/api/cars/any", "/api/lorries/any", "that car"])
def test_a_hold_beyond_the_limit_is_refused_for_every_vehicle(
    all_holds, hold, register, refused, nothing_changes, vehicle
):
    register("Lorry1", "lorries")
    with nothing_changes():
        response = hold(10) if vehicle == "that car" else hold(10, vehicle)
        check_refused(response, refused)


def test_holds_of_all_collections_count(hold, register, refused):
    other = register("Lorry1", "lorries")
    assert [hold(1).status_code, hold(1, other).status_code, hold(2, other).status_code] == [201] * 3
    check_refused(hold(3), refused)


def test_requests_that_create_no_hold_are_not_limited(all_holds, client, allocate, hold):
    car = all_holds[0].rpartition("/allocations")[0]
    assert allocate(car, hour_start(10), hour_start(11)).status_code == 201
    assert client.patch(all_holds[0], json={"hold_seconds": 700}).status_code == 200
    assert client.patch(all_holds[0], json={"status": "confirmed"}).status_code == 200
    assert hold(11).status_code == 201


def test_a_confirmed_deleted_or_expired_hold_no_longer_counts(all_holds, client, hold, app, refused):
    assert client.patch(all_holds[0], json={"status": "confirmed"}).status_code == 200
    assert hold(10).status_code == 201
    assert client.delete(all_holds[1]).status_code == 204
    assert hold(11).status_code == 201
    check_refused(hold(12), refused)
    let_holds_expire(app)
    assert [hold(hour).status_code for hour in (12, 13, 14)] == [201] * MOST
    check_refused(hold(15), refused)


@pytest.mark.parametrize("quantity", [2, 3])
def test_a_request_for_several_vehicles_counts_as_several_holds(
    all_holds, client, hold, register, refused, nothing_changes, quantity
):
    for number in range(2, 6):
        register(f"Car{number}")
    with nothing_changes():
        check_refused(hold(10, "/api/cars/any", quantity=quantity), refused, place=quantity)
    for url in all_holds[:quantity]:
        client.delete(url)
    assert hold(10, "/api/cars/any", quantity=quantity).status_code == 201


def test_a_quantity_above_the_limit_is_an_invalid_field(hold, register, refused, nothing_changes):
    for number in range(2, 6):
        register(f"Car{number}")
    with nothing_changes():
        body = refused(hold(10, "/api/cars/any", quantity=MOST + 1), 422, "invalid_fields", "quantity")
        assert body["errors"]["quantity"] == [f"At most {MOST}: a client may not have more holds at a time."]
    assert len(hold(10, "/api/cars/any", quantity=MOST).json) == MOST


@pytest.mark.through_gateway
def test_a_replay_is_not_limited(client, hold, all_holds, refused, nothing_changes):
    client.delete(all_holds[0])
    key = {"Idempotency-Key": "order-1"}
    car = all_holds[0].rpartition("/allocations")[0]
    order = {**period_fields(10, 11), "hold_seconds": LONG}
    first = client.post(f"{car}/allocations", json=order, headers=key)
    assert first.status_code == 201
    with nothing_changes():
        replay = client.post(f"{car}/allocations", json=order, headers=key)
        assert (replay.status_code, replay.json) == (201, first.json)
        assert replay.headers["Idempotency-Replayed"] == "true"
        other = {**order, **period_fields(12, 13)}
        refused(client.post(f"{car}/allocations", json=other, headers=key), 422, "idempotency_key_reused")
        response = client.post(f"{car}/allocations", json=other, headers={"Idempotency-Key": "order-2"})
        check_refused(response, refused)
    # The 429 was not stored for the key, so a retry is executed.
    client.delete(all_holds[1])
    response = client.post(f"{car}/allocations", json=other, headers={"Idempotency-Key": "order-2"})
    assert (response.status_code, response.headers.get("Idempotency-Replayed")) == (201, None)


def test_a_replay_for_several_vehicles_is_not_limited(client, hold, register, nothing_changes):
    for number in range(2, 5):
        register(f"Car{number}")
    order = {**period_fields(10, 11), "hold_seconds": LONG, "quantity": MOST}
    key = {"Idempotency-Key": "order-1"}
    first = client.post("/api/cars/any/allocations", json=order, headers=key)
    with nothing_changes():
        replay = client.post("/api/cars/any/allocations", json=order, headers=key)
    assert (first.status_code, replay.status_code, replay.json) == (201, 201, first.json)


def test_each_client_has_its_own_limit(app, all_holds, hold, refused):
    car = all_holds[0].rpartition("/allocations")[0]
    for number, other in enumerate((client_as(app, "two"), restricted_client(app, "three"))):
        responses = [
            other.post(f"{car}/allocations", json={**period_fields(hour, hour + 1), "hold_seconds": LONG})
            for hour in range(4 + 4 * number, 8 + 4 * number)
        ]
        assert [response.status_code for response in responses] == [201] * MOST + [429]
    check_refused(hold(20), refused)


def test_a_caller_without_a_client_id_is_not_limited(app, all_holds):
    car = all_holds[0].rpartition("/allocations")[0]
    nameless = app.test_client()
    distrusted = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.1"}, "headers": {"X-Client-Id": "contract"}}
    for hour in range(4, 12):
        order = {**period_fields(hour, hour + 1), "hold_seconds": LONG}
        more = distrusted if hour % 2 else {}
        assert nameless.post(f"{car}/allocations", json=order, **more).status_code == 201


def test_the_limit_is_checked_before_conflicts(all_holds, hold, refused):
    check_refused(hold(0), refused)


def test_concurrent_requests_are_counted_and_may_slightly_exceed_the_limit(app, client, register):
    vehicles = [register(f"Vehicle{number}") for number in range(8)]
    orders = [
        {
            "path": f"{vehicle}/allocations",
            "method": "POST",
            "json": {**period_fields(10, 11), "hold_seconds": LONG},
            "headers": {"X-Client-Id": "one"},
        }
        for vehicle in vehicles
    ]
    counts = count_outcomes(send_concurrently(app, orders))
    assert set(counts) <= {201, "too_many_holds"}
    assert counts[201] >= MOST
    # Later requests count all of these holds.
    later = [
        app.test_client().open(**{**order, "json": {**period_fields(12, 13), "hold_seconds": LONG}}) for order in orders
    ]
    assert count_outcomes(later) == {"too_many_holds": 8}


class TestOff:
    """A limit of 0, which means that holds are not counted."""

    @pytest.fixture
    def environ(self, environ):
        return environ | {"INVSYS_LIMITS_HELD_PER_CLIENT": "0"}

    def test_a_client_may_have_any_number_of_holds(self, hold):
        assert [hold(hour).status_code for hour in range(2 * MOST)] == [201] * 2 * MOST
