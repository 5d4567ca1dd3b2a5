"""The answer of the gateway to ``whoami``, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a client: ``quota`` requests in ``window_seconds``, or ``quota`` concurrent requests if that is None.

    ``name`` is its name in the response headers ``RateLimit-Policy`` and ``RateLimit``.
    """

    name: str
    quota: int
    unit: str
    window_seconds: int | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create a limit from its document."""
        return cls(document["name"], document["quota"], document["unit"], document["window_seconds"])


@dataclass(frozen=True, slots=True)
class Caller:
    """The client to which the token belongs: its name at the gateway, its scopes and its limits."""

    client: str
    scopes: tuple[str, ...]
    limits: tuple[Limit, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create a caller from the document of the gateway."""
        return cls(document["client"], tuple(document["scopes"]), tuple(map(Limit.from_json, document["limits"])))
