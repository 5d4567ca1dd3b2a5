"""Allocations over HTTP: of one vehicle, of all, and of any that is free."""

import uuid

import flask_restful as rest
from flask import Response, request

from invsys.chassis.access import client_id
from invsys.chassis.http import conditional, query_string
from invsys.chassis.http import responses as http_responses
from invsys.inventory import schemas
from invsys.inventory.api import requests, responses
from invsys.inventory.commands import allocate_any, create_allocation, delete_allocation, update_allocation
from invsys.inventory.queries import allocations as allocation_queries


class AllocationCollection(rest.Resource):
    """``/api/cars/{resource_id}/allocations``."""

    def get(self, resource_type: str, resource_id: uuid.UUID | None = None) -> Response:
        """List the allocations of a vehicle, or of all."""
        query = query_string.load(schemas.allocation_query)
        wanted = {**responses.with_one_more(query), "owner": client_id.owner()}
        rows = allocation_queries.allocations(resource_type, resource_id=resource_id, **wanted)
        return responses.page(rows, query["limit"], schemas.allocations, allocation_queries.sort_key, root="allocation")

    def post(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Allocate a vehicle."""
        given, caller = requests.order(schemas.new_allocation)
        made = create_allocation.allocate(resource_type, resource_id, **given, caller=caller)
        return responses.created(made, schemas.allocation, root="allocation", collection=request.path)


class AllocationsOfAll(AllocationCollection):
    """``/api/cars/all/allocations``: those of every vehicle; a new one needs a vehicle to be of."""

    methods = frozenset({"GET"})


class AllocationsOfAny(rest.Resource):
    """``/api/cars/any/allocations``."""

    def post(self, resource_type: str) -> Response:
        """Allocate whichever vehicle is free, or as many as are wanted."""
        given, caller = requests.order(schemas.new_allocation_of_any)
        made = allocate_any.allocate_any(resource_type, **given, caller=caller)
        if "quantity" in given:
            return responses.several_created(made, schemas.allocations, root="allocation")
        vehicle = made.rows[0]["resource_id"]
        collection = f"{request.path.removesuffix('/any/allocations')}/{vehicle}/allocations"
        return responses.created(made, schemas.allocation, root="allocation", collection=collection)


class AllocationItem(rest.Resource):
    """``/api/cars/{resource_id}/allocations/{allocation_id}``, or with ``all`` for the vehicle."""

    def get(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Show an allocation."""
        row = allocation_queries.allocation(resource_type, allocation_id, resource_id, client_id.owner())
        return conditional.apply_if_none_match(responses.item(row, schemas.allocation, root="allocation"))

    def patch(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Change an allocation, confirm or extend a hold."""
        changes = requests.changes(schemas.changed_allocation)
        versions = conditional.expected_versions()
        row = update_allocation.update(resource_type, allocation_id, changes, resource_id, versions, requests.caller())
        return responses.item(row, schemas.allocation, root="allocation")

    def delete(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Free the period again."""
        versions = conditional.expected_versions()
        delete_allocation.deallocate(resource_type, allocation_id, resource_id, versions, requests.caller())
        return http_responses.no_content()
