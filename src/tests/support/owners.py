"""Callers as the gateway announces them, each of whom may know only of the allocations that it made itself."""

OWN = {"X-Client-Sees": "own"}


def announced(app, client_id, **more):
    """Give a caller whose every request comes with this X-Client-Id, and these headers."""
    client = app.test_client()
    for name, value in {"X-Client-Id": client_id, **more}.items():
        client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return client


def restricted(app, client_id):
    """Give a caller that may know only of its own."""
    return announced(app, client_id, **OWN)


def ids(response):
    """Give the ids in a list of allocations, or in the conflicts of a refusal."""
    found = response.json if response.status_code == 200 else response.json["conflicts"]
    return [one["id"] for one in found]


def but_ids(response):
    """Give all that an answer says but the ids that the request brought along, and its own."""
    headers = {name: value for name, value in response.headers.items() if name not in ("X-Request-Id", "Date")}
    body = response.text.replace(response.headers["X-Request-Id"], "").replace(response.request.path[-36:], "")
    return response.status_code, headers, body
