"""Schemas of vehicles and allocations in exported files."""

from marshmallow import fields
from marshmallow_sqlalchemy import auto_field

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.schemas import outputs
from invsys.inventory.schemas.fields import UtcDateTimeField


class ExportedResource(outputs.Output):
    """A vehicle in an exported file; date-times are formatted as text."""

    class Meta:
        model = ContinuousResource

    unconverted = (fields.String, fields.Dict)

    resource_type = auto_field()
    name = auto_field()
    attributes = fields.Dict()
    closed_from = UtcDateTimeField()


class ExportedAllocation(outputs.Allocation):
    """An allocation in an exported file; date-times are formatted as text."""

    class Meta:
        model = ContinuousResourceAllocation
        exclude = ("id", "resource_id", "resource_type", "created", "version", "status", "expires")

    unconverted = (fields.String, fields.Dict)

    client_id = auto_field()


# Instantiated once, because building a schema costs more than using it.
exported_resource = ExportedResource()
exported_allocation = ExportedAllocation()
