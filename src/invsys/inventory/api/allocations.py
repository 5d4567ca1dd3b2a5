"""Allocations over HTTP: of one vehicle, of all vehicles, and of any free vehicle."""

import uuid

import flask_restful as rest
from flask import Response, request

from invsys.chassis.access import client_id
from invsys.chassis.http import change_count, conditional, query_string
from invsys.chassis.http import responses as http_responses
from invsys.chassis.http.problems import Problem
from invsys.inventory.api import requests, responses
from invsys.inventory.commands import allocate_any, create_allocation, delete_allocation, update_allocation
from invsys.inventory.commands.change_list import command as change_list
from invsys.inventory.queries import allocations as allocation_queries
from invsys.inventory.schemas import inputs, outputs
from invsys.inventory.schemas import queries as query_schemas


class AllocationCollection(rest.Resource):
    """``/api/cars/{resource_id}/allocations``."""

    query = query_schemas.allocation_query

    def get(self, resource_type: str, resource_id: uuid.UUID | None = None) -> Response:
        """List the allocations of a vehicle, or of all vehicles."""
        filters = query_string.load(self.query)
        page, counted, descending = responses.pop_page(filters), filters.pop("count"), filters.pop("order") == "-from"
        filters |= {"resource_id": resource_id, "owner": client_id.owner()}
        rows = allocation_queries.allocations(resource_type, **page, descending=descending, **filters)
        total = allocation_queries.count(resource_type, query_schemas.MAX_COUNT, **filters) if counted else None
        schema = outputs.allocation(filters["owner"])
        return responses.page(rows, page, schema, allocation_queries.sort_key, total, root="allocation")

    def post(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Allocate a vehicle."""
        values, caller = requests.load_new(inputs.new_allocation)
        result = create_allocation.allocate(resource_type, resource_id, **values, caller=caller)
        schema = outputs.allocation(caller.owner)
        return responses.created(result, schema, root="allocation", collection=request.path)


class AllocationsOfAll(AllocationCollection):
    """``/api/cars/all/allocations``: read-only, because a POST needs a vehicle."""

    methods = frozenset({"GET"})
    query = query_schemas.allocation_of_all_query


class AllocationsOfAny(rest.Resource):
    """``/api/cars/any/allocations``."""

    def post(self, resource_type: str) -> Response:
        """Allocate any free vehicle, or ``quantity`` of them."""
        values, caller = requests.load_new(inputs.new_allocation_of_any)
        result = allocate_any.allocate_any(resource_type, **values, caller=caller)
        schema = outputs.allocation(caller.owner)
        if "quantity" in values:
            return responses.list_created(result, schema, root="allocation")
        vehicle = result.rows[0]["resource_id"]
        collection = f"{request.path.removesuffix('/any/allocations')}/{vehicle}/allocations"
        return responses.created(result, schema, root="allocation", collection=collection)


class AllocationChanges(rest.Resource):
    """``/api/cars/all/allocations/changes``."""

    def post(self, resource_type: str) -> Response:
        """Change several allocations, all or none."""
        changes, caller = requests.load_change_list()
        try:
            result = change_list.apply(resource_type, changes, caller)
        except Problem as problem:
            # It can take as long to refuse a list as to apply it.
            problem.headers[change_count.HEADER] = str(len(changes))
            raise
        return responses.list_changed(result, outputs.allocation(caller.owner), root="allocation")


class AllocationItem(rest.Resource):
    """``/api/cars/{resource_id}/allocations/{allocation_id}``, also with ``all`` instead of the vehicle."""

    def get(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Show an allocation."""
        owner = client_id.owner()
        row = allocation_queries.allocation(resource_type, allocation_id, resource_id, owner)
        return conditional.apply_if_none_match(responses.item(row, outputs.allocation(owner), root="allocation"))

    def patch(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Change an allocation; confirm or extend a hold."""
        changes = requests.load_changes(inputs.changed_allocation)
        versions, caller = conditional.expected_versions(), requests.caller()
        row = update_allocation.update(resource_type, allocation_id, changes, resource_id, versions, caller)
        return responses.item(row, outputs.allocation(caller.owner), root="allocation")

    def delete(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Delete an allocation."""
        versions = conditional.expected_versions()
        delete_allocation.deallocate(resource_type, allocation_id, resource_id, versions, requests.caller())
        return http_responses.no_content()
