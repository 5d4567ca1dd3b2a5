"""How the client speaks: what it sends with each request, what it refuses to send, whom it believes."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import pytest
from werkzeug.serving import make_server

import invsys
from invsys.client import Client, NotFound, UnexpectedAnswer
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import answered

ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
NAIVE = datetime(2099, 3, 2, 8)  # noqa: DTZ001 - that is the point


def test_each_request_says_who_asks(connect):
    client, way = connect(token="secret")
    list(client.collection("cars").resources())
    (request,) = way.requests
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["User-Agent"] == f"invsys-client/{invsys.__version__}"
    assert request.headers["Accept"] == "application/json"


def test_without_a_token_there_is_no_authorization(connect):
    client, way = connect()
    list(client.collection("cars").resources())
    assert "Authorization" not in way.requests[0].headers


def test_each_order_has_a_key_of_its_own(connect):
    client, way = connect()
    for number in range(3):
        client.collection("cars").register(f"Car{number}")
    assert len({request.headers["Idempotency-Key"] for request in way.requests}) == 3


@pytest.mark.parametrize(
    "call",
    [
        lambda cars: cars.allocate(ID, NAIVE, None),
        lambda cars: cars.allocate(ID, None, NAIVE),
        lambda cars: cars.allocate_any(NAIVE, None),
        lambda cars: cars.allocate_several(2, None, NAIVE),
        lambda cars: cars.extend(ID, NAIVE),
        lambda cars: cars.change(ID, start=NAIVE),
        lambda cars: cars.resources(available_from=NAIVE),
        lambda cars: cars.resources(available_to=NAIVE),
        lambda cars: cars.allocations(start=NAIVE),
        lambda cars: cars.availability(ID, NAIVE),
        lambda cars: cars.availability_of_all(None, NAIVE),
        lambda cars: cars.resource("all"),
        lambda cars: cars.allocate("any", MONDAY, FRIDAY),
        lambda cars: cars.decommission(f"{ID}/allocations"),
        lambda cars: cars.free(".."),
        lambda cars: cars.move(ID, "any"),
        lambda cars: cars.change(ID, resource_id=""),
        lambda cars: cars.allocate(ID, MONDAY, FRIDAY, key=""),
        lambda cars: cars.allocate(ID, MONDAY, FRIDAY, key="a key"),
        lambda cars: cars.register("Car1", key="k" * 256),
        lambda cars: cars.register("Car1", key="schlüssel"),
    ],
)
def test_what_cannot_be_meant_is_not_sent(connect, call):
    client, way = connect()
    with pytest.raises(ValueError):
        call(client.collection("cars"))
    assert way.requests == []


@pytest.mark.parametrize("options", [{"base_url": "inventory:5000"}, {"base_url": "http://h", "attempts": 0}])
def test_a_client_that_could_not_work_is_not_made(options):
    with pytest.raises(ValueError):
        Client(**options)


def test_a_collection_that_there_is_not_is_not_found(invsys):
    for name in ("vans", "", "cars/../lorries"):
        with pytest.raises(NotFound):
            list(invsys.collection(name).resources())


def test_members_that_are_not_known_are_passed_over(connect):
    document = {"id": ID, "name": "Car1", "resource_type": "Car", "attributes": {}, "created": "2026-11-20T10:00:00Z"}
    more = {"colour": "red", "etag": "x", "replayed": True}
    client, _ = connect(lambda service, request: httpx.Response(200, json={**document, **more}))
    car = client.collection("cars").resource(ID)
    assert (car.name, car.etag, car.replayed) == ("Car1", None, False)


@pytest.mark.parametrize("text", ["<html>", "[]", '{"id": "x"}', "null", '{"id": 1, "created": 2}'])
def test_an_answer_that_is_none_of_the_service_is_unexpected(connect, text):
    client, _ = connect(answered(200, text), answered(200, text))
    cars = client.collection("cars")
    with pytest.raises(UnexpectedAnswer) as unexpected:
        cars.resource(ID)
    assert (unexpected.value.status, unexpected.value.text) == (200, text)
    with pytest.raises(UnexpectedAnswer):
        client.event_page()


@pytest.mark.parametrize(
    "link", ["http://elsewhere/api/cars", "https://inventory/api/cars", "//elsewhere/", "http://inventory:81/api/cars"]
)
def test_the_token_is_not_taken_elsewhere(connect, link):
    client, way = connect(answered(200, "[]", Link=f'<{link}>; rel="next"'), token="secret")
    with pytest.raises(UnexpectedAnswer):
        list(client.collection("cars").resources())
    assert len(way.requests) == 1


def test_a_prefix_of_the_gateway_stays_from_page_to_page(connect):
    first = answered(200, "[]", Link='</api/cars?limit=1&cursor=WzFd>; rel="next"')
    client, way = connect(first, answered(200, "[]"), base_url="http://gateway/fleet/")
    assert list(client.collection("cars").resources(page_size=1)) == []
    assert [str(request.url) for request in way.requests] == [
        "http://gateway/fleet/api/cars?limit=1",
        "http://gateway/fleet/api/cars?limit=1&cursor=WzFd",
    ]


def test_threads_share_a_client(lorries, lorry):
    def allocate(day):
        return lorries.allocate(lorry.id, MONDAY + timedelta(days=day), MONDAY + timedelta(days=day + 1))

    with ThreadPoolExecutor(4) as pool:
        booked = list(pool.map(allocate, range(16)))
    assert sorted(booking.id for booking in booked) == sorted(booking.id for booking in lorries.allocations())


def test_it_works_over_a_socket_whatever_proxy_the_environment_names(app, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with Client(f"http://127.0.0.1:{server.port}", attempts=1) as client:
            car = client.collection("cars").register("Car1")
            assert list(client.collection("cars").resources()) == [car]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nothing_of_the_service_is_loaded_with_it():
    names = "{'flask', 'marshmallow', 'sqlalchemy', 'orjson', 'invsys.chassis', 'invsys.inventory'}"
    script = f"import sys, invsys.client; print({names} & set(sys.modules))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environ)
    assert done.stdout.strip() == "set()"
