"""What lists, availability and the feed can be asked, and the cursors that go on from a page."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from invsys.inventory.period import Period, require_order
from invsys.inventory.schemas.fields import Cursor, FeedCursor, QueryInteger, UtcDateTimeField
from invsys.inventory.schemas.validators import (
    A_STATUS,
    ALLOCATION_TYPE_VALIDATORS,
    MAX_KEY,
    MAX_KEYS,
    MAX_VALUE,
    NAME_QUERY_VALIDATORS,
)

# A query's parameters that begin so are filters on attributes; what follows is the key.
ATTRIBUTE = "attribute."


class Page(Schema):
    """What every list can be asked: how many, and after which."""

    limit = QueryInteger(
        load_default=100, validate=validate.Range(1, 1000), metadata={"description": "How many at most"}
    )


class ResourceQuery(Page):
    """What the list of a collection can be asked.

    Loading folds ``available_from`` and ``available_to`` into one Period, ``available``, where one is given, and every
    ``attribute.KEY`` into ``attributes``, pairs of key and text.
    """

    name = fields.String(validate=NAME_QUERY_VALIDATORS)
    available_from = UtcDateTimeField()
    available_to = UtcDateTimeField()
    attributes = fields.Raw(data_key=ATTRIBUTE, load_default=())
    cursor = Cursor(1)

    @validates_schema
    def _short(self, data: dict[str, Any], **_: Any) -> None:
        for number, (key, value) in enumerate(data["attributes"]):
            if number >= MAX_KEYS:
                raise ValidationError({f"{ATTRIBUTE}{key}": [f"At most {MAX_KEYS} filters."]})
            if not 1 <= len(key) <= MAX_KEY or len(value) > MAX_VALUE:
                message = f"A key has 1 to {MAX_KEY} characters, a value up to {MAX_VALUE}."
                raise ValidationError({f"{ATTRIBUTE}{key}": [message]})

    @post_load
    def _fold(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "available_from" in data or "available_to" in data:
            start, end = data.pop("available_from", None), data.pop("available_to", None)
            require_order(start, end, "available_to")
            data["available"] = Period(start, end)
        return data


class WindowQuery(Schema):
    """What can be asked of a window of time; loading folds ``from`` and ``to`` into one Period, ``window``."""

    start = UtcDateTimeField(data_key="from")
    end = UtcDateTimeField(data_key="to")

    @post_load
    def _fold(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        start, end = data.pop("start", None), data.pop("end", None)
        require_order(start, end, "to")
        return {"window": Period(start, end), **data}


class AvailabilityQuery(WindowQuery, Page):
    """What the availability of all can be asked."""

    cursor = Cursor(1)


class AllocationQuery(WindowQuery, Page):
    """What a list of allocations can be asked."""

    allocation_type = fields.String(validate=ALLOCATION_TYPE_VALIDATORS)
    status = fields.String(validate=A_STATUS)
    cursor = Cursor(2)


class EventQuery(Page):
    """What the change feed can be asked."""

    after = FeedCursor(
        metadata={
            "description": "The `next` of the page before, or `now` for the end of the feed;"
            " without it, from the oldest event kept"
        }
    )


class FleetQuery(Schema):
    """Which vehicles to show on the page."""

    collection = fields.String()
    name = fields.String(validate=validate.Length(max=36))
    cursor = Cursor(1)
