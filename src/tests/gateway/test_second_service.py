"""A second service is one line more of each kind, and takes scopes of its own."""

import pytest
from flask import Flask, jsonify, request

from tests.support.gateway_app import built_house
from tests.support.gateway_refusals import challenges
from tests.support.refusals import refused
from tests.support.serving_apps import served_app

BELOW = "/api/bookings/7/lines"
CLIENTS = {
    "reader": "booking:read",
    "writer": "booking:write",
    "both": "booking:read booking:write",
    "fleet": "resources:read resources:write allocations:read allocations:write events:read",
    "deep": "deep:read",
    "nothing": "other:read",
}


def answering(name):
    """Give a service that tells what it was asked, and by whom."""
    app = Flask(name, static_folder=None)

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def tell(path):
        asked = {"service": name, "method": request.method, "target": request.full_path.rstrip("?")}
        return jsonify(asked | {"client": request.headers.get("X-Client-Id"), "body": request.get_data(as_text=True)})

    return app


@pytest.fixture(scope="module")
def built(migrated_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    with served_app(answering("booking")) as booking, served_app(answering("deep")) as deep:
        file = folder / "gateway.ini"
        file.write_text(
            f"[services]\nbooking = {booking}\ndeep = {deep}\n"
            "[routes]\n/api/bookings = booking\n/api/bookings/deep = deep\n/api/cars/deep = deep\n"
        )
        with built_house(migrated_url, folder, CLIENTS, INVSYS_CONFIG=str(file)) as house:
            yield house


@pytest.fixture
def house(built, database_url):
    return built


@pytest.mark.parametrize("path", ["/api/bookings", BELOW, f"{BELOW}?a=1&b=%C3%A9"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_reading_takes_one_scope_and_changing_another(house, method, path):
    reads = method in ("GET", "HEAD")
    scope, allowed, other = ("booking:read", "reader", "writer") if reads else ("booking:write", "writer", "reader")
    for name in (allowed, "both"):
        answer = house.call(name, method, path, data=None if reads else b"hello")
        assert answer.status_code == 200
        if method != "HEAD":
            asked = {"service": "booking", "method": method, "target": path, "client": name}
            assert answer.json | asked == answer.json
    for name in (other, "fleet", "nothing", "deep"):
        answer = house.call(name, method, path, data=None if reads else b"hello")
        assert answer.status_code == 403
        assert challenges(answer)["Bearer"]["scope"] == scope
        if method != "HEAD":
            assert refused(answer, 403, "forbidden")["scope"] == scope
    assert house.call("nobody", method, path).status_code == 401


def test_a_slash_at_the_end_is_the_services_business(house):
    for path in ("/api/bookings/", f"{BELOW}/"):
        answer = house.call("reader", "GET", path)
        assert (answer.status_code, answer.json.get("target")) == (200, path)


def test_what_is_sent_arrives(house):
    answer = house.call("writer", "POST", BELOW, data=b'{"a": "\xc3\xa9"}', content_type="application/json")
    assert answer.json["body"] == '{"a": "é"}'


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
def test_the_longest_beginning_wins(house, path, name, service):
    assert house.call(name, "GET", path).json["service"] == service
    refused(house.call("nothing", "GET", path), 403, "forbidden")
    refused(house.call("fleet", "GET", path), 403, "forbidden")


def test_a_beginning_is_of_whole_segments(house):
    for path in ("/api/bookingsx", "/api/booking", "/apibookings", "/api/bookings.json"):
        found = [house.call(name, "GET", path) for name in ("both", "fleet")]
        assert [answer.status_code for answer in found if answer.status_code not in (403, 404)] == []


@pytest.mark.parametrize("name", ["reader", "writer", "both", "deep", "nothing"])
def test_who_has_scopes_of_other_services_only_has_nothing_in_a_collection(house, name):
    for method, path in (("GET", "/api/cars"), ("POST", "/api/cars"), ("GET", "/api/cars/all/allocations")):
        refused(house.call(name, method, path, json={} if method == "POST" else None), 404, "not_found")
    refused(house.call(name, "GET", "/api/events"), 403, "forbidden")


def test_the_inventory_goes_on_beside(house):
    ids = house.furnish("fleet")
    assert house.call("fleet", "GET", f"/api/cars/{ids['car']}").json["id"] == ids["car"]
    assert house.call("fleet", "GET", "/api/events").status_code == 200
    assert house.call("nobody", "GET", "/docs").status_code == 200


def test_other_methods_are_not_served(house):
    answer = house.call("both", "PROPFIND", BELOW)
    assert answer.status_code == 405
