"""A service that says that it closes the connection is not asked over it again (RFC 9112, 9.6)."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.serving_apps import served_app

ANSWERS = {
    "with a body": ("200 OK", [("Content-Length", "2")], [b"{}"]),
    "with an empty body": ("200 OK", [("Content-Length", "0")], []),
    "without a body": ("204 No Content", [], []),
    "not modified": ("304 Not Modified", [("ETag", '"1"')], []),
}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_the_next_request_is_answered_too(gateway, key_of, kind, method):
    status, headers, content = ANSWERS[kind]

    def closing(environ, start_response):
        # The server that this runs in says Connection: close with every answer, and means it.
        start_response(status, headers)
        return content

    key = key_of("booking", "resources:read", "resources:write")
    path = "/api/cars/1d08d67a-6e9d-4567-817c-90d66b227cc2" if method == "DELETE" else "/api/cars"
    with served_app(closing) as url:
        client = as_client(gateway(url, INVSYS_UPSTREAM_READ_TIMEOUT="0.5"), key)
        found = [client.open(path, method=method).status for _ in range(3)]
    assert found == [status.replace("Not Modified", "NOT MODIFIED").replace("No Content", "NO CONTENT")] * 3
