"""A second service is configured with one line in each of two sections, and has its own scopes."""

import pytest
from flask import Flask, jsonify, request

from tests.support.gateway_refusals import challenges
from tests.support.gateway_system import running_system
from tests.support.refusals import refused
from tests.support.serving_apps import served_app
from tests.support.tables import table_driven

BELOW = "/api/bookings/7/lines"
CLIENTS = {
    "reader": "booking:read",
    "writer": "booking:write",
    "both": "booking:read booking:write",
    "fleet": "resources:read resources:write allocations:read allocations:write events:read",
    "deep": "deep:read",
    "unrelated": "other:read",
}


def echo_service(name):
    """Return an application that responds with the details of each request."""
    app = Flask(name, static_folder=None)

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def echo(path):
        details = {"service": name, "method": request.method, "target": request.full_path.rstrip("?")}
        return jsonify(details | {"client": request.headers.get("X-Client-Id"), "body": request.get_data(as_text=True)})

    return app


@pytest.fixture(scope="module")
def shared_system(migrated_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("system")
    with served_app(echo_service("booking")) as booking, served_app(echo_service("deep")) as deep:
        file = folder / "gateway.ini"
        file.write_text(
            f"[services]\nbooking = {booking}\ndeep = {deep}\n"
            "[routes]\n/api/bookings = booking\n/api/bookings/deep = deep\n/api/cars/deep = deep\n"
        )
        with running_system(migrated_url, folder, CLIENTS, INVSYS_CONFIG=str(file)) as system:
            yield system


@pytest.fixture
def system(shared_system, database_url):
    return shared_system


@table_driven("path", ["/api/bookings", BELOW, f"{BELOW}?a=1&b=%C3%A9"])
@table_driven("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_reading_and_writing_require_different_scopes(system, method, path):
    reads = method in ("GET", "HEAD")
    scope, allowed, other = ("booking:read", "reader", "writer") if reads else ("booking:write", "writer", "reader")
    for name in (allowed, "both"):
        response = system.call(name, method, path, data=None if reads else b"hello")
        assert response.status_code == 200
        if method != "HEAD":
            expected = {"service": "booking", "method": method, "target": path, "client": name}
            assert response.json | expected == response.json
    for name in (other, "fleet", "unrelated", "deep"):
        response = system.call(name, method, path, data=None if reads else b"hello")
        assert response.status_code == 403
        assert challenges(response)["Bearer"]["scope"] == scope
        if method != "HEAD":
            assert refused(response, 403, "forbidden")["scope"] == scope
    assert system.call("anonymous", method, path).status_code == 401


def test_a_trailing_slash_is_forwarded(system):
    for path in ("/api/bookings/", f"{BELOW}/"):
        response = system.call("reader", "GET", path)
        assert (response.status_code, response.json.get("target")) == (200, path)


def test_the_body_is_forwarded(system):
    response = system.call("writer", "POST", BELOW, data=b'{"a": "\xc3\xa9"}', content_type="application/json")
    assert response.json["body"] == '{"a": "é"}'


@pytest.mark.parametrize(
    ("path", "name", "service"),
    [
        ("/api/bookings/deep", "deep", "deep"),
        ("/api/bookings/deep/er", "deep", "deep"),
        ("/api/bookings/deeper", "reader", "booking"),
        ("/api/bookings/dee", "reader", "booking"),
        ("/api/cars/deep", "deep", "deep"),
        ("/api/cars/deep/allocations", "deep", "deep"),
    ],
)
def test_the_longest_matching_prefix_decides(system, path, name, service):
    assert system.call(name, "GET", path).json["service"] == service
    refused(system.call("unrelated", "GET", path), 403, "forbidden")
    refused(system.call("fleet", "GET", path), 403, "forbidden")


def test_a_prefix_matches_whole_segments(system):
    for path in ("/api/bookingsx", "/api/booking", "/apibookings", "/api/bookings.json"):
        responses = [system.call(name, "GET", path) for name in ("both", "fleet")]
        assert [response.status_code for response in responses if response.status_code not in (403, 404)] == []


@pytest.mark.parametrize("name", ["reader", "writer", "both", "deep", "unrelated"])
def test_scopes_of_other_services_permit_nothing_in_a_collection(system, name):
    for method, path in (("GET", "/api/cars"), ("POST", "/api/cars"), ("GET", "/api/cars/all/allocations")):
        refused(system.call(name, method, path, json={} if method == "POST" else None), 404, "not_found")
    refused(system.call(name, "GET", "/api/events"), 403, "forbidden")


def test_the_inventory_stays_available(system):
    ids = system.create_cars("fleet")
    assert system.call("fleet", "GET", f"/api/cars/{ids['car']}").json["id"] == ids["car"]
    assert system.call("fleet", "GET", "/api/events").status_code == 200
    assert system.call("anonymous", "GET", "/docs").status_code == 200


def test_other_methods_get_405(system):
    response = system.call("both", "PROPFIND", BELOW)
    assert response.status_code == 405
