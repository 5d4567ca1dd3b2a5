"""Trace context (https://www.w3.org/TR/trace-context/): the trace and the span to which a request belongs.

The service has no tracer of its own. The trace context is that of the caller, or, if the service runs under
``opentelemetry-instrument``, that of OpenTelemetry's span for the request.
"""

import re
from typing import Any, NamedTuple

from flask import request

# OpenTelemetry is not a requirement: it is present if the operator has installed it.
try:
    from opentelemetry import trace as opentelemetry
except ImportError:
    opentelemetry = None

PARENT = "traceparent"
STATE = "tracestate"

# Section 3.2: version, trace-id, parent-id and flags. Only versions after 00 may have further fields.
_PARENT = re.compile(
    r"(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-[!-~]{0,256})?"
)
# Section 3.3 of level 2: a key and a value, or an empty member.
_MEMBER = re.compile(r"(?:([a-z0-9][a-z0-9_*/@-]{0,255})=[ -+\--<>-~]{0,255}[!-+\--<>-~])?")
_MAX_MEMBERS = 32


class TraceContext(NamedTuple):
    """The trace and the span (lower-case hexadecimal), and the headers with which they are forwarded."""

    trace_id: str
    span_id: str
    headers: dict[str, str]

    def log_members(self) -> dict[str, str]:
        """Return the members for lines of the log."""
        return {"trace_id": self.trace_id, "span_id": self.span_id}


def current() -> TraceContext | None:
    """Return the trace context of the current request, or None if it has none or a malformed one."""
    if opentelemetry is not None and (span := opentelemetry.get_current_span().get_span_context()).is_valid:
        return _of_span(span)
    parent: str | None = request.environ.get("HTTP_TRACEPARENT")
    return None if parent is None else _of_headers(parent, request.environ.get("HTTP_TRACESTATE"))


def _of_headers(parent: str, state: str | None) -> TraceContext | None:
    match = _PARENT.fullmatch(parent)
    if match is None:
        return None
    headers = {PARENT: parent}
    if state and _is_state(state):
        headers[STATE] = state
    return TraceContext(match[1], match[2], headers)


def _is_state(state: str) -> bool:
    """Return whether a ``tracestate`` has up to 32 valid members with different keys."""
    members = state.split(",", _MAX_MEMBERS)
    matches = [_MEMBER.fullmatch(member.strip(" \t")) for member in members]
    if len(members) > _MAX_MEMBERS or None in matches:
        return False
    keys = [match[1] for match in matches if match and match[1]]
    return len(keys) == len(set(keys))


def _of_span(span: Any) -> TraceContext:
    trace_id, span_id = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    headers = {PARENT: f"00-{trace_id}-{span_id}-{span.trace_flags:02x}"}
    if state := span.trace_state.to_header():
        headers[STATE] = state
    return TraceContext(trace_id, span_id, headers)
