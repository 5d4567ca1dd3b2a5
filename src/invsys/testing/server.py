"""The process that ``plugin`` starts: migrates a new database, serves it on a free port, and prints its URL.

It obeys the lines of its standard input: ``empty`` deletes all data, the end of the input ends the process. One process
with Werkzeug's server starts in half the time of the production server, which has a supervisor and workers.
"""

import gc
import os
import sys
import threading

from werkzeug.serving import WSGIRequestHandler, make_server

from invsys.inventory import settings
from invsys.inventory.application import build_app
from invsys.inventory.db.engine import disconnect
from invsys.inventory.maintenance.migrate import migrate
from invsys.testing.database import delete_all_rows


class _Handler(WSGIRequestHandler):
    # Connections stay open between requests, as in production.
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the service logs its requests itself."""


def main() -> None:
    """Serve until the end of the standard input."""
    app = build_app(settings.load(environ=os.environ))
    with app.app_context():
        migrate()
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Handler)
        gc.freeze()
        gc.enable()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        for _ in sys.stdin:
            delete_all_rows()
            print("empty", flush=True)
        server.shutdown()
        disconnect()
