"""The Python client of the inventory service, for the booking monolith: httpx and nothing else.

``Client`` gives a ``Collection`` (``cars``, ``lorries``, ``trucks``) and the feed of changes; ``errors`` draws the tree
of exceptions; ``docs/source/client.rst`` tells a story from beginning to end.
"""

from invsys.client.client import Client, Feed
from invsys.client.collection import Collection
from invsys.client.errors import (
    AllocationNotFound,
    BodyTooLarge,
    Busy,
    DatabaseUnavailable,
    HoldExpired,
    IdempotencyKeyReused,
    InternalError,
    InTheWay,
    InvalidFields,
    InvSysError,
    MalformedBody,
    MethodNotAllowed,
    NameTaken,
    NoneAvailable,
    NotFound,
    PeriodTaken,
    Refused,
    ResourceInUse,
    ResourceNotFound,
    Unavailable,
    UnexpectedAnswer,
    UnsupportedMediaType,
    VersionMismatch,
)
from invsys.client.orders import Changes, Order, VehicleChanges
from invsys.client.records import (
    Allocation,
    Attribute,
    Availability,
    Conflict,
    Event,
    EventPage,
    Period,
    Resource,
)

__all__ = [
    "Allocation",
    "AllocationNotFound",
    "Attribute",
    "Availability",
    "BodyTooLarge",
    "Busy",
    "Changes",
    "Client",
    "Collection",
    "Conflict",
    "DatabaseUnavailable",
    "Event",
    "EventPage",
    "Feed",
    "HoldExpired",
    "IdempotencyKeyReused",
    "InTheWay",
    "InternalError",
    "InvSysError",
    "InvalidFields",
    "MalformedBody",
    "MethodNotAllowed",
    "NameTaken",
    "NoneAvailable",
    "NotFound",
    "Order",
    "Period",
    "PeriodTaken",
    "Refused",
    "Resource",
    "ResourceInUse",
    "ResourceNotFound",
    "Unavailable",
    "UnexpectedAnswer",
    "UnsupportedMediaType",
    "VehicleChanges",
    "VersionMismatch",
]
