"""Test clients that send the identity headers of the gateway, with or without the restriction to their allocations."""

OWN_ONLY = {"X-Client-Sees": "own"}


def client_as(app, client_id, **more):
    """Return a test client that sends this X-Client-Id, and further headers, with every request."""
    client = app.test_client()
    for name, value in {"X-Client-Id": client_id, **more}.items():
        client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return client


def restricted_client(app, client_id):
    """Return a test client that may see only its own allocations."""
    return client_as(app, client_id, **OWN_ONLY)


def ids(response):
    """Return the ids in a list of allocations, or in the conflicts of an error response."""
    rows = response.json if response.status_code == 200 else response.json["conflicts"]
    return [row["id"] for row in rows]


def without_client_id(allocation):
    """Return an allocation as a client sees it that sees only its own."""
    return {name: value for name, value in allocation.items() if name != "client_id"}


def without_request_ids(response):
    """Return status, headers and body of a response, without its request id, date and the id at the end of the path."""
    headers = {name: value for name, value in response.headers.items() if name not in ("X-Request-Id", "Date")}
    body = response.text.replace(response.headers["X-Request-Id"], "").replace(response.request.path[-36:], "")
    return response.status_code, headers, body
