"""Every problem code has its own exception, and unexpected responses raise UnexpectedResponse."""

import pickle

import httpx2

import invsys.gateway.application
import invsys.inventory.application  # noqa: F401 - defines the problems of the service
import invsys_client as client
from invsys.chassis.http.problems import Problem
from invsys_client import errors
from invsys_client.transport import parsing
from tests.support.tables import table_driven

CODES = [
    (400, "malformed_body", client.MalformedBody),
    (401, "unauthenticated", client.Unauthenticated),
    (403, "forbidden", client.Forbidden),
    (403, "gateway_required", client.GatewayRequired),
    (403, "address_not_allowed", client.AddressNotAllowed),
    (404, "not_found", client.NotFound),
    (404, "resource_not_found", client.ResourceNotFound),
    (404, "allocation_not_found", client.AllocationNotFound),
    (405, "method_not_allowed", client.MethodNotAllowed),
    (409, "period_taken", client.PeriodTaken),
    (409, "resource_closed", client.ResourceClosed),
    (409, "none_available", client.NoneAvailable),
    (409, "name_taken", client.NameTaken),
    (409, "resource_in_use", client.ResourceInUse),
    (409, "hold_expired", client.HoldExpired),
    (409, "archived", client.Archived),
    (410, "cursor_expired", client.CursorExpired),
    (412, "version_mismatch", client.VersionMismatch),
    (408, "request_timeout", client.RequestTimeout),
    (413, "body_too_large", client.BodyTooLarge),
    (415, "unsupported_media_type", client.UnsupportedMediaType),
    (421, "misdirected_request", client.MisdirectedRequest),
    (422, "invalid_fields", client.InvalidFields),
    (422, "idempotency_key_reused", client.IdempotencyKeyReused),
    (500, "internal_error", client.InternalError),
    (429, "rate_limited", client.RateLimited),
    (429, "too_many_holds", client.TooManyHolds),
    (502, "upstream_unreachable", client.UpstreamUnreachable),
    (503, "busy", client.Busy),
    (503, "slow_bodies", client.SlowBodies),
    (503, "keys_unavailable", client.KeysUnavailable),
    (504, "upstream_timeout", client.UpstreamTimeout),
    (503, "database_unavailable", client.DatabaseUnavailable),
]
# Codes that a later version of the service may use.
UNKNOWN_CODES = [(409, "future_code"), (402, "another_future_code")]


def problem(status, code, headers=None, **members):
    document = {"type": f"/docs/problems/{code}", "title": "No", "status": status, "code": code, "detail": "Invalid."}
    media_type = {"Content-Type": "application/problem+json; charset=utf-8"}
    members = {"request_id": "r1", **members}
    return httpx2.Response(status, json={**document, **members}, headers={**media_type, **(headers or {})})


@table_driven(
    ("status", "code", "kind"), [*CODES, *((status, code, client.ApiError) for status, code in UNKNOWN_CODES)]
)
def test_each_code_raises_its_exception(status, code, kind):
    error = parsing.error_from(problem(status, code))
    assert type(error) is kind
    # Media types are case-insensitive (RFC 9110, 8.3.1).
    mixed_case = problem(status, code, {"Content-Type": "Application/Problem+JSON ; charset=utf-8"})
    assert type(parsing.error_from(mixed_case)) is kind
    assert (error.status, error.code, error.detail, error.request_id) == (status, code, "Invalid.", "r1")
    assert isinstance(error, client.InvSysError)
    assert str(error) == f"{status} {code}: Invalid. (request r1)"


def test_this_table_contains_every_code():
    assert {code for _, code, _ in CODES} == set(errors.ApiError.kinds)


def problems(kind=Problem):
    for inner in kind.__subclasses__():
        yield inner
        yield from problems(inner)


def test_every_problem_of_the_service_has_its_exception():
    kinds = (kind for kind in problems() if kind.__module__.startswith("invsys.") and hasattr(kind, "code"))
    codes = {kind.code for kind in kinds if not kind.code.startswith("http_")}
    assert codes <= set(errors.ApiError.kinds)


def test_the_tree_in_the_docstring_shows_every_exception():
    for name in client.__all__:
        kind = getattr(client, name)
        if isinstance(kind, type) and issubclass(kind, client.InvSysError):
            assert f" {kind.__name__} " in f" {errors.__doc__} ".replace("\n", " "), kind


@table_driven(("status", "code", "kind"), CODES)
def test_exceptions_can_be_pickled(status, code, kind):
    error = parsing.error_from(problem(status, code, {"ETag": '"7"'}, errors={"name": ["Too long."]}))
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), vars(copied)) == (kind, vars(error))


def test_exceptions_have_conflicts_errors_and_etag():
    document = {
        "id": "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11",
        "from_datetime": None,
        "to_datetime": "2099-03-01T10:00:00Z",
        "from_infinity": True,
        "to_infinity": False,
        "allocation_type": "booking",
        "version": 3,
        "unknown_member": 1,
    }
    (conflict,) = parsing.error_from(problem(409, "period_taken", conflicts=[document])).conflicts
    assert (conflict.start, conflict.end.isoformat()) == (None, "2099-03-01T10:00:00+00:00")
    assert conflict.version == 3
    assert parsing.error_from(problem(422, "invalid_fields", errors={"a": ["b"]})).errors == {"a": ["b"]}
    assert parsing.error_from(problem(412, "version_mismatch", {"ETag": '"7"'})).etag == '"7"'


def test_the_request_id_is_read_from_the_header_if_the_problem_has_none():
    response = problem(429, "rate_limited", {"X-Request-Id": "r2"}, request_id=None)
    assert parsing.error_from(response).request_id == "r2"


@table_driven(
    "response",
    [
        httpx2.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx2.Response(302, headers={"Location": "http://elsewhere/"}),
        httpx2.Response(404, json={"code": "resource_not_found"}),
        httpx2.Response(409, text="{", headers={"Content-Type": "application/problem+json"}),
        httpx2.Response(409, json=["period_taken"], headers={"Content-Type": "application/problem+json"}),
        httpx2.Response(409, json={"title": "No"}, headers={"Content-Type": "application/problem+json"}),
        problem(409, "period_taken", conflicts=[{}]),
        problem(409, {"a": 1}),
    ],
)
def test_other_responses_raise_unexpected_response(response):
    unexpected = parsing.error_from(response)
    assert type(unexpected) is client.UnexpectedResponse
    assert (unexpected.status, unexpected.text) == (response.status_code, response.text)
    assert str(response.status_code) in str(unexpected)
