"""How much a client may write: counted in addition to its requests, announced, and refused."""

import os
import time

import pytest

from invsys.gateway import settings
from invsys.gateway.rate_limit import rates
from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.raw_upstream import says
from tests.support.redis_server import RedisServer

FREE = "1000000/hour"
CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
BOOKING = f"{CAR}/allocations/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a12"
WRITES = [("POST", "/api/cars"), ("PATCH", CAR), ("DELETE", CAR), ("PATCH", BOOKING), ("DELETE", BOOKING)]


@pytest.fixture
def limited(built, upstream):
    """A gateway with these limits in front of a service that answers ok."""

    def limited(write_rate="2/hour", rate=FREE, **limits):
        mine = {"limits": {"rate": rate, "write_rate": write_rate, "anonymous": FREE, **limits}}
        return built({"services": {"inventory": upstream.url, "echo": upstream.url}, "routes": {"/echo": "echo"}}, mine)

    return limited


@pytest.fixture
def caller(limited, key_of):
    """A client with its own limits, of a gateway with these limits."""

    def caller(own=None, **limits):
        key = key_of("booking", *EVERYTHING, "echo:write", **(own or {}))
        return as_client(limited(**limits), key)

    return caller


def post(client, count=1):
    return [client.post("/api/cars", json={}) for _ in range(count)]


def statuses(answers):
    return [answer.status_code for answer in answers]


def announced(answer):
    return answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]


def changing(number):
    """An answer of a service that made ``number`` changes."""
    return says(f"HTTP/1.1 201 Created\r\nX-Changes: {number}\r\nContent-Length: 2\r\n\r\n".encode(), b"[]")


def test_a_client_that_changes_too_much_is_refused_and_the_service_is_not_asked(caller, upstream):
    client = caller()
    answers = post(client, 4)
    assert statuses(answers) == [200, 200, 429, 429]
    assert len(upstream.requests) == 2
    for answer in answers[2:]:
        assert (answer.json["code"], announced(answer)) == ("rate_limited", ("2", "0"))
        assert 1 <= int(answer.headers["Retry-After"]) <= 3601
        assert answer.headers["RateLimit-Reset"] == answer.headers["Retry-After"]
        assert "change" in answer.json["detail"]
    assert client.get("/api/cars").status_code == 200


@pytest.mark.parametrize(("method", "path"), [*WRITES, ("PUT", "/echo/1")])
def test_every_method_that_changes_counts(caller, method, path):
    client = caller(write_rate="1/hour")
    assert [client.open(path, method=method).status_code for _ in range(2)] == [200, 429]
    assert post(client)[0].status_code == 429


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_no_other_method_counts(caller, method):
    client = caller(write_rate="1/hour")
    assert {client.open("/api/cars", method=method).status_code for _ in range(5)} == {200}
    assert post(client)[0].status_code == 200


def test_the_writes_of_one_client_do_not_touch_another(limited, key_of):
    keys = [key_of(name, *EVERYTHING) for name in ("booking", "workshop")]
    app = limited()
    assert [statuses(post(as_client(app, key), 3)) for key in keys] == [[200, 200, 429]] * 2


@pytest.mark.parametrize("own", [1, 4])
def test_the_limit_of_the_clients_file_replaces_the_setting(caller, own):
    assert statuses(post(caller({"write_rate": f"{own}/hour"}), 6)) == [200] * own + [429] * (6 - own)


def test_all_of_several_windows_apply(caller):
    assert statuses(post(caller(write_rate="100/second; 2/hour"), 3)) == [200, 200, 429]


def test_a_refused_write_counts_as_a_request(caller):
    client = caller(rate="4/hour")
    assert statuses(post(client, 3)) == [200, 200, 429]
    assert [client.get("/api/cars").status_code for _ in range(2)] == [200, 429]


class Clock:
    """Replaces ``time`` of the counters."""

    def __init__(self):
        self.now = time.time()

    def time(self):
        return self.now


