"""A service whose database is on a small disk, which is filled and emptied again; prints the statuses of its responses.

    python -m tests.support.full_disk ENGINE FOLDER

FOLDER is the mount point of the disk.
"""

import json
import math
import os
import secrets
import shutil
import sys
from contextlib import closing, contextmanager
from pathlib import Path

from invsys.inventory.application import build_app
from invsys.inventory.db import failures
from tests.conftest import PostgreSQL, load_settings, migrate
from tests.support.applications import close
from tests.support.waiting import until

# Rows of this size soon need new pages; PostgreSQL compresses texts that repeat themselves.
LARGE = {f"key{number}": secrets.token_hex(120) for number in range(30)}


@contextmanager
def database(engine, disk):
    """Yield the URL of a database on the disk."""
    if engine == "sqlite":
        yield f"sqlite:///{disk}/invsys.sqlite3"
        return
    server = PostgreSQL()
    server.start()
    try:
        tablespace = disk / "tables"
        tablespace.mkdir()
        if os.geteuid() == 0:
            shutil.chown(tablespace, "postgres", "postgres")
        server.execute(f"CREATE TABLESPACE small LOCATION '{tablespace}'")
        server.execute("CREATE DATABASE small TABLESPACE small ENCODING 'UTF8' TEMPLATE template0")
        yield server.url("small")
    finally:
        server.remove()


def fill(file):
    """Write to a file until the disk is full."""
    with closing(file.open("wb", buffering=0)) as stream:
        try:
            while True:
                stream.write(b"x" * 4096)
        except OSError:
            return


def statuses(client, disk):
    """Return the statuses before, while and after the disk is full."""
    create = [client.post("/api/cars", json={"name": "Car1", "attributes": LARGE}).status_code]
    ready = [client.get("/readyz").status_code]
    fill(disk / "filler")
    until(lambda: client.get("/readyz").status_code == 503)
    names = (f"Truck{number}" for number in range(20))
    create += {client.post("/api/cars", json={"name": name, "attributes": LARGE}).status_code for name in names} - {201}
    reads = [client.get(path).status_code for path in ("/healthz", "/api/cars")]
    problem = client.get("/readyz").json
    (disk / "filler").unlink()
    until(lambda: client.get("/readyz").status_code == 200)
    create.append(client.post("/api/cars", json={"name": "Car2", "attributes": LARGE}).status_code)
    return {"ready": ready, "create": create, "reads": reads, "detail": problem["detail"]}


def main():
    engine, disk = sys.argv[1], Path(sys.argv[2])
    disk.chmod(0o755)
    # As the fixture ``patience``: a slow failure does not open the circuit breaker.
    failures._SLOW_SECONDS = math.inf
    with database(engine, disk) as url:
        migrate(url)
        app = build_app(load_settings(url))
        print(json.dumps(statuses(app.test_client(), disk)))
        close(app)


if __name__ == "__main__":
    main()
