"""The whole contract through the gateway: what the service answers is what the caller gets, byte for byte."""

import re
from uuid import uuid4

import pytest

from invsys.inventory.application import build_app
from tests.conftest import dispose, load_settings, migrate
from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.serving_apps import served_app

# What a gateway may add, or say in its own words.
OWN = {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "x-request-id", "date", "server", "connection"}
HOLIDAY = {"from_datetime": "2099-03-01T10:00:00Z", "to_datetime": "2099-03-08T10:00:00Z"}


class Recorder:
    """The service, and what it was asked and answered last, as its own server would have sent it."""

    def __init__(self, app):
        self.app = app
        self.answer = self.asked = None

    def __call__(self, environ, start_response):
        said = []

        def start(status, headers, *rest):
            said.extend([int(status[:3]), headers])
            return start_response(status, headers, *rest)

        self.asked = dict(environ)
        pieces = self.app(environ, start)
        try:
            body = b"".join(pieces)
        finally:
            getattr(pieces, "close", lambda: None)()
        self.answer = (said[0], said[1], body)
        return [body]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A real inventory, and a record of what it is asked."""
    url = f"sqlite:///{tmp_path_factory.mktemp('forwarding') / 'invsys.sqlite3'}"
    migrate(url)
    app = build_app(load_settings(url))
    recorder = Recorder(app)
    with served_app(recorder) as base:
        recorder.url = base
        yield recorder
    with app.app_context():
        dispose()


@pytest.fixture
def through(service, built, key_of):
    """Call through the gateway, and compare what comes back with what the service said."""
    client = as_client(built({"services": {"inventory": service.url}}), key_of("booking", *EVERYTHING))

    def through(method, path, status, **more):
        service.answer = service.asked = None
        answer = client.open(path, method=method, **more)
        answer.get_data()
        answer.close()
        assert service.answer is not None, answer.text
        said, headers, body = service.answer
        assert (answer.status_code, answer.data) == (said, b"" if method == "HEAD" else body)
        assert said == status, answer.text
        assert plain(answer.headers) == plain(headers)
        return answer

    return through


def plain(headers):
    return sorted((name.lower(), value) for name, value in headers if name.lower() not in OWN)


@pytest.fixture
def car(through):
    return through("POST", "/api/cars", 201, json={"name": f"Car {uuid4().hex[:20]}"}).headers["Location"]


@pytest.fixture
def holiday(through, car):
    return through("POST", f"{car}/allocations", 201, json=HOLIDAY).headers["Location"]


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
    "/api/cars/gbfs/vehicle_availability.json",
    "/api/events?limit=2",
    "/api/events?after=made-up",
    "/docs",
    "/docs/problems",
    "/docs/problems/period_taken",
    "/docs/problems/no_such_problem",
    "/docs/swagger-ui/swagger-ui-bundle.js",
    "/static/page.css",
    "/",
    "/?collection=trucks&name=x",
    "/api/vans",
    "/api/vans/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11",
    "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11",
]


@pytest.mark.parametrize("accept", ["application/json", "application/xml", "*/*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_answer_to_a_question_comes_as_it_is(through, car, holiday, method, accept):
    known = {"CAR": car, "HOLIDAY": holiday, "ID": holiday.rpartition("/")[2]}
    for path in READS:
        target = re.sub("CAR|HOLIDAY|ID", lambda found: known[found[0]], path)
        through(method, target, answered(path), headers={"Accept": accept})


def answered(path):
    if path in ("/docs/problems/no_such_problem", *READS[-3:]):
        return 404
    return 422 if path in ("/api/cars?limit=0", "/api/events?after=made-up") else 200


def test_a_vehicle_has_its_whole_life_through_the_gateway(through):
    made = through("POST", "/api/trucks", 201, json={"name": "Truck1", "attributes": {"city": "Łódź"}})
    url, etag = made.headers["Location"], made.headers["ETag"]
    assert url == f"/api/trucks/{made.json['id']}"
    assert through("GET", url, 304, headers={"If-None-Match": etag}).data == b""
    changed = through("PATCH", url, 200, json={"name": "Truck2"}, headers={"If-Match": etag})
    assert changed.headers["ETag"] != etag
    assert through("PATCH", url, 412, json={"name": "T"}, headers={"If-Match": etag}).json["code"] == "version_mismatch"
    assert through("DELETE", url, 412, headers={"If-Match": etag}).headers["ETag"] == changed.headers["ETag"]
    assert through("DELETE", url, 204, headers={"If-Match": changed.headers["ETag"]}).data == b""
    through("GET", url, 404)


def test_an_allocation_has_its_whole_life_through_the_gateway(through, car):
    made = through("POST", f"{car}/allocations", 201, json={**HOLIDAY, "hold_seconds": 600})
    url, etag = made.headers["Location"], made.headers["ETag"]
    assert through("POST", f"{car}/allocations", 409, json=HOLIDAY).json["code"] == "period_taken"
    through("PATCH", url, 200, json={"status": "confirmed"}, headers={"If-Match": etag})
    through("PATCH", f"/api/cars/all/allocations/{made.json['id']}", 200, json={"description": "für Jürgen"})
    through("DELETE", car, 409)
    through("DELETE", f"/api/cars/all/allocations/{made.json['id']}", 204)
    through("DELETE", url, 404)


def test_any_vehicle_is_allocated_through_the_gateway(through, car):
    period = {"from_datetime": "2098-03-01T10:00:00Z", "to_datetime": "2098-03-08T10:00:00Z"}
    assert through("POST", "/api/cars/any/allocations", 201, json=period).json["resource_type"] == "Car"
    through("POST", "/api/lorries/any/allocations", 409, json=period)


def test_a_key_replays_through_the_gateway(through, car):
    headers = {"Idempotency-Key": uuid4().hex}
    first = through("POST", f"{car}/allocations", 201, json=HOLIDAY, headers=headers)
    again = through("POST", f"{car}/allocations", 201, json=HOLIDAY, headers=headers)
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert "Idempotency-Replayed" not in first.headers
    through("POST", f"{car}/allocations", 422, json={**HOLIDAY, "description": "x"}, headers=headers)


def test_pages_are_followed_through_the_gateway(through):
    for number in range(3):
        through("POST", "/api/lorries", 201, json={"name": f"Lorry {number} {uuid4().hex[:8]}"})
    seen, url = [], "/api/lorries?limit=1"
    while url:
        answer = through("GET", url, 200)
        seen += [vehicle["id"] for vehicle in answer.json]
        link = re.fullmatch(r'<([^>]+)>; *rel="next"', answer.headers.get("Link", ""))
        url = link and link[1]
        assert url is None or url.startswith("/api/lorries?")
    assert len(seen) == len(set(seen)) >= 3


def test_a_part_of_a_file_is_a_part_of_it(through):
    whole = through("GET", "/static/page.css", 200)
    part = through("GET", "/static/page.css", 206, headers={"Range": "bytes=2-9", "If-Range": whole.headers["ETag"]})
    assert part.data == whole.data[2:10]
    assert part.headers["Content-Range"] == f"bytes 2-9/{len(whole.data)}"
    through("GET", "/static/page.css", 416, headers={"Range": "bytes=9999999-"})
    through("GET", "/static/page.css", 304, headers={"If-None-Match": whole.headers["ETag"]})


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b'{"name": ', "application/json", 400),
        (b"", "application/json", 400),
        (b'{"name": "x"}', "text/plain", 415),
        (b'{"name": "x", "made_up": 1}', "application/json", 422),
        (b'{"name": "\xff"}', "application/json", 400),
    ],
)
def test_what_the_service_refuses_is_refused_in_its_words(through, data, kind, status):
    through("POST", "/api/cars", status, data=data, content_type=kind)
    through("POST", "/api/cars", status, data=data, content_type=kind, headers={"Accept": "application/xml"})


def test_the_service_knows_who_asks(through, service, car):
    made = through("POST", f"{car}/allocations", 201, json=HOLIDAY, headers={"X-Client-Id": "root"})
    assert service.asked["HTTP_X_CLIENT_ID"] == "booking"
    assert "HTTP_AUTHORIZATION" not in service.asked
    events = through("GET", "/api/events?limit=1000", 200).json["events"]
    assert [event["client_id"] for event in events if event["allocation_id"] == made.json["id"]] == ["booking"]


def test_nothing_that_the_contract_has_is_missing_here(service):
    """Whoever adds a route to the service adds it to the gateway's table, and to this module's."""
    # Of these the gateway has its own, or completes them.
    own = {"/metrics", "/healthz", "/readyz", "/docs/static/<path:filename>", "/api/openapi.json"}
    rules = {rule.rule for rule in service.app.url_map.iter_rules()} - own
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
    paths += ["/api/cars/x/allocations/y", "/api/cars/any/allocations"]
    assert {rule for rule, pattern in patterns.items() if not any(map(pattern.fullmatch, paths))} == set()
