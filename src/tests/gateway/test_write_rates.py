"""The write rate of a client: counted in addition to its requests, announced in headers, enforced."""

import os
import time

import pytest

from invsys.gateway import settings
from invsys.gateway.rate_limit import rates
from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.rate_limit_fields import announced, reset
from tests.support.raw_upstream import respond_with

UNLIMITED = "1000000/hour"
CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
BOOKING = f"{CAR}/allocations/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a12"
WRITES = [("POST", "/api/cars"), ("PATCH", CAR), ("DELETE", CAR), ("PATCH", BOOKING), ("DELETE", BOOKING)]


@pytest.fixture
def limited(build_from_ini, upstream):
    """Return a function that builds a gateway with the given limits; the services behind it respond with ``ok``."""

    def limited(write_rate="2/hour", rate=UNLIMITED, **more):
        settings = {"limits": {"rate": rate, "write_rate": write_rate, "anonymous": UNLIMITED, **more}}
        return build_from_ini(
            {"services": {"inventory": upstream.url, "echo": upstream.url}, "routes": {"/echo": "echo"}}, settings
        )

    return limited


@pytest.fixture
def new_client(limited, add_client):
    """Return a function that creates a client of a gateway; client and gateway have the given limits."""

    def new_client(client_limits=None, **settings):
        key = add_client("booking", *ALL_SCOPES, "echo:write", **(client_limits or {}))
        return as_client(limited(**settings), key)

    return new_client


def post(client, count=1):
    return [client.post("/api/cars", json={}) for _ in range(count)]


def statuses(responses):
    return [response.status_code for response in responses]


def respond_with_changes(number):
    """Return a function that responds as a service that made ``number`` changes."""
    return respond_with(f"HTTP/1.1 201 Created\r\nX-Changes: {number}\r\nContent-Length: 2\r\n\r\n".encode(), b"[]")


def test_writes_over_the_limit_are_rejected_and_not_forwarded(new_client, upstream):
    client = new_client()
    responses = post(client, 4)
    assert statuses(responses) == [200, 200, 429, 429]
    assert len(upstream.requests) == 2
    for response in responses[2:]:
        assert (response.json["code"], announced(response)) == ("rate_limited", {"write_rate": (2, 0)})
        assert 1 <= int(response.headers["Retry-After"]) <= 3601
        assert reset(response, "write_rate") == int(response.headers["Retry-After"])
        assert "change" in response.json["detail"]
    assert client.get("/api/cars").status_code == 200


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("PUT", "/echo/1")])
def test_every_writing_method_is_counted(new_client, method, path):
    client = new_client(write_rate="1/hour")
    assert [client.open(path, method=method).status_code for _ in range(2)] == [200, 429]
    assert post(client)[0].status_code == 429


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_other_methods_are_not_counted(new_client, method):
    client = new_client(write_rate="1/hour")
    assert {client.open("/api/cars", method=method).status_code for _ in range(5)} == {200}
    assert post(client)[0].status_code == 200


def test_each_client_has_its_own_write_limit(limited, add_client):
    keys = [add_client(name, *ALL_SCOPES) for name in ("booking", "workshop")]
    app = limited()
    assert [statuses(post(as_client(app, key), 3)) for key in keys] == [[200, 200, 429]] * 2


@pytest.mark.parametrize("count", [1, 4])
def test_the_limit_in_the_clients_file_overrides_the_setting(new_client, count):
    assert statuses(post(new_client({"write_rate": f"{count}/hour"}), 6)) == [200] * count + [429] * (6 - count)


def test_all_of_several_windows_apply(new_client):
    assert statuses(post(new_client(write_rate="100/second; 2/hour"), 3)) == [200, 200, 429]


def test_a_rejected_write_counts_as_a_request(new_client):
    client = new_client(rate="4/hour")
    assert statuses(post(client, 3)) == [200, 200, 429]
    assert [client.get("/api/cars").status_code for _ in range(2)] == [200, 429]


class Clock:
    """Replaces the module ``time`` for the counters; a test sets ``now``."""

    def __init__(self):
        self.now = time.time()

    def time(self):
        return self.now


