"""Every problem has its exception, and what is no problem of the service is told apart."""

import pickle

import httpx
import pytest

import invsys.gateway.application
import invsys.inventory.application  # noqa: F401 - draws the service's own tree of problems
from invsys import client
from invsys.chassis.http.problems import Problem
from invsys.client import errors, parsing

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
    (409, "none_available", client.NoneAvailable),
    (409, "name_taken", client.NameTaken),
    (409, "resource_in_use", client.ResourceInUse),
    (409, "hold_expired", client.HoldExpired),
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
# What a later version may say.
OTHERS = [(409, "of_tomorrow"), (402, "of_the_day_after")]


def problem(status, code, headers=None, **members):
    document = {"type": f"/docs/problems/{code}", "title": "No", "status": status, "code": code, "detail": "Not so."}
    media_type = {"Content-Type": "application/problem+json; charset=utf-8"}
    given = {"request_id": "r1", **members}
    return httpx.Response(status, json={**document, **given}, headers={**media_type, **(headers or {})})


@pytest.mark.parametrize(
    ("status", "code", "kind"), [*CODES, *((status, code, client.ApiError) for status, code in OTHERS)]
)
def test_each_code_is_an_exception(status, code, kind):
    refused = parsing.refusal(problem(status, code))
    assert type(refused) is kind
    # A media type is the same in capitals (RFC 9110, 8.3.1).
    shouted = problem(status, code, {"Content-Type": "Application/Problem+JSON ; charset=utf-8"})
    assert type(parsing.refusal(shouted)) is kind
    assert (refused.status, refused.code, refused.detail, refused.request_id) == (status, code, "Not so.", "r1")
    assert isinstance(refused, client.InvSysError)
    assert str(refused) == f"{status} {code}: Not so. (request r1)"


def test_the_table_is_complete():
    assert {code for _, code, _ in CODES} == set(errors.ApiError.kinds)


def problems(kind=Problem):
    for inner in kind.__subclasses__():
        yield inner
        yield from problems(inner)


def test_every_problem_of_the_service_has_its_exception():
    ours = (kind for kind in problems() if kind.__module__.startswith("invsys.") and hasattr(kind, "code"))
    told = {kind.code for kind in ours if not kind.code.startswith("http_")}
    assert told <= set(errors.ApiError.kinds)


def test_the_tree_shows_every_exception():
    for name in client.__all__:
        public = getattr(client, name)
        if isinstance(public, type) and issubclass(public, client.InvSysError):
            assert f" {public.__name__} " in f" {errors.__doc__} ".replace("\n", " "), public


@pytest.mark.parametrize(("status", "code", "kind"), CODES)
def test_an_exception_passes_from_one_process_to_another(status, code, kind):
    refused = parsing.refusal(problem(status, code, {"ETag": '"7"'}, errors={"name": ["Too long."]}))
    copied = pickle.loads(pickle.dumps(refused))
    assert (type(copied), vars(copied)) == (kind, vars(refused))


def test_conflicts_errors_and_the_etag_come_along():
    conflict = {
        "id": "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11",
        "from_datetime": None,
        "to_datetime": "2099-03-01T10:00:00Z",
        "from_infinity": True,
        "to_infinity": False,
        "allocation_type": "booking",
        "of_tomorrow": 1,
    }
    (taken,) = parsing.refusal(problem(409, "period_taken", conflicts=[conflict])).conflicts
    assert (taken.start, taken.end.isoformat()) == (None, "2099-03-01T10:00:00+00:00")
    assert parsing.refusal(problem(422, "invalid_fields", errors={"a": ["b"]})).errors == {"a": ["b"]}
    assert parsing.refusal(problem(412, "version_mismatch", {"ETag": '"7"'})).etag == '"7"'


def test_a_problem_without_a_request_id_has_that_of_the_header():
    answer = problem(429, "rate_limited", {"X-Request-Id": "r2"}, request_id=None)
    assert parsing.refusal(answer).request_id == "r2"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx.Response(302, headers={"Location": "http://elsewhere/"}),
        httpx.Response(404, json={"code": "resource_not_found"}),
        httpx.Response(409, text="{", headers={"Content-Type": "application/problem+json"}),
        httpx.Response(409, json=["period_taken"], headers={"Content-Type": "application/problem+json"}),
        httpx.Response(409, json={"title": "No"}, headers={"Content-Type": "application/problem+json"}),
        problem(409, "period_taken", conflicts=[{}]),
        problem(409, {"a": 1}),
    ],
)
def test_what_is_no_problem_of_the_service_is_unexpected(answer):
    unexpected = parsing.refusal(answer)
    assert type(unexpected) is client.UnexpectedAnswer
    assert (unexpected.status, unexpected.text) == (answer.status_code, answer.text)
    assert str(answer.status_code) in str(unexpected)
