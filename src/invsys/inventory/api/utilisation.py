"""Utilisation over HTTP: how much of a fleet is allocated, step by step."""

import flask_restful as rest
from flask import Response, request

from invsys.chassis.http import query_string, responses
from invsys.inventory.queries import utilisation
from invsys.inventory.schemas import queries as query_schemas
from invsys.inventory.schemas import utilisation as schemas

# The response is expensive, and dashboards request it again and again.
_HEADERS = {"Cache-Control": "private, max-age=60"}


class FleetUtilisation(rest.Resource):
    """``/api/cars/utilisation``."""

    def get(self, resource_type: str) -> Response:
        """Show how much of the fleet is allocated in each step of a window."""
        query = query_string.load(query_schemas.utilisation_query)
        window = query["window"]
        row = {
            "start": window.start,
            "end": window.end,
            "step": request.args.get("step", query_schemas.DEFAULT_STEP),
            "steps": utilisation.steps(resource_type, window, query["step"]),
        }
        return responses.make_response(schemas.utilisation.dump(row), headers=_HEADERS, root="utilisation", item="step")
