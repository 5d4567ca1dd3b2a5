"""What callers get."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

from flask_marshmallow.sqla import SQLAlchemySchema
from marshmallow import fields, validate
from marshmallow_sqlalchemy import auto_field

from invsys.inventory.db import models
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.schemas.fields import Infinite, Status, UtcDateTimeField
from invsys.inventory.schemas.validators import A_STATUS, FLAT

KINDS = (
    "resource_registered",
    "resource_changed",
    "resource_decommissioned",
    "allocated",
    "allocation_changed",
    "confirmed",
    "deallocated",
    "expired",
)


class Output(SQLAlchemySchema):
    """A schema of what callers get; dumps rows, which are mappings."""

    # What is handed on as it is, to be written by ``answers``: ids and instants as UUIDs and datetimes.
    plain: ClassVar[tuple[type[fields.Field[Any]], ...]] = (fields.String, fields.Dict, fields.UUID, UtcDateTimeField)

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Dump a row, or rows.

        What marshmallow finds out for every value of every row (where it is, whether it may be missing, who else wants
        to see it) is known beforehand here: a page takes a third of the time.
        """
        if self.many if many is None else many:
            return [self._written(row) for row in obj]
        return self._written(obj)

    def _written(self, row: Row) -> dict[str, Any]:
        return {
            key: row[column] if write is None else write(row[column], column, row)
            for key, column, write in self._columns
        }

    @functools.cached_property
    def _columns(self) -> list[tuple[str, str, Callable[..., Any] | None]]:
        return [
            (
                field.data_key or name,
                field.attribute or name,
                None if isinstance(field, self.plain) else field._serialize,  # noqa: SLF001 - made to be overridden
            )
            for name, field in self.dump_fields.items()
        ]


class Resource(Output):
    """A vehicle, as callers get it."""

    class Meta:
        model = ContinuousResource

    id = auto_field()
    name = auto_field()
    resource_type = auto_field()
    attributes = fields.Dict(metadata=FLAT)
    created = UtcDateTimeField()


class Conflict(Output):
    """An allocation that is in the way."""

    class Meta:
        model = ContinuousResourceAllocation

    id = auto_field()
    from_datetime = UtcDateTimeField(attribute="starts", allow_none=True)
    to_datetime = UtcDateTimeField(attribute="ends", allow_none=True)
    from_infinity = Infinite(attribute="starts", dump_only=True)
    to_infinity = Infinite(attribute="ends", dump_only=True)
    allocation_type = auto_field()


class Allocation(Conflict):
    """An allocation, as callers get it."""

    class Meta:
        model = ContinuousResourceAllocation
        fields = (
            "id",
            "resource_id",
            "resource_type",
            "from_datetime",
            "to_datetime",
            "from_infinity",
            "to_infinity",
            "allocation_type",
            "description",
            "json_dump",
            "created",
            "status",
            "expires",
        )

    resource_id = fields.UUID()
    resource_type = fields.String()
    description = auto_field()
    json_dump = fields.Dict(attribute="dump", data_key="dump")
    created = UtcDateTimeField()
    status = Status(attribute="expires", validate=A_STATUS, dump_only=True)
    expires = UtcDateTimeField(allow_none=True)


class ExportedAllocation(Allocation):
    """An allocation in a file of the export, where every value is text."""

    class Meta:
        model = ContinuousResourceAllocation
        exclude = ("id", "resource_id", "resource_type", "created", "status", "expires")

    plain = (fields.String, fields.Dict)

    client_id = auto_field()


class FreeOrBusy(Output):
    """A period in which a vehicle is free, or is not."""

    from_datetime = UtcDateTimeField(attribute="start", allow_none=True)
    to_datetime = UtcDateTimeField(attribute="end", allow_none=True)
    from_infinity = Infinite(attribute="start", dump_only=True)
    to_infinity = Infinite(attribute="end", dump_only=True)


class Periods(fields.List[Any]):
    """Periods, each as ``FreeOrBusy``."""

    def __init__(self) -> None:
        super().__init__(fields.Nested(FreeOrBusy))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> list[Any]:
        return [_free_or_busy.dump({"start": period.start, "end": period.end}) for period in value]


_free_or_busy = FreeOrBusy()


class Availability(Output):
    """When a vehicle is free and when it is not, within a window."""

    resource_id = fields.UUID()
    from_datetime = UtcDateTimeField(attribute="start", allow_none=True)
    to_datetime = UtcDateTimeField(attribute="end", allow_none=True)
    free = Periods()
    busy = Periods()


class Snapshot(fields.Field[Any]):
    """The vehicle, or the allocation, as it was after the change."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return _resource.dump(obj) if obj["allocation_id"] is None else _allocation.dump(obj)


class _ResourceThen(Resource):
    id = fields.UUID(attribute="resource_id")  # type: ignore[assignment]


class _AllocationThen(Allocation):
    id = fields.UUID(attribute="allocation_id")  # type: ignore[assignment]


_resource, _allocation = _ResourceThen(), _AllocationThen()


class Event(Output):
    """A change; ``data`` is the vehicle, or the allocation, after it."""

    class Meta:
        model = models.Event

    id = auto_field()
    at = UtcDateTimeField()
    kind = fields.String(validate=validate.OneOf(KINDS))
    resource_type = auto_field()
    resource_id = auto_field()
    allocation_id = auto_field()
    client_id = auto_field()
    # Made of the whole row.
    data = Snapshot(attribute="key")
