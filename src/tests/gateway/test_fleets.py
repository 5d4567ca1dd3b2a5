"""Fleets apart: the path or the host name selects an inventory, and links in responses keep the caller's form."""

import logging
import re
import uuid
from urllib.parse import quote

import httpx2
import pytest

from invsys_client import Client
from tests.support.fleets import FLEETS, HOST, two_fleets
from tests.support.hours_in_2099 import period_fields
from tests.support.scraping import scrape_uncached
from tests.support.tables import table_driven

ALL = ("resources:read", "resources:write", "allocations:read", "allocations:write", "events:read")
# How callers address the fleet "north": the prefix of their paths, and the host name.
FORMS = {"by path": ("/north", "localhost"), "by host name": ("", HOST)}


@pytest.fixture(scope="module")
def fleets(tmp_path_factory):
    with two_fleets(tmp_path_factory.mktemp("fleets")) as fleets:
        fleets.add_client("all", *(f"{scope}@{fleet}/*" for scope in ALL for fleet in FLEETS), *ALL)
        yield fleets


@pytest.fixture(scope="module")
def gateway(fleets):
    return fleets.build_gateway(hosts={"north": HOST})


@pytest.fixture
def call(fleets, gateway):
    """Return a function that sends a request to the gateway with the key of a client that has all scopes."""

    def call(method, path, host="localhost", name="all", **options):
        return fleets.call(gateway, name, method, path, host, **options)

    return call


@pytest.fixture(params=FORMS.values(), ids=FORMS)
def north(call, request):
    """Return a function that sends a request to the fleet "north", in each form; and the prefix of its links."""
    prefix, host = request.param

    def north(method, path, **options):
        return call(method, prefix + path, host, **options)

    north.prefix = prefix
    return north


def new_car(call, path, **fields):
    response = call("POST", path, json={"name": str(uuid.uuid4()), **fields})
    assert response.status_code == 201, response.text
    return response


def test_each_fleet_has_its_own_vehicles(call, fleets):
    cars = {fleet: new_car(call, f"/{fleet}/api/cars").json["id"] for fleet in FLEETS}
    for fleet, other in (FLEETS, FLEETS[::-1]):
        assert call("GET", f"/{fleet}/api/cars/{cars[fleet]}").status_code == 200
        assert call("GET", f"/{fleet}/api/cars/{cars[other]}").status_code == 404
        assert fleets.inventories[fleet].get(f"/api/cars/{cars[fleet]}").status_code == 200


def test_the_same_fleet_is_reached_in_both_forms(call):
    location = new_car(call, "/north/api/cars").headers["Location"]
    assert call("GET", location.removeprefix("/north"), HOST).status_code == 200


def test_links_in_headers_keep_the_form_of_the_request(north):
    created = new_car(north, "/api/cars")
    path = f"/api/cars/{created.json['id']}"
    assert created.headers["Location"] == north.prefix + path
    allocation = north("POST", f"{path}/allocations", json=period_fields(1, 2))
    assert allocation.headers["Location"] == f"{north.prefix}{path}/allocations/{allocation.json['id']}"
    any_vehicle = north("POST", "/api/cars/any/allocations", json=period_fields(3, 4))
    assert any_vehicle.headers["Location"].startswith(f"{north.prefix}/api/cars/")
    new_car(north, "/api/cars")
    page = north("GET", "/api/cars?limit=1&order=name")
    [following] = re.findall(r'<(.*)>; rel="next"', page.headers["Link"])
    assert following.startswith(f"{north.prefix}/api/cars?")
    assert north("GET", following.removeprefix(north.prefix)).status_code == 200


