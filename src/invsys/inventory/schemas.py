"""The wire format: what callers send and get. The only place that knows ``from_infinity`` and its kin.

Input is loaded into plain data, never into a model's instance: a body could otherwise name an existing row.
Each schema is built once, here; building one costs more than using it.
"""

import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from flask_marshmallow.sqla import SQLAlchemySchema
from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate
from marshmallow_sqlalchemy import auto_field

from invsys.inventory.fields import A_STATUS, Count, Cursor, Flag, Infinite, Instant, Status
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.period import Period


def _no_control_characters(value: str) -> None:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValidationError("Control characters are not allowed.")


def _no_blank_ends(value: str) -> None:
    if value != value.strip():
        raise ValidationError("Must not begin or end with a blank.")


_NAME: list[Callable[[Any], Any]] = [validate.Length(1, 36), _no_control_characters, _no_blank_ends]


def _flat(attributes: dict[str, Any]) -> None:
    if len(attributes) > 32:
        raise ValidationError("At most 32 keys.")
    for key, value in attributes.items():
        if not 1 <= len(key) <= 64:
            raise ValidationError("A key has 1 to 64 characters.")
        if not isinstance(value, str | bool | int | float) or (isinstance(value, str) and len(value) > 256):
            raise ValidationError(f"{key}: a value is a string of up to 256 characters, a number or a boolean.")


def _at_most_16_kib(dump: dict[str, Any]) -> None:
    if len(orjson.dumps(dump)) > 16 * 1024:
        raise ValidationError("At most 16 KiB of JSON.")


_A_VALUE = {"type": ["string", "number", "boolean"], "maxLength": 256}
_FLAT = {"additionalProperties": _A_VALUE, "maxProperties": 32}


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

    name = auto_field(required=True, validate=_NAME)
    attributes = fields.Dict(load_default=dict, validate=_flat, metadata=_FLAT)


class Output(SQLAlchemySchema):
    """A schema of what callers get; dumps rows, which are mappings."""

    def get_attribute(self, obj: Row, attr: str, default: Any) -> Any:
        """Look the column up, without marshmallow's search for attributes and paths: a fifth of a page's time."""
        return obj[attr]


class Resource(Output):
    """A vehicle, as callers get it."""

    class Meta:
        model = ContinuousResource

    id = auto_field()
    name = auto_field()
    resource_type = auto_field()
    attributes = fields.Dict(metadata=_FLAT)
    created = Instant()


class NewAllocation(Input):
    """What allocates a vehicle; loading folds the four fields of the period into one ``Period``, ``period``."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    from_datetime = Instant(allow_none=True)
    to_datetime = Instant(allow_none=True)
    from_infinity = Flag(allow_none=True)
    to_infinity = Flag(allow_none=True)
    allocation_type = auto_field(validate=validate.Length(1, 20), load_default="booking")
    description = auto_field(load_default=None)
    # Not called dump in Python: that would shadow Schema.dump.
    json_dump = fields.Dict(data_key="dump", attribute="dump", load_default=dict, validate=_at_most_16_kib)

    @post_load
    def _fold(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"period": _fold_period(data), **data}


def _fold_period(data: dict[str, Any]) -> Period:
    """Take the four fields out of ``data`` and give the period that they mean; null and false count as not given."""
    return _period(_fold_side(data, "from"), _fold_side(data, "to"), field="to_datetime")


def _fold_side(data: dict[str, Any], side: str) -> datetime | None:
    instant: datetime | None = data.pop(f"{side}_datetime", None)
    if (instant is not None) == bool(data.pop(f"{side}_infinity", None)):
        message = f"Give exactly one of {side}_datetime and {side}_infinity: true."
        raise ValidationError({f"{side}_datetime": [message]})
    return instant


def _period(start: datetime | None, end: datetime | None, field: str) -> Period:
    try:
        return Period(start, end)
    except ValueError as error:
        raise ValidationError({field: ["Must be after the start of the period."]}) from error


class Conflict(Output):
    """An allocation that is in the way."""

    class Meta:
        model = ContinuousResourceAllocation

    id = auto_field()
    from_datetime = Instant(attribute="starts", allow_none=True)
    to_datetime = Instant(attribute="ends", allow_none=True)
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
    created = Instant()
    status = Status(attribute="expires", validate=A_STATUS, dump_only=True)
    expires = Instant(allow_none=True)


class Page(Schema):
    """What every list can be asked: how many, and after which."""

    limit = Count(load_default=100, validate=validate.Range(1, 1000))


class ResourceQuery(Page):
    """What the list of a collection can be asked."""

    name = fields.String(validate=_NAME)
    cursor = Cursor(1)


class AllocationQuery(Page):
    """What a list of allocations can be asked; loading folds ``from`` and ``to`` into one Period, ``window``."""

    start = Instant(data_key="from")
    end = Instant(data_key="to")
    allocation_type = fields.String(validate=validate.Length(1, 20))
    status = fields.String(validate=A_STATUS)
    cursor = Cursor(2)

    @post_load
    def _fold(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"window": _period(data.pop("start", None), data.pop("end", None), field="to"), **data}


new_resource = NewResource()
resource = Resource()
resources = Resource(many=True)
resource_query = ResourceQuery()
new_allocation = NewAllocation()
allocation = Allocation()
allocations = Allocation(many=True)
allocation_query = AllocationQuery()
conflicts = Conflict(many=True)
exported_allocation = Allocation(exclude=("id", "resource_id", "resource_type", "created", "status", "expires"))

# What the OpenAPI document shows: what callers send, and what they get (every field, always).
TAKEN: list[type[Schema]] = [NewResource, NewAllocation]
GIVEN: list[type[Schema]] = [Resource, Allocation, Conflict]
