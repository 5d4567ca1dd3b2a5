"""The bodies that callers send, loaded into plain data: a model's instance could be that of an existing row."""

from datetime import datetime
from typing import Any

from flask_marshmallow.sqla import SQLAlchemySchema
from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema
from marshmallow_sqlalchemy import auto_field

from invsys.chassis.names import METADATA, Name
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.period import Period, require_order
from invsys.inventory.schemas.fields import Id, StrictBoolean, UtcDateTimeField, WholeNumber
from invsys.inventory.schemas.validators import (
    ALLOCATION_TYPE_VALIDATORS,
    FLAT,
    NAME_VALIDATORS,
    at_most_16_kib,
    validate_attributes,
    validate_client_id,
)


class Input(SQLAlchemySchema):
    """A schema of what callers send, with fields made from a model's columns; loads plain data."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Load as marshmallow does.

        marshmallow-sqlalchemy's own load keeps the session and the instance to load into in attributes of the schema,
        which threads share, and reads a version from the disk at every call, which costs more than the rest.
        """
        return Schema.load(self, data, **kwargs)


class NewResource(Input):
    """What registers a vehicle."""

    class Meta:
        model = ContinuousResource
        unknown = RAISE

    name = Name(required=True, validate=NAME_VALIDATORS, metadata=METADATA)
    attributes = fields.Dict(load_default=dict, validate=validate_attributes, metadata=FLAT)


class ChangedResource(NewResource):
    """What changes a vehicle; what is left out stays."""

    class Meta:
        model = ContinuousResource
        unknown = RAISE

    name = Name(validate=NAME_VALIDATORS, metadata=METADATA)
    attributes = fields.Dict(validate=validate_attributes, metadata=FLAT)


class AllocationInput(Input):
    """What every order about an allocation can say."""

    from_datetime = UtcDateTimeField(allow_none=True)
    to_datetime = UtcDateTimeField(allow_none=True)
    from_infinity = StrictBoolean(allow_none=True, metadata={"description": "`true`: it has no start"})
    to_infinity = StrictBoolean(allow_none=True, metadata={"description": "`true`: it has no end"})
    hold_seconds = WholeNumber(
        validate=validate.Range(1, 86400), metadata={"description": "Held for so long from now, to be confirmed"}
    )


class NewAllocation(AllocationInput):
    """What allocates a vehicle; loading folds the four fields of the period into one ``Period``, ``period``."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    allocation_type = auto_field(validate=ALLOCATION_TYPE_VALIDATORS, load_default="booking")
    description = auto_field(load_default=None)
    # Not called dump in Python: that would shadow Schema.dump.
    json_dump = fields.Dict(
        data_key="dump",
        attribute="dump",
        load_default=dict,
        validate=at_most_16_kib,
        metadata={"description": "Whatever the caller wants to keep with it, at most 16 KiB"},
    )

    @post_load
    def _fold(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        start, end = (_fold_side(data, side, required=True) for side in ("from", "to"))
        require_order(start, end)
        return {"period": Period(start, end), **data}


class ImportedAllocation(NewAllocation):
    """What allocates a vehicle in whoever's name: a line of a file."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    client_id = auto_field(load_default=None, validate=validate_client_id)


class NewAllocationOfAny(NewAllocation):
    """What allocates whichever vehicles are free."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    attributes = fields.Dict(load_default=dict, validate=validate_attributes, metadata=FLAT)
    quantity = WholeNumber(
        validate=validate.Range(2, 100), metadata={"description": "So many vehicles, all or none; without it, one"}
    )


class ChangedAllocation(AllocationInput):
    """What changes an allocation: of the period the sides that are given, as ``starts`` and ``ends``."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    resource_id = Id()
    allocation_type = auto_field(validate=ALLOCATION_TYPE_VALIDATORS)
    description = auto_field()
    json_dump = fields.Dict(data_key="dump", attribute="dump", validate=at_most_16_kib)
    status = fields.String(validate=validate.Equal("confirmed"))

    @validates_schema
    def _hold_or_confirm(self, data: dict[str, Any], **_: Any) -> None:
        if "status" in data and "hold_seconds" in data:
            raise ValidationError({"hold_seconds": ["Either confirm the hold or extend it."]})

    @post_load
    def _fold(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        for side, column in (("from", "starts"), ("to", "ends")):
            given = data.get(f"{side}_datetime") is not None or data.get(f"{side}_infinity")
            instant = _fold_side(data, side, required=False)
            if given:
                data[column] = instant
        return data


def _fold_side(data: dict[str, Any], side: str, *, required: bool) -> datetime | None:
    """Take the two fields of a side out of ``data``, and give the instant; null and false count as not given."""
    instant: datetime | None = data.pop(f"{side}_datetime", None)
    infinite = bool(data.pop(f"{side}_infinity", None))
    if (instant is not None and infinite) or (required and instant is None and not infinite):
        message = f"Give exactly one of {side}_datetime and {side}_infinity: true."
        raise ValidationError({f"{side}_datetime": [message]})
    return instant