def test_a_cursor_and_a_key_are_valid_in_both_forms(call):
    body = {"json": {"name": "Twice"}, "headers": {"Idempotency-Key": "k1"}}
    first, second = call("POST", "/north/api/cars", **body), call("POST", "/api/cars", HOST, **body)
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (first.headers["Location"], second.headers["Location"]) == (
        f"/north/api/cars/{first.json['id']}",
        f"/api/cars/{first.json['id']}",
    )
    [following] = re.findall("<(.*)>", call("GET", "/north/api/cars?limit=1").headers["Link"])
    assert call("GET", following.removeprefix("/north"), HOST).status_code == 200


@table_driven(
    ("path", "status", "code"),
    [
        ("/api/cars/00000000-0000-4000-8000-000000000000", 404, "resource_not_found"),
        ("/api/cars?unknown=1", 422, "invalid_fields"),
        ("/nothing/here", 404, "not_found"),
    ],
)
def test_the_type_of_a_problem_is_the_path_of_its_page(north, path, status, code):
    response = north("GET", path)
    assert (response.status_code, response.json["code"]) == (status, code), response.text
    assert response.json["type"] == f"{north.prefix}/docs/problems/{code}"
    page = north("GET", response.json["type"].removeprefix(north.prefix))
    assert page.status_code == 200


def test_the_gateways_own_problems_have_their_page_too(north):
    response = north("GET", "/api/cars", name="unknown")
    assert response.status_code == 401
    assert response.json["type"] == f"{north.prefix}/docs/problems/unauthenticated"
    assert north("GET", "/docs/problems/unauthenticated").status_code == 200


@table_driven("path", ["/", "/docs", "/docs/", "/docs/problems", "/docs/problems/not_found", "/table", "/nothing"])
def test_every_link_of_a_page_leads_to_the_same_fleet(north, path):
    page = north("GET", path, headers={"Accept": "text/html"})
    assert page.mimetype == "text/html"
    base = httpx2.URL(f"http://gateway{north.prefix}{path}")
    links = re.findall(r'(?:href|src|action|data-document)="([^"#]+)"', page.text)
    assert links
    for link in links:
        url = base.join(link.replace("&amp;", "&"))
        assert url.path.startswith(f"{north.prefix}/"), link
        target = url.raw_path.decode().removeprefix(north.prefix)
        assert north("GET", target, headers={"Accept": "*/*"}).status_code == 200, link


def test_the_shell_of_the_page_is_the_same_in_both_forms(call):
    by_path, by_host = call("GET", "/north/"), call("GET", "/", HOST)
    assert by_path.text == by_host.text
    assert by_path.headers["Content-Security-Policy"] == by_host.headers["Content-Security-Policy"]


def test_a_fleet_without_a_slash_is_redirected_to_its_page(call):
    response = call("GET", "/north", name="nobody")
    assert (response.status_code, response.headers["Location"]) == (308, "/north/")
    assert call("GET", "/south", HOST).status_code == 404


def test_the_openapi_document_names_the_server(north):
    document = north("GET", "/api/openapi.json").json
    assert document["servers"] == [{"url": north.prefix or "/"}]
    assert "/whoami" in document["paths"]


def test_gbfs_calendars_and_the_feed_are_those_of_the_fleet(north):
    car = new_car(north, "/api/lorries").json["id"]
    allocation = north("POST", f"/api/lorries/{car}/allocations", json=period_fields(1, 2)).json["id"]
    assert north("GET", "/api/lorries/gbfs/vehicle_availability.json").status_code == 200
    assert allocation in north("GET", f"/api/lorries/{car}/allocations.ics").text
    events = north("GET", "/api/events?limit=1000").json["events"]
    assert allocation in {event["allocation_id"] for event in events}