def test_a_write_rejected_by_the_rate_does_not_count_as_a_write(new_client, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    client = new_client(rate="2/second", write_rate="3/hour")
    assert statuses(post(client, 6)) == [200, 200, 429, 429, 429, 429]
    clock.now += 2
    assert statuses(post(client, 2)) == [200, 429]


def test_a_write_of_an_earlier_window_does_not_count(new_client, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    client = new_client(write_rate="1/minute")
    assert statuses(post(client, 2)) == [200, 429]
    clock.now += 61
    assert statuses(post(client, 2)) == [200, 429]


def test_a_write_announces_both_limits_and_a_read_one(new_client):
    client = new_client(rate="9/minute", write_rate="3/hour")
    response = post(client)[0]
    assert announced(response) == {"rate": (9, 8), "write_rate": (3, 2)}
    assert reset(response, "rate") <= 61 < reset(response, "write_rate")
    assert announced(client.get("/api/cars")) == {"rate": (9, 7)}


@pytest.mark.parametrize(
    ("rate", "write_rate", "refused_by"),
    [
        ("9/minute", "1/hour", "write_rate"),
        ("1/hour", "9/minute", "rate"),
        ("9/hour", "9/minute; 1/hour", "write_rate_3600s"),
    ],
)
def test_a_refusal_announces_only_the_limit_that_refused(new_client, rate, write_rate, refused_by):
    rejected = post(new_client(rate=rate, write_rate=write_rate), 2)[1]
    assert (rejected.status_code, announced(rejected)) == (429, {refused_by: (1, 0)})
    assert reset(rejected, refused_by) == int(rejected.headers["Retry-After"]) > 60


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_writes_of_anonymous_callers_are_not_counted(limited, method):
    responses = [limited().test_client().open(CAR, method=method) for _ in range(4)]
    assert {response.status_code for response in responses} == {401}
    assert {name for response in responses for name in announced(response)} == {"anonymous"}


@pytest.mark.parametrize(("changes", "statuses_after"), [(1, [200, 429]), (2, [429]), (100, [429])])
def test_a_write_with_several_changes_counts_as_that_many_writes(new_client, upstream, changes, statuses_after):
    client = new_client()
    upstream.respond = respond_with_changes(changes)
    first = post(client)[0]
    assert (first.status_code, announced(first)["write_rate"]) == (201, (2, max(0, 2 - changes)))
    assert "X-Changes" not in first.headers
    upstream.reset()
    assert statuses(post(client, len(statuses_after))) == statuses_after
    assert client.get("/api/cars").status_code == 200


def test_changes_are_counted_even_if_the_response_is_truncated(new_client, upstream):
    client = new_client()
    head = b"HTTP/1.1 201 Created\r\nX-Changes: 100\r\nContent-Length: 9\r\n\r\n"
    upstream.respond = respond_with(head, b"[", then="close")
    [response] = post(client)
    assert (response.status_code, announced(response)["write_rate"]) == (502, (2, 0))
    assert post(client)[0].status_code == 429


@pytest.mark.parametrize("number", ["", "0", "-5", "1.5", "x", "9" * 30, "1, 2", "2\r\nX-Changes: 2"])
def test_a_malformed_number_of_changes_counts_as_one(new_client, upstream, number):
    client = new_client()
    upstream.respond = respond_with_changes(number)
    assert statuses(post(client, 3)) == [201, 201, 429]


def test_a_quantity_counts_as_that_many_writes(build_gateway, inventory, add_client):
    client = as_client(build_gateway(inventory, INVSYS_LIMITS_WRITE_RATE="12/hour"), add_client("booking", *ALL_SCOPES))
    for number in range(3):
        assert client.post("/api/cars", json={"name": f"Car{number}"}).status_code == 201
    order = {"from_infinity": True, "to_infinity": True, "quantity": 3}
    orders = [
        client.post("/api/cars/any/allocations", json=order, headers={"Idempotency-Key": "order-1"}) for _ in range(2)
    ]
    assert statuses(orders) == [201, 201]
    # A replayed request makes no further change.
    assert [announced(response)["write_rate"] for response in orders] == [(12, 6), (12, 5)]
    assert "X-Changes" not in orders[0].headers


def test_the_default_is_100_per_second_and_1000_per_minute(new_client, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    client = new_client(write_rate=settings.load(environ={"INVSYS_CONFIG": os.devnull})["limits"]["write_rate"])
    for _ in range(10):
        assert statuses(post(client, 101)) == [200] * 100 + [429]
        clock.now += 1
    assert announced(post(client)[0]) == {"write_rate_60s": (1000, 0)}


def test_two_gateways_share_the_write_limit(limited, add_client, redis, upstream):
    key = add_client("booking", *ALL_SCOPES, write_rate="7/hour")
    first, second = (as_client(limited(storage=redis.url), key) for _ in range(2))
    assert statuses(post(client)[0] for client in (first, second)) == [200, 200]
    upstream.respond = respond_with_changes(3)
    assert announced(post(first)[0])["write_rate"] == (7, 2)
    upstream.reset()
    assert statuses(post(client)[0] for client in (first, second) * 2) == [200, 200, 429, 429]
    assert second.get("/api/cars").status_code == 200
