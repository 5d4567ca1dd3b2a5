"""The record of one call: what a caller sent, when, and what it received."""

from typing import Any, TypedDict


class CallRecord(TypedDict, total=False):
    """One request of one caller. Times are seconds of the monotonic clock, which all processes of a machine share.

    ``status`` is null if the outcome is unknown: no complete response arrived, or the response was a 502, 503 or 504.
    An import has the path ``import`` and the rows of its file as ``body``; its ``answer`` are the numbers of the
    refused rows.
    """

    request_id: str
    operation: str
    method: str
    path: str
    body: Any
    key: str | None
    if_match: int | None
    begin: float
    end: float
    status: int | None
    answer: Any
    replayed: bool
    # The header Age, in seconds: a standby of the database has answered.
    age: int
    # The status or the error behind an unknown outcome.
    reason: str


# Statuses after which the change may have been made.
UNKNOWN = frozenset({502, 503, 504})
