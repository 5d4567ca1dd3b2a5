"""A service on several hosts: they take turns, and one that is away is missed by nobody."""

import threading
import time
from contextlib import ExitStack

import pytest

from tests.gateway.conftest import as_client
from tests.support.raw_upstream import deaf, listening, unused_port
from tests.support.waiting import until

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@pytest.fixture
def calling(built, key_of):
    """A caller of a gateway in front of these hosts."""
    key = key_of("booking", "echo:read", "echo:write")

    def calling(*urls):
        service = {"services": {"echo": ", ".join(urls)}, "routes": {"/echo": "echo"}}
        return as_client(built(service, {"upstream": {"connect_timeout": 0.4, "read_timeout": 2}}), key)

    return calling


def asked(*hosts):
    """Give how many requests of ours each has got: whoever looks whether a host answers asks for something else."""
    return [len([request for request in host.requests if request.target.startswith("/echo")]) for host in hosts]


def test_they_take_turns(calling):
    with listening() as one, listening() as other, listening() as third:
        client = calling(one.url, other.url, third.url)
        assert {client.get("/echo/a").status_code for _ in range(12)} == {200}
        assert asked(one, other, third) == [4, 4, 4]


def test_each_is_asked_by_its_own_name(calling):
    with listening() as one, listening() as other:
        client = calling(one.url, other.url)
        for _ in range(2):
            client.get("/echo/a")
        for host in (one, other):
            assert [request.values("host") for request in host.requests] == [[host.url.removeprefix("http://")]]


@pytest.mark.parametrize("method", METHODS)
def test_who_is_away_has_got_nothing_so_that_the_next_is_asked_whatever_is_asked(calling, method):
    with listening() as there:
        client = calling(f"http://127.0.0.1:{unused_port()}", there.url)
        assert {client.open("/echo/a", method=method).status_code for _ in range(4)} == {200}
        assert asked(there) == [4]


def test_who_is_away_is_left_out_so_that_no_request_pays_for_it(calling):
    with deaf(queue=0) as full, listening() as there:
        client = calling(full, there.url)
        client.get("/echo/a")
        client.get("/echo/a")
        started = time.monotonic()
        assert {client.get("/echo/a").status_code for _ in range(10)} == {200}
        # A single attempt to connect to it would take 0.4 seconds.
        assert time.monotonic() - started < 0.4


def test_who_takes_requests_and_is_silent_costs_one_of_them(calling):
    with listening() as silent, listening() as there:
        silent.answer = lambda talk: (talk.read(), talk.wait_to_be_left())
        client = calling(silent.url, there.url)
        statuses = [client.get("/echo/a").status_code for _ in range(6)]
        assert sorted(statuses) == [200] * 5 + [504]


def test_who_comes_back_is_asked_again(calling):
    with listening() as there, ExitStack() as later:
        port = unused_port()
        client = calling(f"http://127.0.0.1:{port}", there.url)
        assert {client.get("/echo/a").status_code for _ in range(4)} == {200}
        back = later.enter_context(listening(port))
        until(lambda: client.get("/echo/a").status_code == 200 and asked(back) > [0], seconds=5)
        before = asked(back, there)
        assert {client.get("/echo/a").status_code for _ in range(10)} == {200}
        assert [after - once for after, once in zip(asked(back, there), before, strict=True)] == [5, 5]


def test_who_goes_away_while_it_is_asked_is_missed_by_nobody(calling):
    with listening() as there, ExitStack() as until_then:
        leaving = until_then.enter_context(listening())
        client = calling(leaving.url, there.url)
        assert {client.get("/echo/a").status_code for _ in range(4)} == {200}
        until_then.close()
        assert {client.get("/echo/a").status_code for _ in range(10)} == {200}


def test_where_all_are_away_it_is_told_at_once_and_over_as_soon_as_one_is_back(calling):
    ports = unused_port(), unused_port()
    client = calling(*(f"http://127.0.0.1:{port}" for port in ports))
    for method in METHODS:
        started = time.monotonic()
        answer = client.open("/echo/a", method=method)
        assert time.monotonic() - started < 0.4
        assert answer.status_code == 502
        assert method == "HEAD" or answer.json["code"] == "upstream_unreachable"
    with listening(ports[1]) as back:
        assert client.get("/echo/a").status_code == 200
        assert asked(back) == [1]


def test_where_all_are_deaf_it_is_told_soon(calling):
    with deaf(queue=0) as one, deaf(queue=0) as other:
        client = calling(one, other)
        started = time.monotonic()
        assert client.get("/echo/a").status_code == 502
        # Each, and perhaps the first once more.
        assert time.monotonic() - started < 2


def test_many_at_once_miss_nobody_either(calling):
    with listening() as there, ExitStack() as until_then:
        leaving = until_then.enter_context(listening())
        client = calling(leaving.url, there.url)
        statuses = []

        headers = {"Authorization": client.environ_base["HTTP_AUTHORIZATION"]}

        def ask():
            caller = client.application.test_client()
            statuses.extend(caller.get("/echo/a", headers=headers).status_code for _ in range(20))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        until_then.close()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200}


def test_a_service_on_one_host_recovers_as_soon_as_it_is_back(calling):
    port = unused_port()
    client = calling(f"http://127.0.0.1:{port}")
    assert client.get("/echo/a").status_code == 502
    with listening(port):
        assert client.get("/echo/a").status_code == 200
    assert client.get("/echo/a").status_code == 502
    with listening(port):
        assert client.post("/echo/a").status_code == 200
