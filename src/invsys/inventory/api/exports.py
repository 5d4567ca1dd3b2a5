"""The formats of the field over HTTP: each has its own media type, whatever Accept says."""

import uuid

import flask_restful as rest
from flask import Response, current_app

from invsys.chassis.access import client_id
from invsys.chassis.http import conditional, query_string, responses
from invsys.inventory import schemas
from invsys.inventory.formats import gbfs, icalendar
from invsys.inventory.queries import exports as export_queries


class AllocationCalendar(rest.Resource):
    """``/api/cars/{resource_id}/allocations.ics``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Give the allocations of a vehicle for a calendar."""
        window = query_string.load(schemas.window_query)["window"]
        vehicle, allocations = export_queries.allocations(resource_type, resource_id, window, client_id.owner())
        body = icalendar.calendar(vehicle["name"], allocations, window)
        answer = Response(body, content_type="text/calendar; charset=utf-8")
        answer.headers["Content-Disposition"] = f'attachment; filename="{resource_id}.ics"'
        # Calendar programs ask every few minutes or hours: they keep a copy, and ask whether it has changed.
        answer.add_etag()
        answer.headers["Cache-Control"] = "private, no-cache"
        return conditional.apply_if_none_match(answer)


class VehicleAvailability(rest.Resource):
    """``/api/cars/gbfs/vehicle_availability.json``."""

    def get(self, resource_type: str) -> Response:
        """Say when each vehicle is free."""
        names = {value: name for name, value in current_app.config["COLLECTIONS"].items()}
        with export_queries.not_ended(resource_type) as (now, found):
            document = gbfs.vehicle_availability(names[resource_type], now, found)
        return responses.json(document, headers={"Cache-Control": f"private, max-age={gbfs.TTL}"})
