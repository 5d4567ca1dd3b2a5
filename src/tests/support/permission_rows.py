"""The expected status for each kind of client, for every method of every route.

Each client has a single scope. ``owner`` and ``stranger`` have ``allocations:own``: ``owner`` created the allocation,
``stranger`` did not. ``elsewhere`` represents every client with a single scope that is restricted to lorries.
"""

from dataclasses import dataclass

from tests.support.hours_in_2099 import period_fields

COLUMNS = (
    "anonymous",
    "resources:read",
    "resources:write",
    "allocations:read",
    "allocations:write",
    "owner",
    "stranger",
    "events:read",
    "events:own",
    "elsewhere",
)

# The stranger gets 404 for the allocation, as if it did not exist.
_TABLE = """
                                                         anonymous   allocations stranger    elsewhere
                                                             resources       owner   events
                                                             r   w   r   w           all own
GET     /api/cars                                        401 200 403 403 403 403 403 404 404 404
HEAD    /api/cars                                        401 200 403 403 403 403 403 404 404 404
POST    /api/cars                                        401 403 201 403 403 403 403 404 404 404
GET     /api/cars/{car}                                  401 200 403 403 403 403 403 404 404 404
HEAD    /api/cars/{car}                                  401 200 403 403 403 403 403 404 404 404
PATCH   /api/cars/{car}                                  401 403 200 403 403 403 403 404 404 404
DELETE  /api/cars/{idle}                                 401 403 204 403 403 403 403 404 404 404
GET     /api/cars/{car}/availability                     401 200 403 403 403 403 403 404 404 404
HEAD    /api/cars/{car}/availability                     401 200 403 403 403 403 403 404 404 404
GET     /api/cars/all/availability                       401 200 403 403 403 403 403 404 404 404
HEAD    /api/cars/all/availability                       401 200 403 403 403 403 403 404 404 404
GET     /api/cars/utilisation?{window}                   401 403 403 200 403 403 403 404 404 404
HEAD    /api/cars/utilisation?{window}                   401 403 403 200 403 403 403 404 404 404
GET     /api/cars/gbfs/vehicle_availability.json         401 200 403 403 403 403 403 404 404 404
HEAD    /api/cars/gbfs/vehicle_availability.json         401 200 403 403 403 403 403 404 404 404
GET     /api/cars/{car}/allocations                      401 403 403 200 403 200 200 404 404 404
HEAD    /api/cars/{car}/allocations                      401 403 403 200 403 200 200 404 404 404
POST    /api/cars/{car}/allocations                      401 403 403 403 201 201 201 404 404 404
GET     /api/cars/{car}/allocations.ics                  401 403 403 200 403 200 200 404 404 404
HEAD    /api/cars/{car}/allocations.ics                  401 403 403 200 403 200 200 404 404 404
GET     /api/cars/all/allocations                        401 403 403 200 403 200 200 404 404 404
HEAD    /api/cars/all/allocations                        401 403 403 200 403 200 200 404 404 404
POST    /api/cars/any/allocations                        401 403 403 403 201 201 201 404 404 404
POST    /api/cars/all/allocations/changes                401 403 403 403 200 200 404 404 404 404
GET     /api/cars/{car}/allocations/{allocation}         401 403 403 200 403 200 404 404 404 404
HEAD    /api/cars/{car}/allocations/{allocation}         401 403 403 200 403 200 404 404 404 404
PATCH   /api/cars/{car}/allocations/{allocation}         401 403 403 403 200 200 404 404 404 404
DELETE  /api/cars/{car}/allocations/{allocation}         401 403 403 403 204 204 404 404 404 404
GET     /api/cars/all/allocations/{allocation}           401 403 403 200 403 200 404 404 404 404
HEAD    /api/cars/all/allocations/{allocation}           401 403 403 200 403 200 404 404 404 404
PATCH   /api/cars/all/allocations/{allocation}           401 403 403 403 200 200 404 404 404 404
DELETE  /api/cars/all/allocations/{allocation}           401 403 403 403 204 204 404 404 404 404
GET     /api/events                                      401 403 403 403 403 403 403 200 200 403
HEAD    /api/events                                      401 403 403 403 403 403 403 200 200 403
GET     /                                                200 200 200 200 200 200 200 200 200 200
GET     /table                                           401 200 403 403 403 403 403 403 403 403
HEAD    /                                                200 200 200 200 200 200 200 200 200 200
HEAD    /table                                           401 200 403 403 403 403 403 403 403 403
GET     /api/openapi.json                                200 200 200 200 200 200 200 200 200 200
HEAD    /api/openapi.json                                200 200 200 200 200 200 200 200 200 200
GET     /docs                                            200 200 200 200 200 200 200 200 200 200
HEAD    /docs                                            200 200 200 200 200 200 200 200 200 200
GET     /docs/swagger-ui/swagger-ui.css                  200 200 200 200 200 200 200 200 200 200
HEAD    /docs/swagger-ui/swagger-ui.css                  200 200 200 200 200 200 200 200 200 200
GET     /docs/static/docs.css                            200 200 200 200 200 200 200 200 200 200
HEAD    /docs/static/docs.css                            200 200 200 200 200 200 200 200 200 200
GET     /docs/problems                                   200 200 200 200 200 200 200 200 200 200
HEAD    /docs/problems                                   200 200 200 200 200 200 200 200 200 200
GET     /docs/problems/period_taken                      200 200 200 200 200 200 200 200 200 200
HEAD    /docs/problems/period_taken                      200 200 200 200 200 200 200 200 200 200
GET     /docs/problems/forbidden                         200 200 200 200 200 200 200 200 200 200
GET     /static/page.css                                 200 200 200 200 200 200 200 200 200 200
HEAD    /static/page.css                                 200 200 200 200 200 200 200 200 200 200
"""

# The gateway has its own routes with these paths.
OWN_ROUTES = {"/healthz", "/readyz", "/metrics"}


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    method: str
    path: str
    statuses: dict[str, int]

    def __str__(self):
        return f"{self.method} {self.path}"

    @property
    def scope(self):
        """The scope that the route requires for all items; None for a public route."""
        granted = [name for name in COLUMNS if ":" in name and name != "events:own" and self.statuses[name] < 300]
        return granted[0] if len(granted) == 1 else None

    def body(self, ids):
        """Return the request body, or None; ``ids`` is the result of ``GatewayWithInventory.create_cars``."""
        if self.method not in ("POST", "PATCH"):
            return None
        if "/allocations" not in self.path:
            return {"name": ids["unused"]}
        if self.path.endswith("/changes"):
            return {"changes": [{"id": ids["allocation"], "description": "changed"}]}
        return period_fields(20, 21) if self.method == "POST" else {"description": "changed"}


def _rows():
    for line in _TABLE.splitlines():
        if "/" in line:
            method, path, *statuses = line.split()
            yield Row(method, path, dict(zip(COLUMNS, map(int, statuses), strict=True)))


ROWS = list(_rows())
