"""Two fleets, each with an inventory and a database of its own, and a gateway in front of them."""

from contextlib import ExitStack, contextmanager

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from invsys.inventory.application import build_app as build_inventory
from tests.conftest import close, load_settings, migrate
from tests.support.gateway_server import UNLIMITED, write_ini
from tests.support.serving_apps import close_idle, served_app

FLEETS = ("north", "south")
HOST = "north.example"


class FleetsBehindGateway:
    """``inventories`` maps fleets to test clients of their inventories; ``urls`` maps them to their base URLs."""

    def __init__(self, inventories, urls, folder):
        self.inventories, self.urls, self.folder = inventories, urls, folder
        self.keys, self.gateways = {}, []

    def add_client(self, name, *scopes, **limits):
        self.keys[name] = client_admin.add(self.folder / "clients.ini", name, list(scopes), **limits)

    def build_gateway(self, *layers, hosts=None):
        """Build a gateway with both fleets and without an inventory of no fleet; ``layers`` override its settings."""
        sections = {
            "server": {"allowed_hosts": f"localhost, 127.0.0.1, {HOST}"},
            "clients": {"file": self.folder / "clients.ini"},
            "services": {"inventory": ""},
            "fleets": self.urls,
            "fleet_hosts": hosts or {},
        }
        file = write_ini(self.folder, UNLIMITED, sections, *layers)
        self.gateways.append(build_app(settings.load(str(file), {})))
        return self.gateways[-1]

    def call(self, app, name, method, path, host="localhost", **options):
        """Send a request with the key of the client ``name``, or without one if it has none."""
        headers = {"Authorization": f"Bearer {self.keys[name]}"} if name in self.keys else {}
        headers |= {"Host": host, **options.pop("headers", {})}
        return app.test_client().open(path, method=method, headers=headers, buffered=True, **options)


@contextmanager
def two_fleets(folder, **variables):
    """Yield both fleets with empty databases; ``variables`` are settings of the inventories."""
    with ExitStack() as stack:
        inventories, urls = {}, {}
        for fleet in FLEETS:
            url = f"sqlite:///{folder}/{fleet}.sqlite3"
            migrate(url)
            app = build_inventory(load_settings(url, **variables))
            stack.callback(close, app)
            inventories[fleet] = app.test_client()
            urls[fleet] = stack.enter_context(served_app(app))
        fleets = FleetsBehindGateway(inventories, urls, folder)
        yield fleets
        for gateway in fleets.gateways:
            close_idle(gateway)
