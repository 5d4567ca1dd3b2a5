"""When vehicles are free, over HTTP."""

import uuid

import flask_restful as rest
from flask import Response

from invsys.chassis.http import query_string
from invsys.chassis.http import responses as http_responses
from invsys.inventory import schemas
from invsys.inventory.api import responses
from invsys.inventory.queries import availability


class AvailabilityOfOne(rest.Resource):
    """``/api/cars/{resource_id}/availability``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Tell when a vehicle is free."""
        window = query_string.load(schemas.window_query)["window"]
        found = availability.of_one(resource_type, resource_id, window)
        return http_responses.make_response(schemas.availability.dump(found), root="availability", item="period")


class AvailabilityOfAll(rest.Resource):
    """``/api/cars/all/availability``."""

    def get(self, resource_type: str) -> Response:
        """Tell when each vehicle is free."""
        query = query_string.load(schemas.availability_query)
        found = availability.of_all(resource_type, **responses.with_one_more(query))
        names = {"root": "availability", "roots": "availabilities", "item": "period"}
        return responses.page(found, query["limit"], schemas.availabilities, responses.by_key, **names)
