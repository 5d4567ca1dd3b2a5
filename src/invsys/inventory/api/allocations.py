"""Allocations over HTTP: of one vehicle, of all, and of any that is free."""

import uuid

import flask_restful as rest
from flask import Response, request

from invsys.chassis import answers, client_id, conditional, queries
from invsys.inventory import allocating, changing, choosing, deallocating, lookup, schemas
from invsys.inventory.api import orders, replies


class AllocationCollection(rest.Resource):
    """``/api/cars/{resource_id}/allocations``."""

    def get(self, resource_type: str, resource_id: uuid.UUID | None = None) -> Response:
        """List the allocations of a vehicle, or of all."""
        query = queries.load(schemas.allocation_query)
        wanted = {**replies.with_one_more(query), "owner": client_id.owner()}
        rows = lookup.allocations(resource_type, resource_id=resource_id, **wanted)
        return replies.page(rows, query["limit"], schemas.allocations, lookup.position, root="allocation")

    def post(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Allocate a vehicle."""
        given, caller = orders.order(schemas.new_allocation)
        made = allocating.allocate(resource_type, resource_id, **given, caller=caller)
        return replies.created(made, schemas.allocation, root="allocation", collection=request.path)


class AllocationsOfAll(AllocationCollection):
    """``/api/cars/all/allocations``: those of every vehicle; a new one needs a vehicle to be of."""

    methods = frozenset({"GET"})


class AllocationsOfAny(rest.Resource):
    """``/api/cars/any/allocations``."""

    def post(self, resource_type: str) -> Response:
        """Allocate whichever vehicle is free, or as many as are wanted."""
        given, caller = orders.order(schemas.new_allocation_of_any)
        made = choosing.allocate_any(resource_type, **given, caller=caller)
        if "quantity" in given:
            return replies.several_created(made, schemas.allocations, root="allocation")
        vehicle = made.rows[0]["resource_id"]
        collection = f"{request.path.removesuffix('/any/allocations')}/{vehicle}/allocations"
        return replies.created(made, schemas.allocation, root="allocation", collection=collection)


class AllocationItem(rest.Resource):
    """``/api/cars/{resource_id}/allocations/{allocation_id}``, or with ``all`` for the vehicle."""

    def get(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Show an allocation."""
        row = lookup.allocation(resource_type, allocation_id, resource_id, client_id.owner())
        return conditional.unless_known(replies.item(row, schemas.allocation, root="allocation"))

    def patch(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Change an allocation, confirm or extend a hold."""
        changes = orders.changes(schemas.changed_allocation)
        versions = conditional.expected_versions()
        row = changing.change(resource_type, allocation_id, changes, resource_id, versions, orders.caller())
        return replies.item(row, schemas.allocation, root="allocation")

    def delete(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Free the period again."""
        versions = conditional.expected_versions()
        deallocating.deallocate(resource_type, allocation_id, resource_id, versions, orders.caller())
        return answers.nothing()
