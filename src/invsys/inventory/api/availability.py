"""Availability over HTTP: the free and busy periods of vehicles."""

import uuid

import flask_restful as rest
from flask import Response

from invsys.chassis.http import query_string
from invsys.chassis.http import responses as http_responses
from invsys.inventory.api import responses
from invsys.inventory.queries import availability
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.schemas import outputs
from invsys.inventory.schemas import queries as query_schemas


class AvailabilityOfOne(rest.Resource):
    """``/api/cars/{resource_id}/availability``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Show the free and busy periods of a vehicle."""
        window = query_string.load(query_schemas.window_query)["window"]
        row = availability.of_one(resource_type, resource_id, window)
        return http_responses.make_response(outputs.availability.dump(row), root="availability", item="period")


class AvailabilityOfAll(rest.Resource):
    """``/api/cars/all/availability``."""

    def get(self, resource_type: str) -> Response:
        """Show the free and busy periods of each vehicle."""
        filters = query_string.load(query_schemas.availability_query)
        page = responses.pop_page(filters)
        rows = availability.of_all(resource_type, **page, **filters)
        return responses.page(
            rows,
            page,
            outputs.availability,
            resource_queries.sort_key_by_age,
            root="availability",
            roots="availabilities",
            item="period",
        )
