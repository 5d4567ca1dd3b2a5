"""What the service answers, as frozen dataclasses. Members that are not known here are passed over: it may grow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

Attribute = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open ``[start, end)``, in UTC; ``None`` is infinitely early, or late."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read the fields of a period."""
        return cls(_instant(document["from_datetime"]), _instant(document["to_datetime"]))


@dataclass(frozen=True, slots=True)
class Resource:
    """A vehicle. Of a list, ``etag`` is None; ``replayed`` says that its order had been carried out before."""

    id: str
    name: str
    resource_type: str
    attributes: Mapping[str, Attribute] = field(hash=False)
    created: datetime
    etag: str | None = field(default=None, compare=False)
    replayed: bool = field(default=False, compare=False)

    @classmethod
    def read(cls, document: Mapping[str, Any], etag: str | None = None, replayed: bool = False) -> Self:
        """Read a vehicle, with what the headers said of it."""
        return cls(
            id=document["id"],
            name=document["name"],
            resource_type=document["resource_type"],
            attributes=document["attributes"],
            created=datetime.fromisoformat(document["created"]),
            etag=etag,
            replayed=replayed,
        )


@dataclass(frozen=True, slots=True)
class Allocation:
    """A vehicle's allocation for ``[start, end)``; ``status`` is ``confirmed``, or ``held`` until ``expires``.

    If it is held, it counts until ``expires``, whether the feed's event ``expired`` has come or not. Of a list,
    ``etag`` is None; ``replayed`` says that its order had been carried out before. A replayed allocation is shown as it
    was then: ``Collection.allocation`` returns it as it is now.
    """

    id: str
    resource_id: str
    resource_type: str
    start: datetime | None
    end: datetime | None
    allocation_type: str
    description: str | None
    dump: Mapping[str, Any] = field(hash=False)
    created: datetime
    status: str
    expires: datetime | None
    etag: str | None = field(default=None, compare=False)
    replayed: bool = field(default=False, compare=False)

    @property
    def is_expired(self) -> bool:
        """Whether it was a hold that has expired since, by the clock of this machine.

        The service decides by the clock of its database: to confirm an expired hold raises HoldExpired.
        """
        return self.expires is not None and self.expires <= datetime.now(UTC)

    @classmethod
    def read(cls, document: Mapping[str, Any], etag: str | None = None, replayed: bool = False) -> Self:
        """Read an allocation, with what the headers said of it."""
        return cls(
            id=document["id"],
            resource_id=document["resource_id"],
            resource_type=document["resource_type"],
            start=_instant(document["from_datetime"]),
            end=_instant(document["to_datetime"]),
            allocation_type=document["allocation_type"],
            description=document["description"],
            dump=document["dump"],
            created=datetime.fromisoformat(document["created"]),
            status=document["status"],
            expires=_instant(document["expires"]),
            etag=etag,
            replayed=replayed,
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """An allocation that is in the way."""

    id: str
    start: datetime | None
    end: datetime | None
    allocation_type: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read one of a refusal's conflicts."""
        period = Period.read(document)
        return cls(document["id"], period.start, period.end, document["allocation_type"])


@dataclass(frozen=True, slots=True)
class Availability:
    """When, from ``start`` to ``end``, a vehicle is free and when it is busy, each in order."""

    resource_id: str
    start: datetime | None
    end: datetime | None
    free: tuple[Period, ...]
    busy: tuple[Period, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read the availability of one vehicle."""
        window = Period.read(document)
        free, busy = (tuple(Period.read(period) for period in document[name]) for name in ("free", "busy"))
        return cls(document["resource_id"], window.start, window.end, free, busy)


@dataclass(frozen=True, slots=True)
class Event:
    """A change: ``kind`` says which, ``data`` is the vehicle or the allocation after it, as the wire has it."""

    id: str
    at: datetime
    kind: str
    resource_type: str
    resource_id: str
    allocation_id: str | None
    client_id: str | None
    data: Mapping[str, Any] = field(hash=False)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read one change of the feed."""
        return cls(
            id=document["id"],
            at=datetime.fromisoformat(document["at"]),
            kind=document["kind"],
            resource_type=document["resource_type"],
            resource_id=document["resource_id"],
            allocation_id=document["allocation_id"],
            client_id=document["client_id"],
            data=document["data"],
        )


@dataclass(frozen=True, slots=True)
class EventPage:
    """Changes in the order in which they were made; ``next`` is the cursor behind the last of them."""

    events: tuple[Event, ...]
    next: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read a page of the feed."""
        return cls(tuple(map(Event.read, document["events"])), document["next"])


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
