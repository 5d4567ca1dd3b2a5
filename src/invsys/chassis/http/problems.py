"""Problem documents (RFC 9457): the format of all error responses.

Code raises a subclass of ``Problem`` (each service defines its own), and Flask raises ``HTTPException``. ``register``
installs handlers that turn both, and any other exception, into a response. The text of each class is also its page at
``/docs/problems/{code}`` (``documentation``). Browsers get HTML pages instead of documents (``PAGES``).
"""

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

from flask import Flask, Response, current_app, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from invsys.chassis.formats.field_messages import field_messages
from invsys.chassis.http import request_id, responses

# The extension of an application that shows problems to browsers: a function of the problem and its document that
# returns the response.
PAGES = "invsys.problem_pages"

REQUEST_ID_SCHEMA = {"type": "string", "pattern": "^[!-~]{1,128}$"}


class Problem(Exception):
    """An error with a stable code, returned to the caller as a problem document.

    A subclass sets ``status`` (HTTP), ``code`` and ``title``. Its page shows its docstring (the meaning),
    ``additional_data`` (the members and headers that the response has in addition) and ``advice`` (what the caller can
    do). An instance has ``detail`` (the cause in this case), ``members`` (added to the document) and ``headers`` (added
    to the response).
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    additional_data: ClassVar[str] = ""
    advice: ClassVar[str]

    def __init__(self, detail: str, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.members = members


_ShowPage = Callable[[Problem, dict[str, Any]], responses.RawHeadersResponse]


class MalformedBody(Problem):
    """The request cannot be parsed, usually because its body is not a single valid JSON object."""

    status, code, title = 400, "malformed_body", "The body is not a JSON object"
    advice = (
        "Send one JSON object in UTF-8, without duplicate keys or ``NaN``; ``detail`` says where the body is wrong."
    )


class BodyTooLarge(Problem):
    """The body is larger than the service allows."""

    status, code, title = 413, "body_too_large", "The body is too large"
    advice = "Send a smaller body; ``detail`` has the limit."


class RequestTimeout(Problem):
    """The body did not arrive in time; nothing was changed."""

    status, code, title = 408, "request_timeout", "The body took too long"
    additional_data = "The ``Connection: close`` header: the server closes the connection."
    advice = "Repeat the request over a new connection; ``detail`` has the limit in seconds."


class UnsupportedMediaType(Problem):
    """The ``Content-Type`` is not JSON in UTF-8, or the body has a ``Content-Encoding``."""

    status, code, title = 415, "unsupported_media_type", "The body is not application/json"
    additional_data = "After ``PATCH``, the ``Accept-Patch`` header: the media types that it accepts (RFC 5789)."
    advice = "Send ``Content-Type: application/json``, in UTF-8, without ``Content-Encoding``."


class AddressNotAllowed(Problem):
    """Only the addresses that the operator has listed may read the metrics."""

    status, code, title = 403, "address_not_allowed", "This address may not read the metrics"
    advice = "Send the request from an address in the setting ``[metrics] allow``, or ask the operator to add yours."


class GatewayRequired(Problem):
    """The service accepts only requests from its gateway, which sends a shared secret."""

    status, code, title = 403, "gateway_required", "Only the gateway may call this service"
    advice = (
        "Send the request to the gateway. If you did, the operator has set different secrets: ``[upstream] secret`` of"
        " the gateway must be equal to ``[server] gateway_secret`` of the service."
    )


class NotFound(Problem):
    """Nothing is served at this path."""

    status, code, title = 404, "not_found", "Not found"
    advice = "Compare the path with the service's OpenAPI document. A trailing slash makes it a different path."


class MethodNotAllowed(Problem):
    """The path exists, but does not support this method."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"
    additional_data = "The ``Allow`` header: the methods that the path supports."
    advice = "Use one of the methods in ``Allow``."


class InternalError(Problem):
    """The service failed because of an unexpected error."""

    status, code, title = 500, "internal_error", "Internal error"
    advice = (
        "Report it with its ``request_id``: the service's log has the cause under this id. A change may or may not have"
        " been made: read the item first, or repeat the ``POST`` with the same ``Idempotency-Key``."
    )


class MisdirectedRequest(Problem):
    """The service does not accept requests for this ``Host``; nothing was changed."""

    status, code, title = 421, "misdirected_request", "This host name is not served here"
    advice = (
        "Use a name or an address that the operator has configured for this service. An operator adds one to the"
        " setting ``[server] allowed_hosts``."
    )


class InvalidFields(Problem):
    """Fields of the body, query parameters or headers are invalid; ``errors`` maps each one to its messages."""

    status, code, title = 422, "invalid_fields", "Some fields are not valid"
    additional_data = (
        "``errors``: each invalid field or parameter, with a list of messages. A field inside a list has a path, such"
        " as ``list.3.field``."
    )
    advice = "Correct every field, query parameter or header that ``errors`` lists."


