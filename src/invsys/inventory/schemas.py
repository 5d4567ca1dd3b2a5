"""The wire format: what callers send and get. The only place that knows ``from_infinity`` and its kin.

Input is loaded into plain data, never into a model's instance: a body could otherwise name an existing row.
Each schema is built once, here; building one costs more than using it.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import current_app
from flask_marshmallow import Marshmallow
from marshmallow import Schema, ValidationError, fields, post_load, validate

from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.period import Period

ma = Marshmallow()

# RFC 3339, and of ISO 8601 what is close to it: seconds and offset may be left out.
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class Instant(fields.Field[datetime]):
    """A date-time in UTC; one without an offset is UTC too, unless the setting refuses it."""

    default_error_messages = {
        "invalid": "Not an ISO 8601 date-time such as 2026-11-20T10:00:00Z.",
        "range": "Not between the years 1900 and 9998.",
        "naive": "An offset is needed, such as Z or +01:00.",
    }

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat().replace("+00:00", "Z")

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not _DATETIME.fullmatch(value):
            raise self.make_error("invalid")
        # Before the conversion, which overflows at either end of what Python can hold.
        if not "1900" <= value[:4] <= "9998":
            raise self.make_error("range")
        try:
            instant = datetime.fromisoformat(value.upper())
        except ValueError as error:
            raise self.make_error("invalid") from error
        if instant.tzinfo is None:
            if current_app.config["NAIVE_DATETIMES"] == "refuse":
                raise self.make_error("naive")
            return instant.replace(tzinfo=UTC)
        instant = instant.astimezone(UTC)
        if not _EARLIEST <= instant < _LATEST:
            raise self.make_error("range")
        return instant


class Flag(fields.Boolean):
    """true or false, and none of the words and numbers that marshmallow takes for them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Count(fields.Integer):
    """A number in a query, in plain digits (int() alone would also take ``1_0`` and Arabic-Indic ones)."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int | None:
        if not re.fullmatch(r"[0-9]{1,9}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Cursor(fields.Field[list[int | None]]):
    """Where a page ended, as one opaque word: the sort key of its last item, ``length`` numbers."""

    default_error_messages = {"invalid": "Not a cursor that this service gave."}

    def __init__(self, length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = length

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[int | None]:
        try:
            key = orjson.loads(base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True))
        except (ValueError, binascii.Error) as error:
            raise self.make_error("invalid") from error
        if not isinstance(key, list) or len(key) != self.length or not _is_sort_key(*key):
            raise self.make_error("invalid")
        return key


def _is_sort_key(*parts: Any) -> bool:
    # Whatever a caller makes up must stay inside 64 bits, and inside the years that Python knows.
    return parts[-1] is not None and all(
        part is None or (type(part) is int and -(10**16) <= part <= 2 * 10**17) for part in parts
    )


def cursor(*key: int | None) -> str:
    """Write a sort key as the word that ``Cursor`` reads."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def _no_control_characters(value: str) -> None:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValidationError("Control characters are not allowed.")


def _no_blank_ends(value: str) -> None:
    if value != value.strip():
        raise ValidationError("Must not begin or end with a blank.")


_NAME = [validate.Length(1, 36), _no_control_characters, _no_blank_ends]


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


class Input(ma.SQLAlchemySchema):  # type: ignore[misc,name-defined]
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

    name = ma.auto_field(required=True, validate=_NAME)
    attributes = fields.Dict(load_default=dict, validate=_flat)


class Resource(ma.SQLAlchemySchema):  # type: ignore[misc,name-defined]
    """A vehicle, as callers get it."""

    class Meta:
        model = ContinuousResource

    id = ma.auto_field()
    name = ma.auto_field()
    resource_type = ma.auto_field()
    attributes = fields.Dict()
    created = Instant()


class NewAllocation(Input):
    """What allocates a vehicle; loading folds the four fields of the period into one ``Period``, ``period``."""

    class Meta:
        model = ContinuousResourceAllocation

    from_datetime = Instant(allow_none=True)
    to_datetime = Instant(allow_none=True)
    from_infinity = Flag(allow_none=True)
    to_infinity = Flag(allow_none=True)
    allocation_type = ma.auto_field(validate=validate.Length(1, 20), load_default="booking")
    description = ma.auto_field(load_default=None)
    # Not called dump in Python: that would shadow Schema.dump.
    json_dump = fields.Dict(data_key="dump", attribute="dump", load_default=dict, validate=_at_most_16_kib)

    @post_load
    def _fold(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"period": _fold_period(data), **data}


def _fold_period(data: dict[str, Any]) -> Period:
    """Take the four fields out of ``data`` and give the period that they mean; null and false count as not given."""
    bounds: list[datetime | None] = []
    for side in ("from", "to"):
        instant, infinite = data.pop(f"{side}_datetime", None), data.pop(f"{side}_infinity", None)
        if (instant is not None) == bool(infinite):
            message = f"Give exactly one of {side}_datetime and {side}_infinity: true."
            raise ValidationError({f"{side}_datetime": [message]})
        bounds.append(instant)
    return _period(*bounds, field="to_datetime")


def _period(start: datetime | None, end: datetime | None, field: str) -> Period:
    try:
        return Period(start, end)
    except ValueError as error:
        raise ValidationError({field: ["Must be after the start of the period."]}) from error


class Conflict(ma.SQLAlchemySchema):  # type: ignore[misc,name-defined]
    """An allocation that is in the way."""

    class Meta:
        model = ContinuousResourceAllocation

    id = ma.auto_field()
    from_datetime = Instant(attribute="starts")
    to_datetime = Instant(attribute="ends")
    from_infinity = fields.Function(lambda allocation: allocation["starts"] is None)
    to_infinity = fields.Function(lambda allocation: allocation["ends"] is None)
    allocation_type = ma.auto_field()


class Allocation(Conflict):
    """An allocation, as callers get it."""

    class Meta:
        model = ContinuousResourceAllocation

    resource_id = fields.UUID()
    resource_type = fields.String()
    description = ma.auto_field()
    json_dump = fields.Dict(attribute="dump", data_key="dump")
    created = Instant()
    status = fields.Function(lambda allocation: "confirmed" if allocation["expires"] is None else "held")
    expires = Instant()


class Page(Schema):
    """What every list can be asked: how many, and after which."""

    limit = Count(load_default=100, validate=validate.Range(1, 1000))


class ResourceQuery(Page):
    """What the list of a collection can be asked."""

    name = fields.String(validate=_NAME)
    cursor = Cursor(1, load_default=None)


class AllocationQuery(Page):
    """What a list of allocations can be asked; loading folds ``from`` and ``to`` into one Period, ``window``."""

    start = Instant(data_key="from")
    end = Instant(data_key="to")
    allocation_type = fields.String(validate=validate.Length(1, 20))
    status = fields.String(validate=validate.OneOf(["confirmed", "held"]))
    cursor = Cursor(2, load_default=None)

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
