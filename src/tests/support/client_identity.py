"""Test clients that send the identity headers of the gateway; some are restricted to their own allocations."""

OWN_ONLY = {"X-Client-Sees": "own"}


def client_as(app, client_id, **more):
    """Return a test client that sends X-Client-Id, and the headers in ``more``, with every request."""
    client = app.test_client()
    for name, value in {"X-Client-Id": client_id, **more}.items():
        client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return client


def restricted_client(app, client_id):
    """Return a test client that may see only its own allocations."""
    return client_as(app, client_id, **OWN_ONLY)


def ids(response):
    """Return the ids of the allocations in a response: a list, or the conflicts in an error."""
    rows = response.json if response.status_code == 200 else response.json["conflicts"]
    return [row["id"] for row in rows]


def without_client_id(allocation):
    """Return an allocation without its creator, as a client gets it that is restricted to its own allocations."""
    return {name: value for name, value in allocation.items() if name != "client_id"}


def without_request_ids(response):
    """Return status, headers and body of a response, without the date, the request id, and the id in the path."""
    headers = {name: value for name, value in response.headers.items() if name not in ("X-Request-Id", "Date")}
    body = response.text.replace(response.headers["X-Request-Id"], "").replace(response.request.path[-36:], "")
    return response.status_code, headers, body
