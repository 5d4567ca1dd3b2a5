"""The whole API through the gateway: the caller gets the service's response unchanged."""

import re
from uuid import uuid4

import pytest

from invsys.inventory.application import build_app
from tests.conftest import disconnect, load_settings, migrate
from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.serving_apps import served_app

# Headers that the gateway adds, replaces, or keeps for itself.
GATEWAY_HEADERS = {
    "x-changes",
    "ratelimit",
    "ratelimit-policy",
    "x-request-id",
    "date",
    "server",
    "connection",
}
HOLIDAY = {"from_datetime": "2099-03-01T10:00:00Z", "to_datetime": "2099-03-08T10:00:00Z"}


class Recorder:
    """Wraps the service and records its last request and response."""

    def __init__(self, app):
        self.app = app
        self.response = self.environ = None

    def __call__(self, environ, start_response):
        started = []

        def start(status, headers, *rest):
            started.extend([int(status[:3]), headers])
            return start_response(status, headers, *rest)

        self.environ = dict(environ)
        chunks = self.app(environ, start)
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        self.response = (*started, body)
        return [body]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A real inventory that records its last request and response."""
    url = f"sqlite:///{tmp_path_factory.mktemp('forwarding') / 'invsys.sqlite3'}"
    migrate(url)
    app = build_app(load_settings(url))
    recorder = Recorder(app)
    with served_app(recorder) as base:
        recorder.url = base
        yield recorder
    with app.app_context():
        disconnect()


@pytest.fixture
def forward(service, build_from_ini, add_client):
    """Return a function that sends a request through the gateway and checks that the service's response arrives."""
    client = as_client(build_from_ini({"services": {"inventory": service.url}}), add_client("booking", *ALL_SCOPES))

    def forward(method, path, status, **options):
        service.response = service.environ = None
        response = client.open(path, method=method, **options)
        response.get_data()
        response.close()
        assert service.response is not None, response.text
        service_status, headers, body = service.response
        assert (response.status_code, response.data) == (service_status, b"" if method == "HEAD" else body)
        assert service_status == status, response.text
        assert comparable(response.headers) == comparable(headers)
        return response

    return forward


def comparable(headers):
    # The gateway compresses long responses if the caller accepts it, which no test here does.
    present = {name.lower(): value.removesuffix("Accept-Encoding").rstrip(", ") for name, value in headers}
    return {name: value for name, value in present.items() if value and name not in GATEWAY_HEADERS}


@pytest.fixture
def car(forward):
    return forward("POST", "/api/cars", 201, json={"name": f"Car {uuid4().hex[:20]}"}).headers["Location"]


@pytest.fixture
def holiday(forward, car):
    return forward("POST", f"{car}/allocations", 201, json=HOLIDAY).headers["Location"]


CHANGES = "/api/cars/all/allocations/changes"
READS = [
    "/api/cars",
    "/api/lorries",
    "/api/cars?limit=1",
    "/api/cars?limit=0",
    "/api/cars?available_from=2099-01-01T00:00:00%2B01:00&available_to=2099-02-01T00:00:00Z",
    "/api/cars?attribute.seats=4&attribute.city=Le%C3%ABds%20%26%20York",
    "CAR",
    "CAR/availability",
    "CAR/availability?from=2099-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
    "CAR/allocations",
    "CAR/allocations?status=confirmed&limit=1",
    "CAR/allocations.ics",
    "HOLIDAY",
    "/api/cars/all/allocations",
    "/api/cars/all/allocations/ID",
    "/api/cars/all/availability?limit=1",
    "/api/cars/utilisation?from=2099-01-01T00:00:00Z&to=2099-01-02T00:00:00Z&step=PT1H",
    "/api/cars/gbfs/vehicle_availability.json",
    "/api/events?limit=2",
    "/api/events?after=unknown",
    "/docs",
    "/docs/problems",
    "/docs/problems/period_taken",
    "/docs/problems/no_such_problem",
    "/docs/swagger-ui/swagger-ui-bundle.js",
    "/static/page.css",
    "/",
    "/?type=trucks&find=x",
    "/table?collection=trucks&name=x",
    "/api/vans",
    "/api/vans/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11",
    "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11",
]


