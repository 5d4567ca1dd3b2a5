"""An inventory behind a gateway with several clients, built once for all tests of a module."""

import os
import uuid
from contextlib import contextmanager

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from invsys.inventory.application import build_app as build_inventory
from tests.conftest import close, load_settings
from tests.support.client_identity import client_as
from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.serving_apps import served_app
from tests.support.waiting import LONG_UPSTREAM_TIMEOUTS

_WINDOW = f"from={hour_start(10)}&to={hour_start(12)}"


class GatewayWithInventory:
    """An inventory and its gateway.

    ``keys`` maps client names to API keys; ``direct`` is a test client of the inventory, without the gateway.
    """

    def __init__(self, inventory, gateway, keys):
        self.inventory, self.keys, self.direct = inventory, keys, inventory.test_client()
        self._client = gateway.test_client()

    def call(self, name, method, path, headers=(), **options):
        """Send a request through the gateway with the key of the client ``name``, or without one if it has none."""
        authorization = {"Authorization": f"Bearer {self.keys[name]}"} if name in self.keys else {}
        headers = {**authorization, **dict(headers)}
        return self._client.open(path, method=method, headers=headers, buffered=True, **options)

    def create_cars(self, owner):
        """Register a car, allocated by ``owner`` from 10:00 to 11:00, and an idle car.

        Return a dictionary with the ids ``car``, ``allocation`` and ``idle``, a name that no vehicle has (``unused``),
        and the query parameters of a period (``window``).
        """
        client = client_as(self.inventory, owner)
        car, idle = (client.post("/api/cars", json={"name": str(uuid.uuid4())}).json["id"] for _ in range(2))
        allocation = client.post(f"/api/cars/{car}/allocations", json=period_fields(10, 11)).json["id"]
        return {"car": car, "idle": idle, "allocation": allocation, "unused": str(uuid.uuid4()), "window": _WINDOW}

    def events(self):
        """Return all events of the change feed."""
        return self.direct.get("/api/events?limit=1000").json["events"]


@contextmanager
def running_system(database_url, folder, scopes, **settings_environ):
    """Yield a system with a migrated database; ``scopes`` maps the name of each client to its scopes."""
    file = folder / "clients.ini"
    keys = {name: client_admin.add(file, name, words.split()) for name, words in scopes.items()}
    inventory = build_inventory(load_settings(database_url))
    with served_app(inventory) as url:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(file),
            "INVSYS_SERVICES_INVENTORY": url,
            **LONG_UPSTREAM_TIMEOUTS,
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
            "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
            **settings_environ,
        }
        yield GatewayWithInventory(inventory, build_app(settings.load(environ=environ)), keys)
    close(inventory)
