"""How many requests of a client may be in the service at once; each place is free again, however a request ends."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.raw_upstream import OK, says
from tests.support.waiting import until


@pytest.fixture
def crowded(built, upstream, key_of):
    """A caller of a gateway that lets two requests of a client in at once."""
    key = key_of("booking", *EVERYTHING)
    limits = {"limits": {"concurrent": 2}, "upstream": {"read_timeout": 0.3}}
    return as_client(built({"services": {"inventory": upstream.url}}, limits), key)


@contextmanager
def held(client, upstream, count):
    """Hold so many requests of a client in the service; whatever else is asked is answered at once."""
    go, waiting = threading.Event(), threading.Semaphore(0)

    def answer(talk):
        if talk.read().target == "/api/events":
            waiting.release()
            assert go.wait(5)
        talk.send(OK)

    upstream.answer = answer
    headers = {"Authorization": client.environ_base["HTTP_AUTHORIZATION"]}

    def ask(_):
        return client.application.test_client().get("/api/events", headers=headers).status_code

    with ThreadPoolExecutor(count) as callers:
        asked = callers.map(ask, range(count))
        for _ in range(count):
            assert waiting.acquire(timeout=5)
        try:
            yield
        finally:
            go.set()
        assert set(asked) == {200}


@pytest.mark.parametrize(("name", "places"), [("booking", 2), ("wide", 3)])
def test_one_more_than_may_be_in_the_service_is_refused(built, upstream, key_of, name, places):
    keys = {"booking": key_of("booking", *EVERYTHING), "wide": key_of("wide", *EVERYTHING, concurrent=3)}
    app = built({"services": {"inventory": upstream.url}, "limits": {"concurrent": 2}})
    client = as_client(app, keys[name])
    with held(client, upstream, places):
        answer = client.get("/api/cars")
        assert (answer.status_code, answer.json["code"]) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "/api/cars" not in [request.target for request in upstream.requests]
        # Another client has places of its own.
        other = as_client(app, keys["wide" if name == "booking" else "booking"])
        assert other.get("/api/cars").status_code == 200
        # Whoever watches is nobody's client.
        assert client.get("/healthz").status_code == 200
    assert [client.get("/api/cars").status_code for _ in range(5)] == [200] * 5


FAULTS = {
    "closes": says(then="closes"),
    "garbage": says(b"garbage\r\n\r\n", then="closes"),
    "half a body": says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", then="closes"),
    "half of chunks": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", then="closes"),
    "half a large body": says(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nhello", then="closes"),
    "silence": says(then="waits"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_place_is_free_again_after_a_fault(crowded, upstream, fault):
    upstream.answer = fault
    for _ in range(3):
        answer = crowded.get("/api/cars")
        assert answer.status_code != 429
        # A server reads what it can, and closes.
        with suppress(Exception), closing(answer):
            answer.get_data()
    upstream.answer = says(OK)
    assert [crowded.get("/api/cars").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/api/cars", b"y" * 70_000), ("PUT", "/api/cars", b""), ("GET", "/api/cars%0a", None)],
)
def test_a_place_is_free_again_after_a_refusal(crowded, method, path, body):
    found = [crowded.open(path, method=method, data=body).status_code for _ in range(5)]
    assert 429 not in found
    assert crowded.get("/api/cars").status_code == 200


def test_a_place_is_free_again_where_the_service_is_away(built, upstream, key_of):
    key = key_of("booking", *EVERYTHING)
    app = built({"services": {"inventory": "http://127.0.0.1:1"}, "limits": {"concurrent": 1}})
    assert [as_client(app, key).get("/api/cars").status_code for _ in range(4)] == [502] * 4


def endless(talk):
    talk.read()
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
    for _ in range(30):
        talk.send(b"y" * 1_000_000)


def test_a_place_is_free_again_when_callers_leave_midway(narrow_door, behind):
    for _ in range(3):
        behind.answer = endless
        narrow_door.left_midway("/echo/a")
        behind.again()
        until(lambda: narrow_door.get("/echo/next").status == 200, seconds=5)


def test_a_place_is_free_again_when_a_stream_breaks(narrow_door, behind):
    for _ in range(3):
        behind.answer = says(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"y" * 1_500_000, then="closes")
        assert not narrow_door.get("/echo/a").whole
        behind.again()
        until(lambda: narrow_door.get("/echo/next").status == 200, seconds=5)