# Paths that are the same for the router and for people, but not for every server.
@table_driven(
    "path",
    [
        "/east/api/cars",
        "/NORTH/api/cars",
        "/nort/api/cars",
        "/northern/api/cars",
        "/north/south/api/cars",
        "/north//api/cars",
        "/north/../south/api/cars",
        "/north/./api/cars",
        quote("/north\n/api/cars"),
        "/api/cars",
        "/api/events",
        "/north/healthz",
        "/north/readyz",
        "/north/metrics",
        "/east/",
        "/east",
        "/",
        "/docs",
    ],
)
@table_driven("method", ["GET", "POST", "DELETE"])
def test_an_unknown_fleet_is_404(call, method, path):
    # Without an inventory of no fleet, the paths of the table still have their methods.
    expected = (404, 405) if path in ("/", "/docs", "/api/cars", "/api/events") else (404,)
    assert call(method, path).status_code in expected


def test_an_unknown_fleet_of_a_host_name_is_the_first_part_of_a_path_that_does_not_exist(call):
    assert call("GET", "/south/api/cars", HOST).status_code == 404
    assert call("GET", "/north/api/cars", HOST).status_code == 404


@table_driven("path", ["/api/cars", "/api/events", "/whoami", "/nothing"])
def test_without_a_key_a_known_and_an_unknown_fleet_look_alike(call, path):
    responses = [call("GET", f"/{fleet}{path}", name="nobody") for fleet in ("north", "east")]
    assert [response.status_code for response in responses] == [401, 401]
    bodies = [{**response.json, "request_id": "", "type": response.json["type"][-20:]} for response in responses]
    assert bodies[0] == bodies[1]


def test_an_inventory_of_no_fleet_stays_where_it_was(fleets):
    app = fleets.build_gateway({"services": {"inventory": fleets.urls["south"]}})
    location = fleets.call(app, "all", "POST", "/api/cars", json={"name": "Own"}).headers["Location"]
    assert location.startswith("/api/cars/")
    assert fleets.inventories["south"].get(location).status_code == 200
    assert fleets.call(app, "all", "GET", f"/south{location}").status_code == 200
    assert fleets.call(app, "all", "GET", f"/north{location}").status_code == 404


def test_a_fleet_that_is_away_leaves_the_gateway_ready_and_the_others_serving(fleets):
    app = fleets.build_gateway({"fleets": {"south": "http://127.0.0.1:9"}})
    assert fleets.call(app, "all", "GET", "/south/api/cars").status_code == 502
    assert fleets.call(app, "all", "GET", "/north/api/cars").status_code == 200
    assert fleets.call(app, None, "GET", "/readyz").status_code == 200


def test_a_second_service_is_of_no_fleet(fleets):
    app = fleets.build_gateway(
        {"services": {"booking": fleets.urls["south"]}, "routes": {"/api/bookings": "booking"}},
    )
    fleets.add_client("bookings", "booking:read", "booking:read@north/*", "resources:read@north/*")
    assert fleets.call(app, "bookings", "GET", "/north/api/bookings/1").status_code == 404


def test_metrics_and_log_name_the_fleet(call, capsys, caplog):
    caplog.set_level(logging.INFO, "invsys.requests")
    assert call("GET", "/north/api/cars").status_code == 200
    series = 'gateway_upstream_duration_seconds_count{fleet="north",outcome="answered",service="inventory"}'
    assert series in scrape_uncached(lambda: call("GET", "/metrics").text)
    assert '"fleet":"north"' in capsys.readouterr().err


def test_callers_cannot_choose_the_prefix_of_links(north):
    response = north("POST", "/api/cars", json={"name": str(uuid.uuid4())}, headers={"X-Forwarded-Prefix": "/evil"})
    assert response.headers["Location"].startswith(f"{north.prefix}/api/cars/")


def test_the_python_client_works_below_a_fleet(fleets, gateway):
    transport = httpx2.WSGITransport(app=gateway)
    with Client("http://localhost/north", token=fleets.keys["all"], transport=transport) as client:
        cars = client.collection("cars")
        registered = {cars.register(f"Client {number}").id for number in range(3)}
        # One vehicle a page: the client follows the links to the next pages.
        assert registered <= {car.id for car in cars.resources(page_size=1)}
        assert client.whoami().client == "all"
