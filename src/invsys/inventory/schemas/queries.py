"""Schemas of query strings: filters, windows of time, limits and cursors."""

from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from invsys.chassis.names import Name
from invsys.inventory.db.models import MAX_NAME
from invsys.inventory.period import Period, require_order
from invsys.inventory.schemas.fields import (
    DURATION,
    Cursor,
    Duration,
    FeedCursor,
    Id,
    QueryBoolean,
    QueryInteger,
    Repeated,
    ResourceType,
    UtcDateTimeField,
)
from invsys.inventory.schemas.outputs import KINDS
from invsys.inventory.schemas.validators import (
    ALLOCATION_TYPE_VALIDATORS,
    MAX_KEY,
    MAX_KEYS,
    MAX_VALUE,
    NAME_PREFIX_VALIDATORS,
    NAME_QUERY_VALIDATORS,
    REFERENCE_METADATA,
    REFERENCE_VALIDATORS,
    STATUS_VALIDATOR,
)

# The prefix of query parameters that filter by an attribute; the rest of the name is the key.
ATTRIBUTE = "attribute."

MAX_STEPS, DEFAULT_STEP = 1000, "PT1H"
# The largest number in X-Total-Count. Counting more would take too long.
MAX_COUNT = 100_000
_MAX_BYTES_OF_CHARACTER = 4
_ONE_OF = {"description": "Only events with one of these values"}


def _resource_ids() -> Repeated:
    description = "Only these vehicles; ids of other collections and of decommissioned vehicles are ignored"
    return Repeated(Id(), data_key="resource_id", metadata={"description": description})


class Page(Schema):
    """The query parameter ``limit``, which every list accepts."""

    limit = QueryInteger(
        load_default=100,
        validate=validate.Range(1, 1000),
        metadata={"description": "The largest number of items in the response"},
    )


class CountedPage(Page):
    """The query parameters that the lists of vehicles and allocations accept."""

    count = QueryBoolean(
        load_default=False,
        metadata={"description": f"Return the number of items in X-Total-Count, unless there are over {MAX_COUNT:,}"},
    )


def _order(*values: str, description: str) -> fields.String:
    return fields.String(validate=validate.OneOf(values), load_default=values[0], metadata={"description": description})


class ResourceQuery(CountedPage):
    """The query of the list of vehicles.

    If ``available_from`` or ``available_to`` is present, both are loaded as a Period, ``available``. The
    ``attribute.KEY`` parameters are loaded as ``attributes``, pairs of key and text.
    """

    name = fields.String(validate=NAME_QUERY_VALIDATORS)
    name_prefix = Name(
        validate=NAME_PREFIX_VALIDATORS,
        metadata={"description": "Only vehicles whose names begin with these characters; upper and lower case differ"},
    )
    available_from = UtcDateTimeField()
    available_to = UtcDateTimeField()
    attributes = fields.Raw(data_key=ATTRIBUTE, load_default=())
    order = _order("created", "name", description="By age, oldest first, or by the code points of the names")
    cursor = Cursor(1, text_bytes=_MAX_BYTES_OF_CHARACTER * MAX_NAME)

    @validates_schema
    def _validate_attributes(self, data: dict[str, Any], **_: Any) -> None:
        for number, (key, value) in enumerate(data["attributes"]):
            if number >= MAX_KEYS:
                raise ValidationError({f"{ATTRIBUTE}{key}": [f"At most {MAX_KEYS} filters."]})
            if not 1 <= len(key) <= MAX_KEY or len(value) > MAX_VALUE:
                message = f"A key has 1 to {MAX_KEY} characters, a value up to {MAX_VALUE}."
                raise ValidationError({f"{ATTRIBUTE}{key}": [message]})

    @post_load
    def _build_period(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "available_from" in data or "available_to" in data:
            start, end = data.pop("available_from", None), data.pop("available_to", None)
            require_order(start, end, "available_to")
            data["available"] = Period(start, end)
        return data


class WindowQuery(Schema):
    """A window of time: ``from`` and ``to`` are loaded as a Period, ``window``."""

    start = UtcDateTimeField(data_key="from")
    end = UtcDateTimeField(data_key="to")

    @post_load
    def _build_period(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        start, end = data.pop("start", None), data.pop("end", None)
        require_order(start, end, "to")
        return {"window": Period(start, end), **data}


class AvailabilityQuery(WindowQuery, Page):
    """The query of the availability of all vehicles."""

    resource_ids = _resource_ids()
    cursor = Cursor(1)


class UtilisationQuery(WindowQuery):
    """The query of utilisation: a finite window, and the length of its steps."""

    start = UtcDateTimeField(data_key="from", required=True)
    end = UtcDateTimeField(data_key="to", required=True)
    step = Duration(
        load_default=timedelta(hours=1),
        metadata={
            "description": f"The length of a step, for example `PT1H` or `P1D`; at most {MAX_STEPS:,} steps",
            "pattern": f"^{DURATION}$",
            "default": DEFAULT_STEP,
        },
    )

    @validates_schema
    def _validate_number(self, data: dict[str, Any], **_: Any) -> None:
        number = -((data["start"] - data["end"]) // data["step"])
        if number > MAX_STEPS:
            raise ValidationError({"step": [f"At most {MAX_STEPS:,} steps; this window has {number:,}."]})


class AllocationQuery(WindowQuery, CountedPage):
    """The query of the allocations of a vehicle."""

    allocation_type = fields.String(validate=ALLOCATION_TYPE_VALIDATORS)
    status = fields.String(validate=STATUS_VALIDATOR)
    reference = Name(validate=REFERENCE_VALIDATORS, metadata=REFERENCE_METADATA)
    order = _order("from", "-from", description="By start, or `-from` in the reverse order")
    cursor = Cursor(2)


class AllocationOfAllQuery(AllocationQuery):
    """The query of the allocations of all vehicles."""

    resource_ids = _resource_ids()


class EventQuery(Page):
    """The query of the change feed."""

    after = FeedCursor(
        metadata={
            "description": "The `next` of the previous page, or `now` for the end of the feed;"
            " without it, the feed begins at the oldest stored event"
        }
    )
    kind = Repeated(fields.String(validate=validate.OneOf(KINDS)), metadata=_ONE_OF)
    resource_type = Repeated(ResourceType(), metadata=_ONE_OF)
    resource_id = Repeated(Id(), metadata=_ONE_OF)
    allocation_id = Repeated(Id(), metadata=_ONE_OF)


# Instantiated once, because building a schema costs more than using it.
resource_query = ResourceQuery()
allocation_query = AllocationQuery()
allocation_of_all_query = AllocationOfAllQuery()
window_query = WindowQuery()
availability_query = AvailabilityQuery()
utilisation_query = UtilisationQuery()
event_query = EventQuery()
