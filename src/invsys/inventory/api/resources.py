"""Vehicles over HTTP."""

import uuid

import flask_restful as rest
from flask import Response, request

from invsys.chassis.http import conditional, query_string
from invsys.chassis.http import responses as http_responses
from invsys.inventory import schemas
from invsys.inventory.api import requests, responses
from invsys.inventory.commands import resources as resource_commands
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.schemas.queries import ATTRIBUTE


class ResourceCollection(rest.Resource):
    """``/api/cars``."""

    def get(self, resource_type: str) -> Response:
        """List vehicles."""
        query = query_string.load(schemas.resource_query, gathered=ATTRIBUTE)
        rows = resource_queries.resources(resource_type, **responses.with_one_more(query))
        return responses.page(rows, query["limit"], schemas.resources, responses.by_key, root="resource")

    def post(self, resource_type: str) -> Response:
        """Register a vehicle."""
        given, caller = requests.order(schemas.new_resource)
        made = resource_commands.register(resource_type, **given, caller=caller)
        return responses.created(made, schemas.resource, root="resource", collection=request.path)


class ResourceItem(rest.Resource):
    """``/api/cars/{resource_id}``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Show a vehicle."""
        row = resource_queries.resource(resource_type, resource_id)
        return conditional.apply_if_none_match(responses.item(row, schemas.resource, root="resource"))

    def patch(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Change a vehicle."""
        changes = requests.changes(schemas.changed_resource)
        row = resource_commands.update(
            resource_type, resource_id, changes, conditional.expected_versions(), requests.caller()
        )
        return responses.item(row, schemas.resource, root="resource")

    def delete(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Decommission a vehicle."""
        resource_commands.decommission(resource_type, resource_id, conditional.expected_versions(), requests.caller())
        return http_responses.no_content()
