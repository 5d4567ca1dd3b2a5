"""Problem answers: every failure of a request, in one form (RFC 9457).

A failure is raised as a ``Problem`` (each service draws its own tree of them) or comes from Flask as an
``HTTPException``; ``register`` puts both, and whatever else goes wrong, through ``problem_answer``. What a class says
of itself is also its page at ``/docs/problems/{code}`` (``documentation``).
"""

import functools
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, ClassVar

from flask import Flask, Response
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from invsys.chassis.http import request_id, responses


class Problem(Exception):
    """A failure with a stable code, to be answered to the caller.

    A subclass sets ``status`` (HTTP), ``code`` (the caller's word for it) and ``title``; its docstring tells callers
    what it means, ``adds`` what the answer has beyond the usual, ``advice`` what to do about it. ``detail`` tells about
    this one case, ``members`` are what the code adds to the answer, ``headers`` go with it.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    adds: ClassVar[str] = ""
    advice: ClassVar[str]

    def __init__(self, detail: str, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.members = members


class MalformedBody(Problem):
    """The body is not one strict JSON object."""

    status, code, title = 400, "malformed_body", "The body is not a JSON object"
    advice = (
        "Send one JSON object, in UTF-8, without duplicate keys or ``NaN``; ``detail`` says what was found instead."
    )


class BodyTooLarge(Problem):
    """The body is larger than the setting allows."""

    status, code, title = 413, "body_too_large", "The body is too large"
    advice = "Send less; ``detail`` names the limit."


class RequestTimeout(Problem):
    """The body did not arrive in time; nothing was done."""

    status, code, title = 408, "request_timeout", "The body took too long"
    adds = "The ``Connection: close`` header: the connection is closed."
    advice = "Send it again over a new connection; ``detail`` names the limit in seconds."


class UnsupportedMediaType(Problem):
    """The body is not announced as JSON."""

    status, code, title = 415, "unsupported_media_type", "The body is not application/json"
    adds = "After ``PATCH``, the ``Accept-Patch`` header: the types that it takes (RFC 5789)."
    advice = "Send ``Content-Type: application/json``, in UTF-8, and no ``Content-Encoding``."


class AddressNotAllowed(Problem):
    """The metrics are for the operators' addresses only."""

    status, code, title = 403, "address_not_allowed", "This address may not read the metrics"
    advice = "Ask from an address that the setting ``[metrics] allow`` lists, or let the operator add yours."


class GatewayRequired(Problem):
    """The service answers only to its gateway, which sends a shared secret."""

    status, code, title = 403, "gateway_required", "Only the gateway may ask this service"
    advice = (
        "Ask the gateway. If you did, the operator has set different secrets: ``[upstream] secret`` of the gateway has"
        " to be ``[server] gateway_secret`` of the service."
    )


class NotFound(Problem):
    """Nothing is served at this path."""

    status, code, title = 404, "not_found", "There is nothing here"
    advice = "Compare the path with the service's OpenAPI document, letter by letter: a slash more is another path."


class MethodNotAllowed(Problem):
    """The path is served, but not with this method; the ``Allow`` header lists those that are."""

    status, code, title = 405, "method_not_allowed", "The method is not allowed here"
    adds = "The ``Allow`` header: the methods that the path is served with."
    advice = "Use one of the methods in ``Allow``."


class InternalError(Problem):
    """A fault of ours."""

    status, code, title = 500, "internal_error", "An error on our side"
    advice = (
        "Report it with its ``request_id``: under that the cause stands in the service's log. Whether a change was made"
        " is not known: look first, or send a ``POST`` again under the same ``Idempotency-Key``."
    )


class MisdirectedRequest(Problem):
    """The service does not answer requests for this ``Host``; nothing was done."""

    status, code, title = 421, "misdirected_request", "This host name is not served here"
    advice = (
        "Use a name or an address that the operator has configured for this service. An operator adds one to the"
        " setting ``[server] allowed_hosts``."
    )


