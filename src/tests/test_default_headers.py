"""Default response headers of both services, which concern content sniffing, referrers, caching and the server name."""

import os
import re
import subprocess
import sys
from urllib.parse import urljoin

import pytest

from invsys.gateway.auth import client_admin
from tests.conftest import migrate
from tests.support.gateway_server import served_gateway
from tests.support.ports import free_port
from tests.support.raw_client import request, send
from tests.support.serving import is_ready, run_server
from tests.support.tables import table_driven
from tests.support.waiting import SECONDS, until

SECURITY_HEADERS = {"x-content-type-options": ["nosniff"], "referrer-policy": ["no-referrer"]}
KEPT = {"no-store"}
CSS, CALENDAR, GBFS = "/static/page.css", "{car}/allocations.ics", "/api/cars/gbfs/vehicle_availability.json"
PATHS = {
    "/": "no-store",
    "/api/cars": "no-store",
    "{car}": "no-store",
    "/api/cars/all/allocations": "no-store",
    "/api/events": "no-store",
    "/api/openapi.json": "no-store",
    "/docs": "no-store",
    "/docs/problems": "no-store",
    "/docs/problems/not_found": "no-store",
    CSS: "no-cache",
    CALENDAR: "private, no-cache",
    GBFS: "private, max-age=60",
    # Problems.
    "/nowhere": "no-store",
    "/api/cars?limit=0": "no-store",
    "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11": "no-store",
    # Paths that each service serves itself.
    "/healthz": "no-store",
    "/readyz": "no-store",
    "/metrics": "no-store",
}


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """The ports of an inventory and of a gateway in front of it, an API key, and the path of a car."""
    folder, data_folder = tmp_path_factory.mktemp("gateway"), tmp_path_factory.mktemp("inventory")
    scopes = ["resources:read", "resources:write", "allocations:read", "events:read"]
    key = client_admin.add(folder / "clients.ini", "reader", scopes)
    migrate(url := f"sqlite:///{data_folder / 'headers.sqlite3'}")
    with (
        run_server(url, data_folder, workers=1) as (_, inventory, _),
        served_gateway(folder, {"services": {"inventory": f"http://127.0.0.1:{inventory}"}}) as gateway,
    ):
        body = b'{"name": "Car1"}'
        created = send(gateway.port, request("POST", "/api/cars", key, "Content-Type: application/json", body=body))
        yield {"inventory": inventory, "gateway": gateway.port, "key": key, "car": created.value("location")}


def get(services, service, path, *lines, method="GET"):
    return send(
        services[service],
        request(method, path.format(**services), services["key"], *lines).replace(b"Host: gateway", b"Host: localhost"),
    )


@table_driven("service", ["inventory", "gateway"])
@table_driven("path", PATHS)
def test_every_response_has_each_header_once(services, service, path):
    for method in ("GET", "HEAD"):
        response = get(services, service, path, method=method)
        assert {name: response.values(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert response.values("cache-control") == [PATHS[path]], response.headers
        # granian would send its own name.
        assert response.values("server") == [""]


@pytest.mark.parametrize("service", ["inventory", "gateway"])
@pytest.mark.parametrize("path", ["/", "/docs", "/docs/problems"])
def test_the_files_of_each_page_may_be_kept_for_a_year_and_need_no_key(services, service, path):
    page = get(services, service, path)
    files = re.findall(r'(?:href|src)="([^"]+\.(?:css|js|png)(?:\?[^"]*)?)"', page.body.decode())
    assert files
    for file in files:
        sent = request("GET", urljoin(path, file), None).replace(b"Host: gateway", b"Host: localhost")
        response = send(services[service], sent)
        assert (response.status, response.values("cache-control")) == (200, ["public, max-age=31536000, immutable"])


@pytest.mark.parametrize("service", ["inventory", "gateway"])
def test_errors_raised_before_the_application_have_the_headers(services, service):
    misdirected = send(services["inventory"], request("GET", "/api/cars", None, "X-Sent-To: gateway"))
    responses = [
        misdirected,
        get(services, service, "/api/cars", "Host: localhost"),  # two Host headers
        get(services, service, "/", method="DELETE"),
        send(services["gateway"], request("GET", "/api/cars", None)),
    ]
    assert [response.status for response in responses[:2]] == [421, 400]
    for response in responses:
        assert response.status >= 400
        assert {name: response.values(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert response.values("cache-control") == ["no-store"]


@pytest.mark.parametrize("service", ["inventory", "gateway"])
@pytest.mark.parametrize("path", ["{car}", CALENDAR, CSS])
def test_conditional_requests_still_work(services, service, path):
    response = get(services, service, path)
    revalidated = get(services, service, path, f"If-None-Match: {response.value('etag')}")
    assert (revalidated.status, revalidated.values("etag")) == (304, response.values("etag"))
    assert revalidated.values("cache-control") == response.values("cache-control")


@pytest.mark.only_thorough
def test_the_development_server_does_not_send_its_name(tmp_path):
    migrate(url := f"sqlite:///{tmp_path / 'development.sqlite3'}")
    port = free_port()
    environ = os.environ | {
        "INVSYS_CONFIG": os.devnull,
        "INVSYS_DATABASE_URL": url,
        "INVSYS_SERVER_PORT": str(port),
        "INVSYS_LOG_FILE": str(tmp_path / "log"),
    }
    command = [sys.executable, "-m", "invsys.inventory.manage", "runserver"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: is_ready(port))
            response = send(port, request("GET", "/api/cars", None).replace(b"Host: gateway", b"Host: localhost"))
        finally:
            process.terminate()
            process.wait(SECONDS)
    assert (response.status, response.values("server")) == (200, [])
    assert response.values("cache-control") == ["no-store"]
