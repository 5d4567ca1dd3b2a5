"""The links of responses: which operations accept the ids in a response (OpenAPI 3.1, section 4.8.20)."""

from typing import Any

_VEHICLE = {"collection": "$request.path.collection", "resource_id": "$response.body#/id"}
_ALLOCATION = {"collection": "$request.path.collection", "allocation_id": "$response.body#/id"}
_ALLOCATION_OF_VEHICLE = _ALLOCATION | {"resource_id": "$response.body#/resource_id"}

# For the name of an operation, the names of the operations that can follow it, and their path parameters.
_OF_NEW_VEHICLE = dict.fromkeys(
    (
        "get_vehicle",
        "change_vehicle",
        "decommission_vehicle",
        "allocate_vehicle",
        "list_allocations_of_vehicle",
        "get_availability",
        "get_calendar",
    ),
    _VEHICLE,
)
_OF_NEW_ALLOCATION = {
    **dict.fromkeys(("get_allocation", "change_allocation", "delete_allocation"), _ALLOCATION),
    **dict.fromkeys(
        ("get_allocation_of_vehicle", "change_allocation_of_vehicle", "delete_allocation_of_vehicle"),
        _ALLOCATION_OF_VEHICLE,
    ),
}
_LINKS = {
    "register_vehicle": _OF_NEW_VEHICLE,
    "allocate_vehicle": _OF_NEW_ALLOCATION,
    # Not for several vehicles: the response is then an array, to which the expressions do not apply.
    "allocate_any_vehicle": _OF_NEW_ALLOCATION,
}


def of_operation(name: str) -> dict[str, Any]:
    """Return the links of the successful response of an operation by their names; empty if it has none."""
    return {
        target: {"operationId": target, "parameters": parameters} for target, parameters in _LINKS.get(name, {}).items()
    }
