"""Change lists: the entries of a request, and the places of the allocations in its response."""

from tests.support.hours_in_2099 import hours_of

CHANGES = "/api/cars/all/allocations/changes"


def entry(allocation, car=None, **fields):
    """Return an entry that changes an allocation (a response); ``car`` is the URL of its new vehicle, or ``any``."""
    vehicle = {} if car is None else {"resource_id": car if car == "any" else car[-36:]}
    return {"id": allocation["id"], **vehicle, **fields}


def places(response, cars):
    """Return (index of the car, start, end) for each allocation of a successful response."""
    assert response.status_code == 200, response.text
    ids = [car[-36:] for car in cars]
    return [(ids.index(row["resource_id"]), *hours_of(row)) for row in response.json]