class Unavailable(Problem):
    """Something that the service needs is temporarily unavailable; each dependency has its own subclass and code."""

    status = 503
    additional_data = "The ``Retry-After`` header: the number of seconds to wait."
    advice = "Wait, then repeat the request; repeat a ``POST`` with the same ``Idempotency-Key``, so that it runs once."

    def __init__(self, detail: str, retry_after: int = 1, **members: Any) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after)}, **members)


class SlowBodies(Unavailable):
    """Too many request bodies are arriving slowly; nothing was changed."""

    code, title = "slow_bodies", "Too many slow bodies"
    advice = "Repeat the request over a new connection, and send the body together with the headers."


class StatusProblem(Problem):
    """The service has no specific code for this error; the HTTP status has its standard meaning (RFC 9110, 15)."""

    advice = "Read ``detail`` and the definition of the status in RFC 9110."


def problem_response(problem: Problem, **members: Any) -> Response:
    """Return the response for a problem; ``members`` are added to the document."""
    document = {
        "type": f"{request.script_root}/docs/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": request_id.current(),
        **problem.members,
        **members,
    }
    show_page: _ShowPage | None = current_app.extensions.get(PAGES) if responses.wants_page() else None
    response = show_page(problem, document) if show_page else responses.problem(document, problem.status)
    response.headers.update(problem.headers)
    response.log_members = {"code": problem.code}
    return response


_MEMBERS: dict[str, Any] = {name: {"type": "string"} for name in ("type", "title", "code", "detail")}
_MEMBERS |= {"status": {"type": "integer"}, "request_id": REQUEST_ID_SCHEMA}
# The JSON schema of problems with any code.
JSON_SCHEMA = {
    "type": "object",
    "description": "A problem with any code; later versions can have new codes",
    "properties": _MEMBERS,
    "required": sorted(_MEMBERS),
}


def json_schema(kind: type[Problem], **members: Any) -> dict[str, Any]:
    """Return the JSON schema of a problem class; ``members`` are the schemas of its additional members."""
    constants = {"type": f"/docs/problems/{kind.code}", "status": kind.status, "code": kind.code}
    constrained = {name: {**_MEMBERS[name], "const": value} for name, value in constants.items()}
    properties = {**_MEMBERS, **constrained, **members}
    return {"type": "object", "description": kind.__doc__, "properties": properties, "required": sorted(properties)}


def register(app: Flask) -> None:
    """Return a problem document for every error of ``app``."""
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(ValidationError, _from_validation)
    app.register_error_handler(HTTPException, _from_http_exception)


def _from_validation(error: ValidationError) -> Response:
    return problem_response(invalid_fields(error))


def invalid_fields(error: ValidationError, prefix: str = "") -> InvalidFields:
    """Return the problem for an error of marshmallow; ``prefix`` precedes the name of each field."""
    errors: dict[str, list[str]] = {}
    for name, message in field_messages(error):
        errors.setdefault(f"{prefix}{name}", []).append(message)
    errors = dict(sorted(errors.items()))
    return InvalidFields(f"Not valid: {', '.join(errors)}.", errors=errors)


# The problems for the errors that Flask and Werkzeug raise.
_BY_STATUS: dict[int, tuple[type[Problem], str]] = {
    400: (MalformedBody, "The request cannot be parsed."),
    404: (NotFound, "Nothing is served at this path."),
    405: (MethodNotAllowed, "The path exists, but does not support this method."),
    413: (BodyTooLarge, "The request is too large."),
    415: (UnsupportedMediaType, "Send the body as Content-Type: application/json, in UTF-8."),
    # Flask has logged the exception. Its text could reveal internals, so the caller gets only the request id.
    500: (InternalError, "The service's log has the cause under this request_id."),
}


def _from_http_exception(error: HTTPException) -> Response | HTTPException:
    if isinstance(error, RequestRedirect):
        return error
    status = error.code or 500
    kind, detail = _BY_STATUS.get(status) or (status_problem(status), error.description or "")
    # Keep the headers of the exception, such as Allow, Retry-After and WWW-Authenticate.
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return problem_response(kind(detail, headers))


@functools.cache
def status_problem(status: int) -> type[Problem]:
    """Return a class for an HTTP status that has no problem class of its own; raises ValueError for unknown ones."""
    # The code does not contain the phrase, because phrases differ between Python versions.
    code = f"http_{status}"
    attributes = {"status": status, "code": code, "title": HTTPStatus(status).phrase, "__doc__": StatusProblem.__doc__}
    return type(code, (StatusProblem,), attributes)
