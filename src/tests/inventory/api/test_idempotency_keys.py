"""Idempotency keys: their format, their scope, and that each key is for one request only."""

import pytest

from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.tables import table_driven

PERIOD = period_fields(10, 12)
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def environ(environ, request):
    return environ | getattr(request, "param", {})


@pytest.fixture
def send(client):
    """Return a function that posts a body with an Idempotency-Key."""

    def send(path, body, key="key-1", **headers):
        return client.post(path, json=body, headers={"Idempotency-Key": key, **headers})

    return send


def assert_key_reused(response):
    assert (response.status_code, response.mimetype) == (422, "application/problem+json"), response.text
    members = {key: response.json[key] for key in ("type", "status", "code", "request_id")}
    assert members == {
        "type": "/docs/problems/idempotency_key_reused",
        "status": 422,
        "code": "idempotency_key_reused",
        "request_id": response.headers["X-Request-Id"],
    }
    assert "Idempotency-Replayed" not in response.headers


ORDER = {**PERIOD, "description": "New", "dump": {"a": 1, "list": [1, 2]}}
OTHER_BODIES = {
    "a different value": ORDER | {"description": "Old"},
    "one member fewer": PERIOD | {"description": "New"},
    "one member more": ORDER | {"allocation_type": "booking"},
    "a different period": ORDER | {"to_datetime": hour_start(13)},
    "null instead of an omitted member": ORDER | {"to_infinity": None},
    "true instead of 1": ORDER | {"dump": {"a": True, "list": [1, 2]}},
    "a string instead of a number": ORDER | {"dump": {"a": "1", "list": [1, 2]}},
    "a reordered list": ORDER | {"dump": {"a": 1, "list": [2, 1]}},
}


@pytest.mark.one_engine
@pytest.mark.parametrize("body", OTHER_BODIES.values(), ids=OTHER_BODIES)
def test_a_key_cannot_be_reused_for_another_body(client, car, send, nothing_changes, body):
    first = send(f"{car}/allocations", ORDER)
    with nothing_changes():
        assert_key_reused(send(f"{car}/allocations", body))
    assert send(f"{car}/allocations", ORDER).data == first.data


def test_a_key_cannot_be_reused_for_another_path(client, car, register, send, nothing_changes):
    paths = [f"{register('Car2')}/allocations", "/api/cars/any/allocations", "/api/lorries/any/allocations"]
    register("Lorry1", "lorries")
    assert send(f"{car}/allocations", PERIOD).status_code == 201
    with nothing_changes():
        for path in paths:
            assert_key_reused(send(path, PERIOD))


def test_a_key_cannot_be_reused_for_a_vehicle_and_an_allocation(client, car, send, nothing_changes):
    assert send("/api/cars", {"name": "Car2"}).status_code == 201
    with nothing_changes():
        assert_key_reused(send("/api/lorries", {"name": "Car2"}))
        assert_key_reused(send(f"{car}/allocations", PERIOD))


def test_a_conflict_is_not_stored_under_the_key(client, car, booking, send, refused):
    for _ in range(2):
        refused(send(f"{car}/allocations", PERIOD), 409, "period_taken")
    client.delete(booking)
    response = send(f"{car}/allocations", PERIOD)
    assert (response.status_code, "Idempotency-Replayed" in response.headers) == (201, False)


def test_the_key_of_a_refused_request_can_be_used_for_another(client, car, booking, send, refused):
    path = f"{car}/allocations"
    refused(send(path, PERIOD), 409, "period_taken")
    refused(send("/api/cars/any/allocations", PERIOD), 409, "none_available")
    refused(send("/api/cars", {"name": "Car1"}), 409, "name_taken")
    refused(send(path, PERIOD | {"colour": "red"}), 422, "invalid_fields", "colour")
    refused(send(car.replace("cars", "lorries") + "/allocations", PERIOD), 404, "resource_not_found")
    refused(send("/api/vans", {"name": "Van1"}), 404, "not_found")
    refused(client.post(path, data=b"{", headers={"Idempotency-Key": "key-1"}), 415, "unsupported_media_type")
    response = send(path, period_fields(12, 14))
    assert (response.status_code, "Idempotency-Replayed" in response.headers) == (201, False)
    assert send(path, period_fields(12, 14)).headers["Idempotency-Replayed"] == "true"


