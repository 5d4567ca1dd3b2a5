"""Exports over HTTP: iCalendar and GBFS. Each has its own media type; the header Accept is ignored."""

import uuid

import flask_restful as rest
from flask import Response, current_app

from invsys.chassis.access import client_id
from invsys.chassis.http import conditional, query_string, responses
from invsys.inventory.formats import gbfs, icalendar
from invsys.inventory.queries import exports as export_queries
from invsys.inventory.schemas import queries as query_schemas


class AllocationCalendar(rest.Resource):
    """``/api/cars/{resource_id}/allocations.ics``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Show the allocations of a vehicle as iCalendar."""
        window = query_string.load(query_schemas.window_query)["window"]
        vehicle, allocations = export_queries.allocations(resource_type, resource_id, window, client_id.owner())
        body = icalendar.calendar(vehicle["name"], allocations, window)
        response = Response(body, content_type="text/calendar; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{resource_id}.ics"'
        # Calendar programs poll every few minutes or hours; the ETag lets them revalidate their copy.
        response.add_etag()
        response.headers["Cache-Control"] = "private, no-cache"
        return conditional.apply_if_none_match(response)


class VehicleAvailability(rest.Resource):
    """``/api/cars/gbfs/vehicle_availability.json``."""

    def get(self, resource_type: str) -> Response:
        """Show the free periods of each vehicle as GBFS."""
        names = {value: name for name, value in current_app.config["COLLECTIONS"].items()}
        with export_queries.not_ended(resource_type) as (now, vehicles):
            document = gbfs.vehicle_availability(names[resource_type], now, vehicles)
        return responses.json(document, headers={"Cache-Control": f"private, max-age={gbfs.TTL}"})
