"""When vehicles are free, over HTTP."""

import uuid

import flask_restful as rest
from flask import Response

from invsys.chassis import answers, queries
from invsys.inventory import availability, schemas
from invsys.inventory.api import replies


class AvailabilityOfOne(rest.Resource):
    """``/api/cars/{resource_id}/availability``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Tell when a vehicle is free."""
        window = queries.load(schemas.window_query)["window"]
        found = availability.of_one(resource_type, resource_id, window)
        return answers.answer(schemas.availability.dump(found), root="availability", item="period")


class AvailabilityOfAll(rest.Resource):
    """``/api/cars/all/availability``."""

    def get(self, resource_type: str) -> Response:
        """Tell when each vehicle is free."""
        query = queries.load(schemas.availability_query)
        found = availability.of_all(resource_type, **replies.with_one_more(query))
        names = {"root": "availability", "roots": "availabilities", "item": "period"}
        return replies.page(found, query["limit"], schemas.availabilities, replies.by_key, **names)