def test_none_available_is_not_stored_under_the_key(client, send, register, refused):
    refused(send("/api/cars/any/allocations", PERIOD), 409, "none_available")
    register("Car1")
    response = send("/api/cars/any/allocations", PERIOD)
    assert (response.status_code, "Idempotency-Replayed" in response.headers) == (201, False)


def test_each_client_has_its_own_keys(client, car, register, send):
    for number in range(2, 4):
        register(f"Car{number}")
    path, clients = "/api/cars/any/allocations", [{}, {"X-Client-Id": "one"}, {"X-Client-Id": "two"}]
    first = [send(path, PERIOD, **headers) for headers in clients]
    assert [response.status_code for response in first] == [201] * 3
    assert not any("Idempotency-Replayed" in response.headers for response in first)
    assert len({response.json["resource_id"] for response in first}) == 3
    assert [send(path, PERIOD, **headers).data for headers in clients] == [response.data for response in first]


def test_two_clients_can_use_one_key_for_different_requests(car, send):
    assert send(f"{car}/allocations", PERIOD, **{"X-Client-Id": "one"}).status_code == 201
    assert send("/api/cars", {"name": "Car2"}, **{"X-Client-Id": "two"}).status_code == 201


def test_the_client_id_of_an_untrusted_address_is_ignored(client, car):
    def send(client_id):
        headers = {"Idempotency-Key": "key-1", "X-Client-Id": client_id}
        return client.post(f"{car}/allocations", json=PERIOD, headers=headers, environ_overrides=ELSEWHERE)

    first, second, third = send("one"), send("two"), send("not visible")
    assert [response.status_code for response in (first, second, third)] == [201] * 3
    assert first.data == second.data == third.data
    assert second.headers["Idempotency-Replayed"] == third.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("environ", [{"INVSYS_SERVER_TRUSTED_PROXIES": "192.0.2.7"}], indirect=True, ids=["a gateway"])
def test_the_settings_say_which_gateways_are_trusted(client, car, register):
    register("Car2")

    def send(client_id, **options):
        headers = {"Idempotency-Key": "key-1", "X-Client-Id": client_id}
        response = client.post("/api/cars/any/allocations", json=PERIOD, headers=headers, **options)
        assert response.status_code == 201, response.text
        return response.json["id"]

    assert len({send(client_id, environ_overrides=ELSEWHERE) for client_id in ("one", "two", "one")}) == 2


GOOD = ["a", "0", "x" * 255, "!~", "{}[]<>&\"'\\%_;,", "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"]
BAD = ["", " ", "x" * 256, "x" * 5000, "a b", "a\tb", "é", "\xff", "a\x7f", "\x01", "\xc3\xa9"]


@pytest.mark.through_gateway
@pytest.mark.parametrize("key", GOOD)
def test_a_key_and_a_client_id_may_contain_any_visible_ascii(car, send, key):
    first, replay = (send(f"{car}/allocations", PERIOD, key, **{"X-Client-Id": key}) for _ in range(2))
    assert (first.status_code, replay.data) == (201, first.data)
    assert replay.headers["Idempotency-Replayed"] == "true"


def test_keys_are_compared_exactly(client, car, send):
    for number, key in enumerate(("key", "KEY", "ke", "key1", "k%y")):
        response = send(f"{car}/allocations", period_fields(number, number + 1), key)
        assert (response.status_code, "Idempotency-Replayed" in response.headers) == (201, False)


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven("value", BAD)
def test_a_malformed_key_is_refused_with_the_name_of_the_header(client, car, refused, nothing_changes, value):
    assert_header_refused(client, car, refused, nothing_changes, "Idempotency-Key", value)


@pytest.mark.one_engine
@table_driven("value", BAD)
def test_a_malformed_client_id_is_refused_with_the_name_of_the_header(client, car, refused, nothing_changes, value):
    assert_header_refused(client, car, refused, nothing_changes, "X-Client-Id", value)


def assert_header_refused(client, car, refused, nothing_changes, header, value):
    overrides = {f"HTTP_{header.upper().replace('-', '_')}": value}
    with nothing_changes():
        for path, body in (
            (f"{car}/allocations", PERIOD),
            ("/api/cars/any/allocations", PERIOD),
            ("/api/cars", {"name": "Car2"}),
        ):
            response = client.post(path, json=body, environ_overrides=overrides)
            refused(response, 422, "invalid_fields", header)
