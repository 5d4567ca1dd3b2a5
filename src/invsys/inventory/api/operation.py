"""The description of an operation of the API: what it takes, what it returns and how it can fail."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from invsys.chassis.http import problems
from invsys.chassis.http.problems import Problem


@dataclass(frozen=True)
class Operation:
    """An operation: one method of one route.

    ``response`` is the schema of the response body, or a JSON schema; None if there is no body. ``headers`` are the
    response headers of a success. ``conditional`` is the header that makes the request conditional (RFC 9110, section
    13). ``keyed``: whether the operation accepts an Idempotency-Key. ``owner_filter``: whether X-Client-Sees restricts
    the response to the client's own allocations. ``fails_with`` are the problems that the operation can return, in
    addition to MisdirectedRequest. ``standby_with`` are query parameters: a standby of the database may answer a
    request that has one of them. With ``()`` it may answer every request, with None no request. ``any_host``: whether
    the operation accepts any Host header, and never returns that problem.
    """

    summary: str
    response: type[Schema] | dict[str, Any] | None
    status: int = 200
    # The response is an array.
    many: bool = False
    # The response is an item, or an array if the request has a quantity.
    one_or_many: bool = False
    headers: tuple[str, ...] = ()
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    # The body can be sent as a JSON Merge Patch.
    merge_patch: bool = False
    conditional: str | None = None
    keyed: bool = False
    owner_filter: bool = False
    fails_with: tuple[type[Problem], ...] = ()
    standby_with: tuple[str, ...] | None = None
    any_host: bool = False
    media_types: tuple[str, ...] = ("application/json", "application/xml")
    tag: str = "operations"

    @property
    def is_patch(self) -> bool:
        """Whether the operation is a PATCH; only a PATCH has both a body and If-Match."""
        return self.body is not None and self.conditional == "If-Match"

    @property
    def failures(self) -> tuple[type[Problem], ...]:
        """All problems that the operation can return."""
        return self.fails_with if self.any_host else (*self.fails_with, problems.MisdirectedRequest)
