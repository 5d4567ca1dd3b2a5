"""Idempotency-Keys: what they may look like, whose they are, and that each stands for one order only."""

import pytest

from tests.support.instants import at, period_fields

PERIOD = period_fields(10, 12)
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def environ(environ, request):
    return environ | getattr(request, "param", {})


@pytest.fixture
def send(client):
    """Send a body under a key."""

    def send(path, body, key="key-1", **headers):
        return client.post(path, json=body, headers={"Idempotency-Key": key, **headers})

    return send


def is_reused(response):
    assert (response.status_code, response.mimetype) == (422, "application/problem+json"), response.text
    said = {key: response.json[key] for key in ("type", "status", "code", "request_id")}
    assert said == {
        "type": "/docs/problems/idempotency_key_reused",
        "status": 422,
        "code": "idempotency_key_reused",
        "request_id": response.headers["X-Request-Id"],
    }
    assert "Idempotency-Replayed" not in response.headers


ORDER = {**PERIOD, "description": "New", "dump": {"a": 1, "list": [1, 2]}}
OTHER_BODIES = {
    "another value": ORDER | {"description": "Old"},
    "one member less": PERIOD | {"description": "New"},
    "one member more": ORDER | {"allocation_type": "booking"},
    "another period": ORDER | {"to_datetime": at(13)},
    "null for nothing said": ORDER | {"to_infinity": None},
    "true for 1": ORDER | {"dump": {"a": True, "list": [1, 2]}},
    "text for a number": ORDER | {"dump": {"a": "1", "list": [1, 2]}},
    "another order of a list": ORDER | {"dump": {"a": 1, "list": [2, 1]}},
}


@pytest.mark.parametrize("body", OTHER_BODIES.values(), ids=OTHER_BODIES)
def test_another_body_is_another_order_under_a_used_key(client, car, send, nothing_changes, body):
    first = send(f"{car}/allocations", ORDER)
    with nothing_changes():
        is_reused(send(f"{car}/allocations", body))
    assert send(f"{car}/allocations", ORDER).data == first.data


def test_another_path_is_another_order_under_a_used_key(client, car, register, send, nothing_changes):
    paths = [f"{register('Car2')}/allocations", "/api/cars/any/allocations", "/api/lorries/any/allocations"]
    register("Lorry1", "lorries")
    assert send(f"{car}/allocations", PERIOD).status_code == 201
    with nothing_changes():
        for path in paths:
            is_reused(send(path, PERIOD))


def test_a_vehicle_and_an_allocation_do_not_share_a_key(client, car, send, nothing_changes):
    assert send("/api/cars", {"name": "Car2"}).status_code == 201
    with nothing_changes():
        is_reused(send("/api/lorries", {"name": "Car2"}))
        is_reused(send(f"{car}/allocations", PERIOD))


def test_a_period_that_was_taken_leaves_its_key_unused(client, car, booking, send, refused):
    for _ in range(2):
        refused(send(f"{car}/allocations", PERIOD), 409, "period_taken")
    client.delete(booking)
    made = send(f"{car}/allocations", PERIOD)
    assert (made.status_code, "Idempotency-Replayed" in made.headers) == (201, False)


def test_an_order_that_was_refused_leaves_its_key_for_another(client, car, booking, send, refused):
    path = f"{car}/allocations"
    refused(send(path, PERIOD), 409, "period_taken")
    refused(send("/api/cars/any/allocations", PERIOD), 409, "none_available")
    refused(send("/api/cars", {"name": "Car1"}), 409, "name_taken")
    refused(send(path, PERIOD | {"colour": "red"}), 422, "invalid_fields", "colour")
    refused(send(car.replace("cars", "lorries") + "/allocations", PERIOD), 404, "resource_not_found")
    refused(send("/api/vans", {"name": "Van1"}), 404, "not_found")
    refused(client.post(path, data=b"{", headers={"Idempotency-Key": "key-1"}), 415, "unsupported_media_type")
    made = send(path, period_fields(12, 14))
    assert (made.status_code, "Idempotency-Replayed" in made.headers) == (201, False)
    assert send(path, period_fields(12, 14)).headers["Idempotency-Replayed"] == "true"


def test_a_vehicle_that_was_not_there_leaves_the_key_unused(client, send, register, refused):
    refused(send("/api/cars/any/allocations", PERIOD), 409, "none_available")
    register("Car1")
    made = send("/api/cars/any/allocations", PERIOD)
    assert (made.status_code, "Idempotency-Replayed" in made.headers) == (201, False)


