"""An inventory with a gateway in front of it that knows many clients, built once for all tests of a module."""

import os
import uuid
from contextlib import contextmanager

from invsys.gateway import settings
from invsys.gateway.application import build_app
from invsys.gateway.auth import client_admin
from invsys.inventory.application import build_app as build_inventory
from tests.conftest import close, load_settings
from tests.support.instants import period_fields
from tests.support.owners import client_as
from tests.support.serving_apps import served_app


class House:
    """Both, and the key of each client by its name; ``direct`` asks the inventory without the gateway."""

    def __init__(self, inventory, gateway, keys):
        self.inventory, self.keys, self.direct = inventory, keys, inventory.test_client()
        self._caller = gateway.test_client()

    def call(self, name, method, path, headers=(), **more):
        """Send a request through the gateway; a name that is no client's comes without a key."""
        said = {"Authorization": f"Bearer {self.keys[name]}"} if name in self.keys else {}
        return self._caller.open(path, method=method, headers={**said, **dict(headers)}, buffered=True, **more)

    def furnish(self, owner):
        """Register a car that the owner has allocated from 10 to 11, and one that is idle; gives the ids of all three.

        Also ``unused``, a name that no vehicle has.
        """
        client = client_as(self.inventory, owner)
        car, idle = (client.post("/api/cars", json={"name": str(uuid.uuid4())}).json["id"] for _ in range(2))
        made = client.post(f"/api/cars/{car}/allocations", json=period_fields(10, 11))
        return {"car": car, "idle": idle, "allocation": made.json["id"], "unused": str(uuid.uuid4())}

    def changes(self):
        """Give the events of all that was ever changed."""
        return self.direct.get("/api/events?limit=1000").json["events"]


@contextmanager
def built_house(database_url, folder, scopes, **more):
    """Build one over a migrated database; ``scopes`` are those of each client, ``more`` settings of the gateway."""
    file = folder / "clients.ini"
    keys = {name: client_admin.add(file, name, granted.split()) for name, granted in scopes.items()}
    inventory = build_inventory(load_settings(database_url))
    with served_app(inventory) as url:
        environ = {
            "INVSYS_CONFIG": os.devnull,
            "INVSYS_CLIENTS_FILE": str(file),
            "INVSYS_SERVICES_INVENTORY": url,
            "INVSYS_UPSTREAM_READ_TIMEOUT": "5",
            "INVSYS_LIMITS_RATE": "1000000/second",
            "INVSYS_LIMITS_WRITE_RATE": "1000000/second",
            "INVSYS_LIMITS_ANONYMOUS": "1000000/second",
            **more,
        }
        yield House(inventory, build_app(settings.load(environ=environ)), keys)
    close(inventory)