@pytest.mark.parametrize("accept", ["application/json", "application/xml", "*/*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_response_to_a_read_is_forwarded_unchanged(forward, car, holiday, method, accept):
    values = {"CAR": car, "HOLIDAY": holiday, "ID": holiday.rpartition("/")[2]}
    for path in READS:
        target = re.sub("CAR|HOLIDAY|ID", lambda match: values[match[0]], path)
        forward(method, target, expected_status(path), headers={"Accept": accept})


def expected_status(path):
    if path in ("/docs/problems/no_such_problem", *READS[-3:]):
        return 404
    return 422 if path in ("/api/cars?limit=0", "/api/events?after=unknown") else 200


def test_a_vehicle_can_be_created_changed_and_deleted_through_the_gateway(forward):
    created = forward("POST", "/api/trucks", 201, json={"name": "Truck1", "attributes": {"city": "Łódź"}})
    url, etag = created.headers["Location"], created.headers["ETag"]
    assert url == f"/api/trucks/{created.json['id']}"
    assert forward("GET", url, 304, headers={"If-None-Match": etag}).data == b""
    changed = forward("PATCH", url, 200, json={"name": "Truck2"}, headers={"If-Match": etag})
    assert changed.headers["ETag"] != etag
    assert forward("PATCH", url, 412, json={"name": "T"}, headers={"If-Match": etag}).json["code"] == "version_mismatch"
    assert forward("DELETE", url, 412, headers={"If-Match": etag}).headers["ETag"] == changed.headers["ETag"]
    assert forward("DELETE", url, 204, headers={"If-Match": changed.headers["ETag"]}).data == b""
    forward("GET", url, 404)


def test_an_allocation_can_be_created_changed_and_deleted_through_the_gateway(forward, car):
    created = forward("POST", f"{car}/allocations", 201, json={**HOLIDAY, "hold_seconds": 600})
    url, etag = created.headers["Location"], created.headers["ETag"]
    assert forward("POST", f"{car}/allocations", 409, json=HOLIDAY).json["code"] == "period_taken"
    forward("PATCH", url, 200, json={"status": "confirmed"}, headers={"If-Match": etag})
    forward("PATCH", f"/api/cars/all/allocations/{created.json['id']}", 200, json={"description": "für Jürgen"})
    forward("DELETE", car, 409)
    forward("DELETE", f"/api/cars/all/allocations/{created.json['id']}", 204)
    forward("DELETE", url, 404)


def test_any_vehicle_can_be_allocated_through_the_gateway(forward, car):
    period = {"from_datetime": "2098-03-01T10:00:00Z", "to_datetime": "2098-03-08T10:00:00Z"}
    assert forward("POST", "/api/cars/any/allocations", 201, json=period).json["resource_type"] == "Car"
    forward("POST", "/api/lorries/any/allocations", 409, json=period)


def test_an_idempotency_key_works_through_the_gateway(forward, car):
    headers = {"Idempotency-Key": uuid4().hex}
    first = forward("POST", f"{car}/allocations", 201, json=HOLIDAY, headers=headers)
    repeated = forward("POST", f"{car}/allocations", 201, json=HOLIDAY, headers=headers)
    assert (repeated.data, repeated.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert "Idempotency-Replayed" not in first.headers
    forward("POST", f"{car}/allocations", 422, json={**HOLIDAY, "description": "x"}, headers=headers)


def test_pagination_links_work_through_the_gateway(forward):
    for number in range(3):
        forward("POST", "/api/lorries", 201, json={"name": f"Lorry {number} {uuid4().hex[:8]}"})
    ids, url = [], "/api/lorries?limit=1"
    while url:
        response = forward("GET", url, 200)
        ids += [vehicle["id"] for vehicle in response.json]
        next_link = re.fullmatch(r'<([^>]+)>; *rel="next"', response.headers.get("Link", ""))
        url = next_link and next_link[1]
        assert url is None or url.startswith("/api/lorries?")
    assert len(ids) == len(set(ids)) >= 3


def test_range_requests_work_through_the_gateway(forward):
    whole = forward("GET", "/static/page.css", 200)
    part = forward("GET", "/static/page.css", 206, headers={"Range": "bytes=2-9", "If-Range": whole.headers["ETag"]})
    assert part.data == whole.data[2:10]
    assert part.headers["Content-Range"] == f"bytes 2-9/{len(whole.data)}"
    forward("GET", "/static/page.css", 416, headers={"Range": "bytes=9999999-"})
    forward("GET", "/static/page.css", 304, headers={"If-None-Match": whole.headers["ETag"]})


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b'{"name": ', "application/json", 400),
        (b"", "application/json", 400),
        (b'{"name": "x"}', "text/plain", 415),
        (b'{"name": "x", "unknown": 1}', "application/json", 422),
        (b'{"name": "\xff"}', "application/json", 400),
    ],
)
def test_problems_of_the_service_are_forwarded_unchanged(forward, data, kind, status):
    forward("POST", "/api/cars", status, data=data, content_type=kind)
    forward("POST", "/api/cars", status, data=data, content_type=kind, headers={"Accept": "application/xml"})


def test_a_change_list_is_forwarded(forward, holiday):
    allocation_id = holiday.rpartition("/")[2]
    changes = [{"id": allocation_id, "description": "für Jürgen"}]
    unavailable = {**changes[0], "resource_id": "any", "attributes": {"wheels": 13}}
    forward("POST", CHANGES, 409, json={"changes": [unavailable]})
    assert forward("POST", CHANGES, 200, json={"changes": changes}).json[0]["version"] == 2
    forward("POST", CHANGES, 422, json={"changes": []})


def test_the_service_gets_the_client_id_and_no_credentials(forward, service, car):
    created = forward("POST", f"{car}/allocations", 201, json=HOLIDAY, headers={"X-Client-Id": "root"})
    assert service.environ["HTTP_X_CLIENT_ID"] == "booking"
    assert "HTTP_AUTHORIZATION" not in service.environ
    events = forward("GET", "/api/events?limit=1000", 200).json["events"]
    assert [event["client_id"] for event in events if event["allocation_id"] == created.json["id"]] == ["booking"]


def test_every_route_of_the_service_is_tested_here(service):
    """A new route of the service must be added to the permissions table and to this module."""
    # The gateway serves these routes itself, or extends the responses.
    gateway_routes = {"/metrics", "/healthz", "/readyz", "/docs/static/<path:filename>", "/api/openapi.json"}
    rules = {rule.rule for rule in service.app.url_map.iter_rules()} - gateway_routes
    patterns = {
        rule: re.compile(re.sub(r"<path:\w+>", ".+", re.sub(r"<(?:\w+:)?\w+>", "[^/]+", rule)) + r"(?:\?.*)?")
        for rule in rules
    }
    paths = [
        *READS,
        "/api/cars/x",
        "/api/cars/x/allocations",
        "/api/cars/x/allocations.ics",
        "/api/cars/x/availability",
    ]
    paths += ["/api/cars/x/allocations/y", "/api/cars/any/allocations", CHANGES]
    assert {rule for rule, pattern in patterns.items() if not any(map(pattern.fullmatch, paths))} == set()
