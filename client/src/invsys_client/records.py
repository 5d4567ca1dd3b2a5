"""Response data as frozen dataclasses. Unknown members are ignored, so the service may add new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

Attribute = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open period ``[start, end)`` in UTC; None is infinite."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create a period from the fields of a document."""
        return cls(_parse_datetime(document["from_datetime"]), _parse_datetime(document["to_datetime"]))


@dataclass(frozen=True, slots=True)
class Resource:
    """A vehicle, as it was at ``version``.

    ``closed_from`` is the time from which no new allocations are accepted, None for an open vehicle. ``replayed`` means
    that this is the stored response to an earlier request with the same key.
    """

    id: str
    name: str
    resource_type: str
    attributes: Mapping[str, Attribute] = field(hash=False)
    created: datetime
    version: int
    closed_from: datetime | None
    replayed: bool = field(default=False, compare=False)

    @property
    def etag(self) -> str:
        """The ETag of this version, for ``if_match``."""
        return format_etag(self.version)

    @classmethod
    def from_json(cls, document: Mapping[str, Any], replayed: bool = False) -> Self:
        """Create a vehicle from its document."""
        return cls(
            id=document["id"],
            name=document["name"],
            resource_type=document["resource_type"],
            attributes=document["attributes"],
            created=parse_instant(document["created"]),
            version=document["version"],
            closed_from=_parse_datetime(document["closed_from"]),
            replayed=replayed,
        )


@dataclass(frozen=True, slots=True)
class Allocation:
    """An allocation of a vehicle for ``[start, end)``; ``status`` is ``confirmed``, or ``held`` until ``expires``.

    A held allocation is valid until ``expires``, regardless of the event ``expired`` in the feed. ``reference`` is the
    caller's own order number; several allocations can have the same one. ``client_id`` is the client that created the
    allocation; None if this client sees only its own allocations, or if it was created without a gateway. ``replayed``
    means that this is the stored response to an earlier request with the same key, which shows the state at that time;
    ``Collection.allocation`` returns the current state.
    """

    id: str
    resource_id: str
    resource_type: str
    start: datetime | None
    end: datetime | None
    allocation_type: str
    description: str | None
    reference: str | None
    dump: Mapping[str, Any] = field(hash=False)
    created: datetime
    version: int
    status: str
    expires: datetime | None
    client_id: str | None
    replayed: bool = field(default=False, compare=False)
    server_offset: timedelta = field(default=timedelta(), compare=False, repr=False)

    @property
    def etag(self) -> str:
        """The ETag of this version, for ``if_match``."""
        return format_etag(self.version)

    @property
    def is_expired(self) -> bool:
        """Whether this is a hold that has expired by now, by the server's clock.

        ``server_offset`` is the difference between the server's clock and that of this machine, from the header Date of
        the response; zero if they agree within a second. The database of the service decides in the end: HoldExpired
        is raised if an expired hold is confirmed or changed.
        """
        return self.expires is not None and self.expires <= datetime.now(timezone.utc) + self.server_offset

    @classmethod
    def from_json(
        cls, document: Mapping[str, Any], replayed: bool = False, server_offset: timedelta = timedelta()
    ) -> Self:
        """Create an allocation from its document."""
        return cls(
            id=document["id"],
            resource_id=document["resource_id"],
            resource_type=document["resource_type"],
            start=_parse_datetime(document["from_datetime"]),
            end=_parse_datetime(document["to_datetime"]),
            allocation_type=document["allocation_type"],
            description=document["description"],
            reference=document["reference"],
            dump=document["dump"],
            created=parse_instant(document["created"]),
            version=document["version"],
            status=document["status"],
            expires=_parse_datetime(document["expires"]),
            client_id=document.get("client_id"),
            replayed=replayed,
            server_offset=server_offset,
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """An existing allocation that conflicts with the request."""

    id: str
    start: datetime | None
    end: datetime | None
    allocation_type: str
    version: int

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create a conflict from an item of a problem's ``conflicts``."""
        period = Period.from_json(document)
        return cls(document["id"], period.start, period.end, document["allocation_type"], document["version"])


@dataclass(frozen=True, slots=True)
class Availability:
    """The free and the busy periods of a vehicle between ``start`` and ``end``, in order."""

    resource_id: str
    start: datetime | None
    end: datetime | None
    free: tuple[Period, ...]
    busy: tuple[Period, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create the availability of one vehicle from its document."""
        window = Period.from_json(document)
        free, busy = (tuple(Period.from_json(period) for period in document[name]) for name in ("free", "busy"))
        return cls(document["resource_id"], window.start, window.end, free, busy)


def format_etag(version: int) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


def parse_instant(text: str) -> datetime:
    """Return the instant of a date-time in UTC; raises ValueError, OverflowError."""
    # ``fromisoformat`` reads the ``Z`` from Python 3.11 on only.
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return instant.astimezone(timezone.utc)


def _parse_datetime(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)
