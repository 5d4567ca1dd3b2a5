"""Schemas of responses."""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

from flask_marshmallow.sqla import SQLAlchemySchema
from marshmallow import Schema, fields, validate
from marshmallow_sqlalchemy import auto_field

from invsys.inventory.db import models
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.schemas.fields import Infinite, Status, UtcDateTimeField
from invsys.inventory.schemas.validators import ATTRIBUTES_SCHEMA, STATUS_VALIDATOR

# The kinds of events whose ``data`` is a vehicle, and those whose ``data`` is an allocation.
VEHICLE_KINDS = ("resource_registered", "resource_changed", "resource_decommissioned")
ALLOCATION_KINDS = ("allocated", "allocation_changed", "confirmed", "deallocated", "expired")
KINDS = VEHICLE_KINDS + ALLOCATION_KINDS


class Output(SQLAlchemySchema):
    """A schema of a response; dumps rows, which are mappings."""

    # Fields whose values are dumped unchanged: ``chassis.http.responses`` serialises UUIDs and datetimes.
    unconverted: ClassVar[tuple[type[fields.Field[Any]], ...]] = (
        fields.String,
        fields.Dict,
        fields.UUID,
        fields.Integer,
        UtcDateTimeField,
    )

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Dump a row, or a list of rows if ``many``.

        marshmallow's own method looks up for each value of each row where the value is, whether it may be missing and
        which hooks to call. This method does so once for each field, so a page takes a third of the time.
        """
        if self.many if many is None else many:
            return [self._dump_row(row) for row in obj]
        return self._dump_row(obj)

    def _dump_row(self, row: Row) -> dict[str, Any]:
        return {
            key: row[column] if serialize is None else serialize(row[column], column, row)
            for key, column, serialize in self._columns
        }

    @functools.cached_property
    def _columns(self) -> list[tuple[str, str, Callable[..., Any] | None]]:
        return [
            (
                field.data_key or name,
                field.attribute or name,
                None if isinstance(field, self.unconverted) else field._serialize,  # noqa: SLF001 - a method that subclasses override
            )
            for name, field in self.dump_fields.items()
        ]


class Version(fields.Integer):
    """The version of an item: 1 when it is created; each change adds 1."""

    def __init__(self) -> None:
        metadata = {"description": 'Each change adds 1; the ETag is `"<version>"`'}
        super().__init__(validate=validate.Range(1), metadata=metadata)


class Resource(Output):
    """A vehicle."""

    class Meta:
        model = ContinuousResource

    id = auto_field()
    name = auto_field()
    resource_type = auto_field()
    attributes = fields.Dict(metadata=ATTRIBUTES_SCHEMA)
    created = UtcDateTimeField()
    version = Version()
    closed_from = UtcDateTimeField(
        allow_none=True,
        metadata={"description": "Nothing new can be allocated from then on; null: the vehicle is open"},
    )


class Conflict(Output):
    """An allocation that conflicts with a request."""

    class Meta:
        model = ContinuousResourceAllocation

    id = auto_field()
    from_datetime = UtcDateTimeField(attribute="starts", allow_none=True)
    to_datetime = UtcDateTimeField(attribute="ends", allow_none=True)
    from_infinity = Infinite(attribute="starts", dump_only=True)
    to_infinity = Infinite(attribute="ends", dump_only=True)
    allocation_type = auto_field()
    version = Version()


class Allocation(Conflict):
    """An allocation."""

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
            "reference",
            "json_dump",
            "created",
            "version",
            "status",
            "expires",
            "client_id",
        )

    resource_id = fields.UUID()
    resource_type = fields.String()
    description = auto_field()
    reference = auto_field(metadata={"description": "The caller's order number"})
    json_dump = fields.Dict(attribute="dump", data_key="dump")
    created = UtcDateTimeField()
    status = Status(attribute="expires", validate=STATUS_VALIDATOR, dump_only=True)
    expires = UtcDateTimeField(allow_none=True)
    client_id = auto_field(
        metadata={
            "description": "The client that created it, null without a gateway;"
            " absent for clients that see only their own allocations"
        }
    )


class OwnAllocation(Allocation):
    """An allocation, for a client that sees only its own allocations."""

    class Meta(Allocation.Meta):
        exclude = ("client_id",)


class FreeOrBusy(Output):
    """A period in which a vehicle is free or busy."""

    from_datetime = UtcDateTimeField(attribute="start", allow_none=True)
    to_datetime = UtcDateTimeField(attribute="end", allow_none=True)
    from_infinity = Infinite(attribute="start", dump_only=True)
    to_infinity = Infinite(attribute="end", dump_only=True)


class Periods(fields.List[Any]):
    """A list of periods, each dumped as ``FreeOrBusy``."""

    def __init__(self) -> None:
        super().__init__(fields.Nested(FreeOrBusy))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> list[Any]:
        return [_free_or_busy.dump({"start": period.start, "end": period.end}) for period in value]


_free_or_busy = FreeOrBusy()


class Availability(Output):
    """The free and busy periods of a vehicle within a window."""

    resource_id = fields.UUID()
    from_datetime = UtcDateTimeField(attribute="start", allow_none=True)
    to_datetime = UtcDateTimeField(attribute="end", allow_none=True)
    free = Periods()
    busy = Periods()


class Snapshot(fields.Field[Any]):
    """The vehicle or the allocation, as it was after the change; ``allocation_schema`` serialises the latter."""

    def __init__(self, allocation_schema: Schema) -> None:
        vehicle, allocation = (", ".join(f"`{kind}`" for kind in kinds) for kinds in (VEHICLE_KINDS, ALLOCATION_KINDS))
        description = (
            f"The complete item after the change, or its last state if the change removed it: a Resource if `kind` is"
            f" one of {vehicle}; an Allocation if it is one of {allocation}"
        )
        union = [{"$ref": f"#/components/schemas/{schema.__name__}"} for schema in (Resource, Allocation)]
        union.append({"type": "object"})  # for kinds that later versions add
        # Serialised from the whole row; marshmallow needs the name of one column.
        super().__init__(attribute="key", metadata={"description": description, "anyOf": union})
        self._allocation_schema = allocation_schema

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return _resource.dump(obj) if obj["allocation_id"] is None else self._allocation_schema.dump(obj)


class _ResourceSnapshot(Resource):
    id = fields.UUID(attribute="resource_id")  # type: ignore[assignment]


class _AllocationSnapshot(Allocation):
    id = fields.UUID(attribute="allocation_id")  # type: ignore[assignment]
    # The ``client_id`` of an event is the client that made the change.
    client_id = fields.String(attribute="owner_id")  # type: ignore[assignment]


_resource = _ResourceSnapshot()


class Event(Output):
    """An event of the change feed; ``data`` is the vehicle or the allocation after the change."""

    class Meta:
        model = models.Event

    id = auto_field()
    at = UtcDateTimeField()
    # Not an enum: later versions can add kinds.
    kind = fields.String(metadata={"description": "Ignore unknown kinds", "x-extensible-enum": list(KINDS)})
    resource_type = auto_field()
    resource_id = auto_field()
    allocation_id = auto_field()
    client_id = auto_field()
    request_id = auto_field(metadata={"description": "The X-Request-Id of the change; null if no request made it"})
    data = Snapshot(_AllocationSnapshot())


class OwnEvent(Event):
    """An event, for a client that sees only its own allocations."""

    data = Snapshot(_AllocationSnapshot(exclude=("client_id",)))


# Instantiated once, because building a schema costs more than using it.
resource = Resource()
_all_allocations, _own_allocations = Allocation(), OwnAllocation()
conflicts = Conflict(many=True)
availability = Availability()
_all_events, _own_events = Event(many=True), OwnEvent(many=True)


def allocation(owner: str | None) -> Allocation:
    """Return the schema of allocations for a client that sees only those of ``owner`` (None: all)."""
    return _all_allocations if owner is None else _own_allocations


def events(owner: str | None) -> Event:
    """Return the schema of events for a client that sees only those of ``owner`` (None: all)."""
    return _all_events if owner is None else _own_events


# The schemas in the OpenAPI document, where all their fields are required, except for the optional ones.
RESPONSE_SCHEMAS: list[type[Schema]] = [Resource, Allocation, Conflict, FreeOrBusy, Availability, Event]
OPTIONAL: dict[type[Schema], set[str]] = {Allocation: {"client_id"}}