class InvalidFields(Problem):
    """Fields of the body or the query are wrong; ``errors`` maps each field to its messages."""

    status, code, title = 422, "invalid_fields", "Some fields are not valid"
    adds = "``errors``: each wrong field or parameter, with a list of messages."
    advice = "Correct every field, query parameter or header that ``errors`` names."


class Unavailable(Problem):
    """Something that the service needs is away for now; each thing has a class, with a code, of its own."""

    status = 503
    adds = "The ``Retry-After`` header: how many seconds to wait."
    advice = "Wait, then send it again; a ``POST`` under the same ``Idempotency-Key``, so that it is done once."

    def __init__(self, detail: str, retry_after: int = 1, **members: Any) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after)}, **members)


class SlowBodies(Unavailable):
    """Too many requests whose bodies arrive slowly; nothing was done."""

    code, title = "slow_bodies", "Too many slow bodies"
    advice = "Send it again over a new connection, the body together with the head."


class Unnamed(Problem):
    """The service has no name of its own for this failure: it means what HTTP means by the status (RFC 9110, 15)."""

    advice = "Read ``detail``, and what HTTP wants of a caller after this status."


def problem_answer(problem: Problem, **members: Any) -> Response:
    """Answer a problem, with ``members`` beside its own."""
    document = {
        "type": f"/docs/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": request_id.current(),
        **problem.members,
        **members,
    }
    answer = responses.problem(document, problem.status)
    answer.headers.update(problem.headers)
    return answer


def register(app: Flask) -> None:
    """Answer every failure of ``app`` as a problem document."""
    app.register_error_handler(Problem, problem_answer)
    app.register_error_handler(ValidationError, _from_validation)
    app.register_error_handler(HTTPException, _from_flask)


def _from_validation(error: ValidationError) -> Response:
    errors: dict[str, list[str]] = {}
    for name, message in field_messages(error):
        errors.setdefault(name, []).append(message)
    in_order = dict(sorted(errors.items()))
    return problem_answer(InvalidFields(f"Not valid: {', '.join(in_order)}.", errors=in_order))


def field_messages(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Give (field, message) of everything that marshmallow found wrong, nested or not."""
    for name, fault in error.normalized_messages().items():  # type: ignore[no-untyped-call]
        for message in _messages(fault):
            yield str(name), message


def _messages(fault: Any) -> Iterator[str]:
    if isinstance(fault, dict):
        for name, inner in fault.items():
            yield from (f"{name}: {message}" for message in _messages(inner))
    elif isinstance(fault, list):
        yield from (str(message) for message in fault)
    else:
        yield str(fault)


# How the failures that Flask and Werkzeug find by themselves are told.
_FROM_FLASK: dict[int, tuple[type[Problem], str]] = {
    400: (MalformedBody, "The request cannot be read."),
    404: (NotFound, "Nothing is served at this path."),
    405: (MethodNotAllowed, "This path is served, but not with this method."),
    413: (BodyTooLarge, "The request is too large."),
    415: (UnsupportedMediaType, "Send the body as Content-Type: application/json, in UTF-8."),
    # Flask has logged the exception; the caller gets the id to name it by, and nothing of the inside.
    500: (InternalError, "It is in the service's log under this request_id."),
}


def _from_flask(error: HTTPException) -> Response | HTTPException:
    if isinstance(error, RequestRedirect):
        return error
    status = error.code or 500
    kind, detail = _FROM_FLASK.get(status) or (unnamed(status), error.description or "")
    # Its own headers go with it: Allow, Retry-After, WWW-Authenticate...
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return problem_answer(kind(detail, headers))


@functools.cache
def unnamed(status: int) -> type[Problem]:
    """Make the class for a status without a name of ours; raises ValueError for what is no status of HTTP."""
    # Not made from the phrase, which differs between versions of Python.
    code = f"http_{status}"
    named = {"status": status, "code": code, "title": HTTPStatus(status).phrase, "__doc__": Unnamed.__doc__}
    return type(code, (Unnamed,), named)
