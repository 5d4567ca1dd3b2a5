"""What is sent to a service a second time: what changes nothing when it is done twice, once more, and nothing else."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.raw_upstream import OK, says

KEYED = {"Idempotency-Key": "order-17"}
# What may be done twice without harm, and what may not.
REPEATED = [("GET", {}), ("HEAD", {}), ("POST", KEYED)]
DONE_ONCE = [
    ("POST", {}),
    ("PUT", {}),
    ("PATCH", {}),
    ("DELETE", {}),
    ("PUT", KEYED),
    ("PATCH", KEYED),
    ("DELETE", KEYED),
]


@pytest.fixture
def client(built, upstream, key_of):
    key = key_of("booking", "echo:read", "echo:write")
    app = built({"services": {"echo": upstream.url}, "routes": {"/echo": "echo"}, "upstream": {"read_timeout": 5}})
    return as_client(app, key)


def dies_when_used_again(how):
    """Answer over new connections; end one that is used a second time after having read the request."""
    used = set()

    def answer(talk):
        request = talk.read()
        if talk.number in used:
            {"closes": talk.close, "resets": talk.reset}[how]()
            return
        used.add(talk.number)
        talk.send(OK if request.method != "HEAD" else OK.removesuffix(b"ok"))

    return answer


def send(client, method, headers):
    return client.open(
        "/echo/a", method=method, headers=headers, data=b"{}" if method in ("POST", "PUT", "PATCH") else None
    )


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize(("method", "headers"), REPEATED)
def test_what_may_be_done_twice_is_sent_again_once(client, upstream, method, headers, how):
    upstream.answer = dies_when_used_again(how)
    assert client.get("/echo/warm").status_code == 200
    upstream.requests.clear()
    assert send(client, method, headers).status_code == 200
    first, second = upstream.requests
    assert first == second


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize(("method", "headers"), DONE_ONCE)
def test_what_may_not_be_done_twice_reaches_the_service_once(client, upstream, method, headers, how):
    upstream.answer = dies_when_used_again(how)
    assert client.get("/echo/warm").status_code == 200
    upstream.requests.clear()
    answer = send(client, method, headers)
    assert answer.status_code == 502, answer.data
    assert answer.json["code"] == "upstream_unreachable"
    # It may have been done.
    assert "may have been executed" in answer.json["detail"]
    assert [request.method for request in upstream.requests] == [method]
    assert send(client, "GET", {}).status_code == 200


@pytest.mark.parametrize("then", ["closes", "resets"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
@pytest.mark.parametrize(("method", "headers"), [*REPEATED, *DONE_ONCE])
def test_a_service_that_always_breaks_off_is_asked_twice_at_most(client, upstream, method, headers, said, then):
    upstream.answer = says(said, then=then)
    assert send(client, method, headers).status_code == 502
    assert len(upstream.requests) <= (2 if (method, headers) in REPEATED else 1)


@pytest.mark.parametrize(("method", "headers"), [*REPEATED, *DONE_ONCE])
def test_connections_that_the_service_has_closed_are_not_used(client, upstream, method, headers):
    assert client.get("/echo/warm").status_code == 200
    upstream.drop()
    upstream.requests.clear()
    upstream.answer = says(OK if method != "HEAD" else OK.removesuffix(b"ok"))
    assert send(client, method, headers).status_code == 200
    assert [request.method for request in upstream.requests] == [method]


def test_a_connection_is_kept_and_used_again(client, upstream):
    assert {client.get("/echo/a").status_code for _ in range(10)} == {200}
    assert len(upstream.connections) == 1


def test_an_answer_that_says_error_is_an_answer(client, upstream):
    upstream.answer = says(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno")
    answer = client.get("/echo/a")
    assert (answer.status_code, answer.data, answer.headers["Retry-After"]) == (503, b"no", "1")
    assert len(upstream.requests) == 1


def test_half_a_body_is_not_asked_for_again_as_if_nothing_had_come(client, upstream):
    upstream.answer = says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", then="closes")
    assert send(client, "POST", {}).status_code == 502
    assert len(upstream.requests) == 1
