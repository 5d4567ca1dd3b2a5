"""The wire format: schemas (marshmallow) of request bodies, responses and queries.

Each schema is instantiated once, here, because building one costs more than using it.
"""

from marshmallow import Schema

from invsys.inventory.schemas.inputs import (
    ChangedAllocation,
    ChangedResource,
    ImportedAllocation,
    NewAllocation,
    NewAllocationOfAny,
    NewResource,
)
from invsys.inventory.schemas.outputs import (
    Allocation,
    Availability,
    Conflict,
    Event,
    ExportedAllocation,
    FreeOrBusy,
    Resource,
)
from invsys.inventory.schemas.queries import (
    AllocationQuery,
    AvailabilityQuery,
    EventQuery,
    FleetQuery,
    ResourceQuery,
    WindowQuery,
)

__all__ = (
    "Allocation",
    "AllocationQuery",
    "Availability",
    "AvailabilityQuery",
    "ChangedAllocation",
    "ChangedResource",
    "Conflict",
    "Event",
    "EventQuery",
    "FleetQuery",
    "FreeOrBusy",
    "ImportedAllocation",
    "NewAllocation",
    "NewAllocationOfAny",
    "NewResource",
    "Resource",
    "ResourceQuery",
    "WindowQuery",
)

new_resource = NewResource()
changed_resource = ChangedResource()
resource = Resource()
resources = Resource(many=True)
resource_query = ResourceQuery()

new_allocation = NewAllocation()
new_allocation_of_any = NewAllocationOfAny()
changed_allocation = ChangedAllocation()
allocation = Allocation()
allocations = Allocation(many=True)
allocation_query = AllocationQuery()
conflicts = Conflict(many=True)
exported_allocation = ExportedAllocation()
imported_allocation = ImportedAllocation()

window_query = WindowQuery()
availability = Availability()
availabilities = Availability(many=True)
availability_query = AvailabilityQuery()

events = Event(many=True)
event_query = EventQuery()

fleet_query = FleetQuery()

# The schemas in the OpenAPI document. A response always has all of its fields.
REQUEST_SCHEMAS: list[type[Schema]] = [
    NewResource,
    ChangedResource,
    NewAllocation,
    NewAllocationOfAny,
    ChangedAllocation,
]
RESPONSE_SCHEMAS: list[type[Schema]] = [Resource, Allocation, Conflict, FreeOrBusy, Availability, Event]
