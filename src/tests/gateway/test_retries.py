"""The gateway retries repeatable requests once, and nothing else; it reuses connections that the service keeps open."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.raw_upstream import OK, respond_with
from tests.support.serving_apps import served_app
from tests.support.tables import table_driven

KEYED = {"Idempotency-Key": "order-17"}
# Requests that can be repeated safely, and others.
REPEATABLE = [("GET", {}), ("HEAD", {}), ("POST", KEYED)]
NOT_REPEATABLE = [
    ("POST", {}),
    ("PUT", {}),
    ("PATCH", {}),
    ("DELETE", {}),
    ("PUT", KEYED),
    ("PATCH", KEYED),
    ("DELETE", KEYED),
]


@pytest.fixture
def client(build_from_ini, upstream, add_client):
    key = add_client("booking", "echo:read", "echo:write")
    app = build_from_ini({"services": {"echo": upstream.url}, "routes": {"/echo": "echo"}})
    return as_client(app, key)


def fail_on_reuse(how):
    """Return a function that responds to the first request of each connection, and ends it at the second request."""
    connections = set()

    def respond(connection):
        request = connection.read()
        if connection.number in connections:
            {"close": connection.close, "reset": connection.reset}[how]()
            return
        connections.add(connection.number)
        connection.send(OK if request.method != "HEAD" else OK.removesuffix(b"ok"))

    return respond


def send(client, method, headers):
    return client.open(
        "/echo/a", method=method, headers=headers, data=b"{}" if method in ("POST", "PUT", "PATCH") else None
    )


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(("method", "headers"), REPEATABLE)
def test_a_repeatable_request_is_retried_once(client, upstream, method, headers, how):
    upstream.respond = fail_on_reuse(how)
    assert client.get("/echo/warm").status_code == 200
    upstream.requests.clear()
    assert send(client, method, headers).status_code == 200
    first, second = upstream.requests
    assert first == second


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(("method", "headers"), NOT_REPEATABLE)
def test_other_requests_are_not_retried(client, upstream, method, headers, how):
    upstream.respond = fail_on_reuse(how)
    assert client.get("/echo/warm").status_code == 200
    upstream.requests.clear()
    response = send(client, method, headers)
    assert response.status_code == 502, response.data
    assert response.json["code"] == "upstream_unreachable"
    assert "may have been executed" in response.json["detail"]
    assert [request.method for request in upstream.requests] == [method]
    assert send(client, "GET", {}).status_code == 200


@table_driven("then", ["close", "reset"])
@table_driven("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
@table_driven(("method", "headers"), [*REPEATABLE, *NOT_REPEATABLE])
def test_at_most_two_attempts_are_made(client, upstream, method, headers, sent, then):
    upstream.respond = respond_with(sent, then=then)
    upstream.requests.clear()
    assert send(client, method, headers).status_code == 502
    assert len(upstream.requests) <= (2 if (method, headers) in REPEATABLE else 1)


@pytest.mark.parametrize(("method", "headers"), [*REPEATABLE, *NOT_REPEATABLE])
def test_connections_that_the_service_has_closed_are_not_reused(client, upstream, method, headers):
    assert client.get("/echo/warm").status_code == 200
    upstream.drop()
    upstream.requests.clear()
    upstream.respond = respond_with(OK if method != "HEAD" else OK.removesuffix(b"ok"))
    assert send(client, method, headers).status_code == 200
    assert [request.method for request in upstream.requests] == [method]


def test_a_connection_is_reused(client, upstream):
    assert {client.get("/echo/a").status_code for _ in range(10)} == {200}
    assert len(upstream.connections) == 1


def test_an_error_response_is_not_retried(client, upstream):
    upstream.respond = respond_with(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno")
    response = client.get("/echo/a")
    assert (response.status_code, response.data, response.headers["Retry-After"]) == (503, b"no", "1")
    assert len(upstream.requests) == 1


def test_a_truncated_response_is_not_retried(client, upstream):
    upstream.respond = respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", then="close")
    assert send(client, "POST", {}).status_code == 502
    assert len(upstream.requests) == 1


CLOSING_RESPONSES = {
    "with a body": ("200 OK", [("Content-Length", "2")], [b"{}"]),
    "with an empty body": ("200 OK", [("Content-Length", "0")], []),
    "without a body": ("204 No Content", [], []),
    "not modified": ("304 Not Modified", [("ETag", '"1"')], []),
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("kind", CLOSING_RESPONSES)
def test_a_connection_closed_by_the_service_is_not_reused(build_gateway, add_client, kind, method):
    status, headers, content = CLOSING_RESPONSES[kind]

    def closing(environ, start_response):
        # The server sends Connection: close with every response, and closes the connection (RFC 9112, 9.6).
        start_response(status, headers)
        return content

    key = add_client("booking", "resources:read", "resources:write")
    path = "/api/cars/1d08d67a-6e9d-4567-817c-90d66b227cc2" if method == "DELETE" else "/api/cars"
    with served_app(closing) as url:
        client = as_client(build_gateway(url), key)
        statuses = [client.open(path, method=method).status for _ in range(3)]
    assert statuses == [status.replace("Not Modified", "NOT MODIFIED").replace("No Content", "NO CONTENT")] * 3
