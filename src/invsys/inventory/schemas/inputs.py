"""Schemas of request bodies. They load dictionaries, not instances of models."""

from datetime import datetime
from typing import Any, ClassVar

from flask_marshmallow.sqla import SQLAlchemySchema
from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema
from marshmallow_sqlalchemy import auto_field

from invsys.chassis.names import METADATA, Name
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.period import Period, require_order
from invsys.inventory.schemas.fields import (
    ANY,
    IdOrAny,
    StrictBoolean,
    UtcDateTimeField,
    WholeNumber,
)
from invsys.inventory.schemas.validators import (
    ALLOCATION_TYPE_VALIDATORS,
    ATTRIBUTES_SCHEMA,
    NAME_VALIDATORS,
    REFERENCE_METADATA,
    REFERENCE_VALIDATORS,
    validate_attributes,
    validate_client_id,
    validate_dump,
)


class Input(SQLAlchemySchema):
    """A schema of a request body, some of whose fields are generated from the columns of a model."""

    # The members that are objects, and into which a JSON Merge Patch is merged.
    merged: ClassVar[tuple[str, ...]] = ()

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Load a dictionary with the method of ``marshmallow.Schema``.

        The method of marshmallow-sqlalchemy is not thread-safe: it stores the session and the instance in attributes of
        the schema. It also reads a package version from disk at every call, which costs more than the rest.
        """
        return Schema.load(self, data, **kwargs)


class NewResource(Input):
    """The body that registers a vehicle."""

    class Meta:
        model = ContinuousResource
        unknown = RAISE

    name = Name(required=True, validate=NAME_VALIDATORS, metadata=METADATA)
    attributes = fields.Dict(load_default=dict, validate=validate_attributes, metadata=ATTRIBUTES_SCHEMA)


class ImportedResource(NewResource):
    """The vehicle in a line of an imported file, which can be closed."""

    class Meta:
        model = ContinuousResource
        unknown = RAISE

    closed_from = UtcDateTimeField(load_default=None, allow_none=True)


class ChangedResource(NewResource):
    """The body that changes a vehicle; absent members stay as they are."""

    merged = ("attributes",)

    class Meta:
        model = ContinuousResource
        unknown = RAISE

    name = Name(validate=NAME_VALIDATORS, metadata=METADATA)
    attributes = fields.Dict(validate=validate_attributes, metadata=ATTRIBUTES_SCHEMA)
    closed_from = UtcDateTimeField(
        allow_none=True,
        metadata={"description": "From then on nothing new can be allocated; `null` opens the vehicle again"},
    )


class AllocationInput(Input):
    """The members of the bodies that create and that change an allocation."""

    from_datetime = UtcDateTimeField(allow_none=True)
    to_datetime = UtcDateTimeField(allow_none=True)
    from_infinity = StrictBoolean(allow_none=True, metadata={"description": "`true`: the period has no start"})
    to_infinity = StrictBoolean(allow_none=True, metadata={"description": "`true`: the period has no end"})
    hold_seconds = WholeNumber(
        validate=validate.Range(1, 86400),
        metadata={"description": "Seconds from now until the hold expires, unless it is confirmed"},
    )


class NewAllocationFields(AllocationInput):
    """The members of all bodies that create an allocation. Those of the period are loaded as one Period, ``period``."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    allocation_type = auto_field(
        validate=ALLOCATION_TYPE_VALIDATORS, load_default="booking", metadata={"description": "`booking` if absent"}
    )
    description = auto_field(load_default=None)
    reference = Name(load_default=None, allow_none=True, validate=REFERENCE_VALIDATORS, metadata=REFERENCE_METADATA)
    # An attribute called dump would shadow Schema.dump.
    json_dump = fields.Dict(
        data_key="dump",
        attribute="dump",
        load_default=dict,
        validate=validate_dump,
        metadata={"description": "Data of the caller, at most 16 KiB of JSON"},
    )

    @post_load
    def _build_period(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        start, end = (_pop_side(data, side, required=True) for side in ("from", "to"))
        require_order(start, end)
        return {"period": Period(start, end), **data}


class NewAllocation(NewAllocationFields):
    """The body that allocates a vehicle."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    despite_closed = StrictBoolean(
        metadata={
            "description": "`true`: also if the vehicle is closed, for its maintenance; not for clients that may"
            " change only their own allocations"
        }
    )


class ImportedAllocation(NewAllocationFields):
    """The allocation in a line of an imported file, which can have a ``client_id``."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    client_id = auto_field(load_default=None, validate=validate_client_id)


class NewAllocationOfAny(NewAllocationFields):
    """The body that allocates any free vehicle, or several."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    attributes = fields.Dict(load_default=dict, validate=validate_attributes, metadata=ATTRIBUTES_SCHEMA)
    quantity = WholeNumber(
        validate=validate.Range(2, 100),
        metadata={"description": "Number of vehicles, all or none; without it, one vehicle"},
    )


class ChangedAllocation(AllocationInput):
    """The body that changes an allocation. A new start is loaded as ``starts``, a new end as ``ends``.

    If ``resource_id`` is ``any``, only ``attributes`` is loaded: those that the new vehicle must have.
    """

    merged = ("dump",)

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    resource_id = IdOrAny(
        metadata={
            "description": "The new vehicle; `any`: any other vehicle that is free",
            "anyOf": [{"format": "uuid"}, {"const": ANY}],
        }
    )
    attributes = fields.Dict(
        validate=validate_attributes,
        metadata={**ATTRIBUTES_SCHEMA, "description": "Only with `any`: attributes that the new vehicle must have"},
    )
    allocation_type = auto_field(validate=ALLOCATION_TYPE_VALIDATORS)
    description = auto_field()
    reference = Name(allow_none=True, validate=REFERENCE_VALIDATORS, metadata=REFERENCE_METADATA)
    json_dump = fields.Dict(data_key="dump", attribute="dump", validate=validate_dump)
    status = fields.String(validate=validate.Equal("confirmed"))

    @validates_schema
    def _hold_or_confirm(self, data: dict[str, Any], **_: Any) -> None:
        if "status" in data and "hold_seconds" in data:
            raise ValidationError({"hold_seconds": ["A hold can be confirmed or extended, not both."]})

    @validates_schema
    def _attributes_of_any(self, data: dict[str, Any], **_: Any) -> None:
        if "attributes" in data and data.get("resource_id") is not ANY:
            raise ValidationError({"attributes": ['Allowed only with "resource_id": "any".']})

    @post_load
    def _build_changes(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if data.get("resource_id") is ANY:
            del data["resource_id"]
            data.setdefault("attributes", {})
        for side, column in (("from", "starts"), ("to", "ends")):
            is_changed = data.get(f"{side}_datetime") is not None or data.get(f"{side}_infinity")
            instant = _pop_side(data, side, required=False)
            if is_changed:
                data[column] = instant
        return data


def _pop_side(data: dict[str, Any], side: str, *, required: bool) -> datetime | None:
    """Remove the two fields of a side (``from`` or ``to``) from ``data``; return the instant, None if infinite.

    null and false mean absent. Raises ValidationError if both fields are present, or if both are absent and
    ``required`` is true.
    """
    instant: datetime | None = data.pop(f"{side}_datetime", None)
    infinite = bool(data.pop(f"{side}_infinity", None))
    if (instant is not None and infinite) or (required and instant is None and not infinite):
        message = f"Exactly one of {side}_datetime and {side}_infinity: true is required."
        raise ValidationError({f"{side}_datetime": [message]})
    return instant


# Instantiated once, because building a schema costs more than using it.
new_resource = NewResource()
changed_resource = ChangedResource()
new_allocation = NewAllocation()
new_allocation_of_any = NewAllocationOfAny()
changed_allocation = ChangedAllocation()
imported_resource = ImportedResource()
imported_allocation = ImportedAllocation()

# The schemas in the OpenAPI document.
REQUEST_SCHEMAS: list[type[Schema]] = [
    NewResource,
    ChangedResource,
    NewAllocation,
    NewAllocationOfAny,
    ChangedAllocation,
]
