"""Vehicles over HTTP."""

import uuid

import flask_restful as rest
from flask import Response, request

from invsys.chassis import answers, conditional, queries
from invsys.inventory import fleet, lookup, schemas
from invsys.inventory.api import orders, replies
from invsys.inventory.schemas.queries import ATTRIBUTE


class ResourceCollection(rest.Resource):
    """``/api/cars``."""

    def get(self, resource_type: str) -> Response:
        """List vehicles."""
        query = queries.load(schemas.resource_query, gathered=ATTRIBUTE)
        rows = lookup.resources(resource_type, **replies.with_one_more(query))
        return replies.page(rows, query["limit"], schemas.resources, replies.by_key, root="resource")

    def post(self, resource_type: str) -> Response:
        """Register a vehicle."""
        given, caller = orders.order(schemas.new_resource)
        made = fleet.register(resource_type, **given, caller=caller)
        return replies.created(made, schemas.resource, root="resource", collection=request.path)


class ResourceItem(rest.Resource):
    """``/api/cars/{resource_id}``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Show a vehicle."""
        row = lookup.resource(resource_type, resource_id)
        return conditional.unless_known(replies.item(row, schemas.resource, root="resource"))

    def patch(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Change a vehicle."""
        changes = orders.changes(schemas.changed_resource)
        row = fleet.change(resource_type, resource_id, changes, conditional.expected_versions(), orders.caller())
        return replies.item(row, schemas.resource, root="resource")

    def delete(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Decommission a vehicle."""
        fleet.decommission(resource_type, resource_id, conditional.expected_versions(), orders.caller())
        return answers.nothing()
