"""Requests of the client: headers, argument validation, unexpected responses, connections."""

import os
import platform
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx2
import pytest
from werkzeug.serving import make_server

import invsys_client
from invsys_client import Client, NotFound, UnexpectedResponse
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import respond
from tests.support.tables import table_driven
from tests.support.waiting import SECONDS

ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
NAIVE = datetime(2099, 3, 2, 8)  # noqa: DTZ001 - naive on purpose


def test_every_request_has_authorization_and_user_agent(connect):
    client, transport = connect(token="secret")
    list(client.collection("cars").resources())
    (request,) = transport.requests
    assert request.headers["Authorization"] == "Bearer secret"
    python = platform.python_version()
    assert request.headers["User-Agent"] == f"invsys-client/{invsys_client.__version__} python/{python}"
    assert request.headers["Accept"] == "application/json"


def test_without_a_token_no_authorization_is_sent(connect):
    client, transport = connect()
    list(client.collection("cars").resources())
    assert "Authorization" not in transport.requests[0].headers


def test_every_creating_request_has_a_different_idempotency_key(connect):
    client, transport = connect()
    for number in range(3):
        client.collection("cars").register(f"Car{number}")
    assert len({request.headers["Idempotency-Key"] for request in transport.requests}) == 3


@table_driven(
    "call",
    [
        lambda cars: cars.allocate(ID, NAIVE, None),
        lambda cars: cars.allocate(ID, None, NAIVE),
        lambda cars: cars.allocate_any(NAIVE, None),
        lambda cars: cars.allocate_several(2, None, NAIVE),
        lambda cars: cars.extend(ID, NAIVE),
        lambda cars: cars.update(ID, start=NAIVE),
        lambda cars: cars.resources(available_from=NAIVE),
        lambda cars: cars.resources(available_to=NAIVE),
        lambda cars: cars.allocations(start=NAIVE),
        lambda cars: cars.availability(ID, NAIVE),
        lambda cars: cars.availability_of_all(None, NAIVE),
        lambda cars: cars.resource("all"),
        lambda cars: cars.allocate("any", MONDAY, FRIDAY),
        lambda cars: cars.decommission(f"{ID}/allocations"),
        lambda cars: cars.deallocate(".."),
        lambda cars: cars.move(ID, "any"),
        lambda cars: cars.update(ID, resource_id=""),
        lambda cars: cars.allocate(ID, MONDAY, FRIDAY, key=""),
        lambda cars: cars.allocate(ID, MONDAY, FRIDAY, key="a key"),
        lambda cars: cars.register("Car1", key="k" * 256),
        lambda cars: cars.register("Car1", key="schlüssel"),
    ],
)
def test_invalid_arguments_raise_value_error_before_a_request_is_sent(connect, call):
    client, transport = connect()
    with pytest.raises(ValueError):
        call(client.collection("cars"))
    assert transport.requests == []


@pytest.mark.parametrize("options", [{"base_url": "inventory:5000"}, {"base_url": "http://h", "attempts": 0}])
def test_invalid_client_options_raise_value_error(options):
    with pytest.raises(ValueError):
        Client(**options)


def test_an_unknown_collection_raises_not_found(invsys):
    with pytest.raises(NotFound):
        list(invsys.collection("vans").resources())


@pytest.mark.parametrize(
    "name", ["", "..", "cars/all", "cars?limit=1", "Cars", " cars", "cars\n", "é", None, 5, b"cars"]
)
def test_a_name_that_no_collection_can_have_is_refused(invsys, name):
    with pytest.raises((ValueError, TypeError), match=r"^name: "):
        invsys.collection(name)


def test_unknown_members_of_a_document_are_ignored(connect):
    document = {"id": ID, "name": "Car1", "resource_type": "Car", "attributes": {}, "created": "2026-11-20T10:00:00Z"}
    document |= {"version": 3, "closed_from": None}
    unknown = {"colour": "red", "etag": "x", "replayed": True}
    client, _ = connect(lambda service, request: httpx2.Response(200, json={**document, **unknown}))
    car = client.collection("cars").resource(ID)
    assert (car.name, car.etag, car.replayed) == ("Car1", '"3"', False)


@pytest.mark.parametrize("text", ["<html>", "[]", '{"id": "x"}', "null", '{"id": 1, "created": 2}'])
def test_a_malformed_response_raises_unexpected_response(connect, text):
    client, _ = connect(respond(200, text), respond(200, text))
    cars = client.collection("cars")
    with pytest.raises(UnexpectedResponse) as unexpected:
        cars.resource(ID)
    assert (unexpected.value.status, unexpected.value.text) == (200, text)
    with pytest.raises(UnexpectedResponse):
        client.event_page()


@pytest.mark.parametrize(
    "link", ["http://elsewhere/api/cars", "https://inventory/api/cars", "//elsewhere/", "http://inventory:81/api/cars"]
)
def test_the_token_is_not_sent_to_another_server(connect, link):
    client, transport = connect(respond(200, "[]", Link=f'<{link}>; rel="next"'), token="secret")
    with pytest.raises(UnexpectedResponse):
        list(client.collection("cars").resources())
    assert len(transport.requests) == 1


def test_the_path_prefix_of_the_base_url_is_kept_for_all_pages(connect):
    first = respond(200, "[]", Link='</api/cars?limit=1&cursor=WzFd>; rel="next"')
    client, transport = connect(first, respond(200, "[]"), base_url="http://gateway/fleet/")
    assert list(client.collection("cars").resources(page_size=1)) == []
    assert [str(request.url) for request in transport.requests] == [
        "http://gateway/fleet/api/cars?limit=1",
        "http://gateway/fleet/api/cars?limit=1&cursor=WzFd",
    ]


def test_several_threads_can_share_a_client(lorries, lorry):
    def allocate(day):
        return lorries.allocate(lorry.id, MONDAY + timedelta(days=day), MONDAY + timedelta(days=day + 1))

    with ThreadPoolExecutor(4) as pool:
        bookings = list(pool.map(allocate, range(16)))
    assert sorted(booking.id for booking in bookings) == sorted(booking.id for booking in lorries.allocations())


def test_the_client_ignores_proxy_settings_in_the_environment(app, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with Client(f"http://127.0.0.1:{server.port}", attempts=1, timeout=SECONDS, deadline=SECONDS) as client:
            car = client.collection("cars").register("Car1")
            assert list(client.collection("cars").resources()) == [car]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_importing_the_client_does_not_import_the_service():
    names = "{'flask', 'marshmallow', 'sqlalchemy', 'orjson', 'invsys.chassis', 'invsys.inventory'}"
    script = f"import sys, invsys_client; print({names} & set(sys.modules))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environ)
    assert result.stdout.strip() == "set()"
