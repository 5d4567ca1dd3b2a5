"""The gateway's response to ``GET /whoami``, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a client: at most ``quota`` requests in ``window_seconds``.

    If ``window_seconds`` is None, the limit is ``quota`` concurrent requests. ``name`` is the name of the limit in the
    response headers ``RateLimit-Policy`` and ``RateLimit``.
    """

    name: str
    quota: int
    unit: str
    window_seconds: int | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create a limit from an item of ``limits`` in the response."""
        return cls(document["name"], document["quota"], document["unit"], document["window_seconds"])


@dataclass(frozen=True, slots=True)
class Caller:
    """The client to which the token belongs: its name at the gateway, its scopes and its limits."""

    client: str
    scopes: tuple[str, ...]
    limits: tuple[Limit, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create a caller from the JSON object of the response."""
        return cls(document["client"], tuple(document["scopes"]), tuple(map(Limit.from_json, document["limits"])))