def test_a_write_that_the_rate_refuses_does_not_count_as_a_write(caller, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    client = caller(rate="2/second", write_rate="3/hour")
    assert statuses(post(client, 6)) == [200, 200, 429, 429, 429, 429]
    clock.now += 2
    assert statuses(post(client, 2)) == [200, 429]


def test_a_write_of_an_earlier_window_does_not_count(caller, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    client = caller(write_rate="1/minute")
    assert statuses(post(client, 2)) == [200, 429]
    clock.now += 61
    assert statuses(post(client, 2)) == [200, 429]


@pytest.mark.parametrize(
    ("rate", "write_rate", "written", "read"),
    [
        ("9/hour", "3/hour", ("3", "2"), ("9", "7")),
        ("3/hour", "9/hour", ("3", "2"), ("3", "1")),
        # Both have as many left: the one whose window ends later is the tighter one.
        ("3/minute", "3/hour", ("3", "2"), ("3", "1")),
    ],
)
def test_the_tighter_limit_is_announced(caller, rate, write_rate, written, read):
    client = caller(rate=rate, write_rate=write_rate)
    answer = post(client)[0]
    assert announced(answer) == written
    if rate == "3/minute":
        assert int(answer.headers["RateLimit-Reset"]) > 60
    assert announced(client.get("/api/cars")) == read


def test_the_limit_that_refuses_is_the_one_that_is_announced(caller):
    client = caller(rate="2/minute", write_rate="1/hour")
    refused = post(client, 2)[1]
    assert (refused.status_code, announced(refused)) == (429, ("1", "0"))
    assert refused.headers["RateLimit-Reset"] == refused.headers["Retry-After"]
    assert int(refused.headers["Retry-After"]) > 60


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_an_unknown_caller_has_no_writes_to_count(limited, method):
    answers = [limited().test_client().open(CAR, method=method) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {401}
    assert {announced(answer)[0] for answer in answers} == {"1000000"}


@pytest.mark.parametrize(("made", "then"), [(1, [200, 429]), (2, [429]), (100, [429])])
def test_a_write_that_makes_several_changes_counts_as_many(caller, upstream, made, then):
    client = caller()
    upstream.answer = changing(made)
    first = post(client)[0]
    assert (first.status_code, announced(first)) == (201, ("2", str(max(0, 2 - made))))
    assert "X-Changes" not in first.headers
    upstream.again()
    assert statuses(post(client, len(then))) == then
    assert client.get("/api/cars").status_code == 200


def test_changes_count_although_the_answer_broke_off(caller, upstream):
    client = caller()
    head = b"HTTP/1.1 201 Created\r\nX-Changes: 100\r\nContent-Length: 9\r\n\r\n"
    upstream.answer = says(head, b"[", then="closes")
    assert [(answer.status_code, announced(answer)) for answer in post(client)] == [(502, ("2", "0"))]
    assert post(client)[0].status_code == 429


@pytest.mark.parametrize("number", ["", "0", "-5", "1.5", "x", "9" * 30, "1, 2", "2\r\nX-Changes: 2"])
def test_a_malformed_number_of_changes_counts_as_one(caller, upstream, number):
    client = caller()
    upstream.answer = changing(number)
    assert statuses(post(client, 3)) == [201, 201, 429]


def test_a_quantity_counts_as_that_many_writes(gateway, inventory, key_of):
    client = as_client(gateway(inventory, INVSYS_LIMITS_WRITE_RATE="12/hour"), key_of("booking", *EVERYTHING))
    for number in range(3):
        assert client.post("/api/cars", json={"name": f"Car{number}"}).status_code == 201
    order = {"from_infinity": True, "to_infinity": True, "quantity": 3}
    orders = [
        client.post("/api/cars/any/allocations", json=order, headers={"Idempotency-Key": "order-1"}) for _ in range(2)
    ]
    assert statuses(orders) == [201, 201]
    # A replayed order makes no further change.
    assert [announced(answer) for answer in orders] == [("12", "6"), ("12", "5")]
    assert "X-Changes" not in orders[0].headers


def test_the_default_is_a_hundred_a_second_and_a_thousand_a_minute(caller, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    client = caller(write_rate=settings.load(environ={"INVSYS_CONFIG": os.devnull})["limits"]["write_rate"])
    for _ in range(10):
        assert statuses(post(client, 101)) == [200] * 100 + [429]
        clock.now += 1
    assert announced(post(client)[0]) == ("1000", "0")


@pytest.fixture
def redis(tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


def test_two_gateways_count_writes_together(limited, key_of, redis, upstream):
    key = key_of("booking", *EVERYTHING, write_rate="7/hour")
    one, other = (as_client(limited(storage=redis.url), key) for _ in range(2))
    assert statuses(post(client)[0] for client in (one, other)) == [200, 200]
    upstream.answer = changing(3)
    assert announced(post(one)[0]) == ("7", "2")
    upstream.again()
    assert statuses(post(client)[0] for client in (one, other) * 2) == [200, 200, 429, 429]
    assert other.get("/api/cars").status_code == 200
