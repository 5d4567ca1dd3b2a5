"""Vehicles over HTTP."""

import uuid

import flask_restful as rest
from flask import Response, request

from invsys.chassis.http import conditional, query_string
from invsys.chassis.http import responses as http_responses
from invsys.inventory.api import requests, responses
from invsys.inventory.commands import resources as resource_commands
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.schemas import inputs, outputs
from invsys.inventory.schemas import queries as query_schemas


class ResourceCollection(rest.Resource):
    """``/api/cars``."""

    def get(self, resource_type: str) -> Response:
        """List vehicles."""
        filters = query_string.load(query_schemas.resource_query, prefix=query_schemas.ATTRIBUTE)
        counted, by_name = filters.pop("count"), filters.pop("order") == "name"
        page = responses.pop_page(filters, numbers=1 if by_name else None)
        rows = resource_queries.resources(resource_type, **page, by_name=by_name, **filters)
        total = resource_queries.count(resource_type, query_schemas.MAX_COUNT, **filters) if counted else None
        sort_key = resource_queries.sort_key_by_name if by_name else resource_queries.sort_key_by_age
        return responses.page(rows, page, outputs.resource, sort_key, total, root="resource")

    def post(self, resource_type: str) -> Response:
        """Register a vehicle."""
        values, caller = requests.load_new(inputs.new_resource)
        result = resource_commands.register(resource_type, **values, caller=caller)
        return responses.created(result, outputs.resource, root="resource", collection=request.path)


class ResourceItem(rest.Resource):
    """``/api/cars/{resource_id}``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Show a vehicle."""
        row = resource_queries.resource(resource_type, resource_id)
        return conditional.apply_if_none_match(responses.item(row, outputs.resource, root="resource"))

    def patch(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Change a vehicle."""
        changes = requests.load_changes(inputs.changed_resource)
        row = resource_commands.update(
            resource_type, resource_id, changes, conditional.expected_versions(), requests.caller()
        )
        return responses.item(row, outputs.resource, root="resource")

    def delete(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Decommission a vehicle."""
        resource_commands.decommission(resource_type, resource_id, conditional.expected_versions(), requests.caller())
        return http_responses.no_content()