@pytest.mark.direct("says itself who it is")
def test_each_client_has_keys_of_its_own(client, car, register, send):
    for number in range(2, 4):
        register(f"Car{number}")
    path, clients = "/api/cars/any/allocations", [{}, {"X-Client-Id": "one"}, {"X-Client-Id": "two"}]
    first = [send(path, PERIOD, **each) for each in clients]
    assert [response.status_code for response in first] == [201] * 3
    assert not any("Idempotency-Replayed" in response.headers for response in first)
    assert len({response.json["resource_id"] for response in first}) == 3
    assert [send(path, PERIOD, **each).data for each in clients] == [response.data for response in first]


@pytest.mark.direct("says itself who it is")
def test_a_client_may_use_a_key_that_another_has_used_for_something_else(car, send):
    assert send(f"{car}/allocations", PERIOD, **{"X-Client-Id": "one"}).status_code == 201
    assert send("/api/cars", {"name": "Car2"}, **{"X-Client-Id": "two"}).status_code == 201


@pytest.mark.direct("says itself who it is")
def test_who_is_no_gateway_is_not_believed(client, car):
    def send(client_id):
        headers = {"Idempotency-Key": "key-1", "X-Client-Id": client_id}
        return client.post(f"{car}/allocations", json=PERIOD, headers=headers, environ_overrides=ELSEWHERE)

    first, second, third = send("one"), send("two"), send("not visible")
    assert [response.status_code for response in (first, second, third)] == [201] * 3
    assert first.data == second.data == third.data
    assert second.headers["Idempotency-Replayed"] == third.headers["Idempotency-Replayed"] == "true"


@pytest.mark.direct("says itself who it is")
@pytest.mark.parametrize("environ", [{"INVSYS_SERVER_TRUSTED_PROXIES": "192.0.2.7"}], indirect=True, ids=["a gateway"])
def test_the_operator_says_which_gateway_is_believed(client, car, register):
    register("Car2")

    def send(client_id, **where):
        headers = {"Idempotency-Key": "key-1", "X-Client-Id": client_id}
        made = client.post("/api/cars/any/allocations", json=PERIOD, headers=headers, **where)
        assert made.status_code == 201, made.text
        return made.json["id"]

    assert len({send(client_id, environ_overrides=ELSEWHERE) for client_id in ("one", "two", "one")}) == 2


GOOD = ["a", "0", "x" * 255, "!~", "{}[]<>&\"'\\%_;,", "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"]
BAD = ["", " ", "x" * 256, "x" * 5000, "a b", "a\tb", "é", "\xff", "a\x7f", "\x01", "\xc3\xa9"]


@pytest.mark.parametrize("key", GOOD)
def test_any_visible_ascii_is_a_key_and_a_client(car, send, key):
    first, again = (send(f"{car}/allocations", PERIOD, key, **{"X-Client-Id": key}) for _ in range(2))
    assert (first.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_keys_are_compared_to_the_letter(client, car, send):
    for number, key in enumerate(("key", "KEY", "ke", "key1", "k%y")):
        made = send(f"{car}/allocations", period_fields(number, number + 1), key)
        assert (made.status_code, "Idempotency-Replayed" in made.headers) == (201, False)


@pytest.mark.parametrize("value", BAD)
def test_a_malformed_one_is_refused_and_the_header_named(client, car, refused, nothing_changes, value):
    refuse(client, car, refused, nothing_changes, "Idempotency-Key", value)


@pytest.mark.direct("says itself who it is")
@pytest.mark.parametrize("value", BAD)
def test_a_malformed_client_is_refused_and_the_header_named(client, car, refused, nothing_changes, value):
    refuse(client, car, refused, nothing_changes, "X-Client-Id", value)


def refuse(client, car, refused, nothing_changes, header, value):
    overrides = {f"HTTP_{header.upper().replace('-', '_')}": value}
    with nothing_changes():
        for path, body in (
            (f"{car}/allocations", PERIOD),
            ("/api/cars/any/allocations", PERIOD),
            ("/api/cars", {"name": "Car2"}),
        ):
            response = client.post(path, json=body, environ_overrides=overrides)
            refused(response, 422, "invalid_fields", header)
