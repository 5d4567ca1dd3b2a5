"""The client accepts what a later version of the service can add: members, kinds of events, problem codes, headers."""

import json

import httpx2
import pytest

from invsys_client import ApiError, Caller, Client, PeriodTaken
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY

# The objects whose members the callers choose.
BY_CALLERS = ("attributes", "dump")


def extend(document):
    """Return a JSON document with a new member in each object whose members the service defines."""
    if isinstance(document, dict):
        members = {name: value if name in BY_CALLERS else extend(value) for name, value in document.items()}
        return {**members, "future_member": {"a": [1]}}
    return [extend(item) for item in document] if isinstance(document, list) else document


class LaterService(httpx2.BaseTransport):
    """A transport to the real service that adds members and a header to each response, and renames an event kind."""

    def __init__(self, service):
        self._service = service

    def handle_request(self, request):
        response = self._service.handle_request(request)
        text = response.read().decode().replace('"kind":"allocated"', '"kind":"future_kind"')
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        headers["X-Future-Header"] = "1"
        content = json.dumps(extend(json.loads(text))) if text else ""
        return httpx2.Response(response.status_code, headers=headers, content=content)


@pytest.fixture
def later(app):
    with Client("http://inventory", transport=LaterService(httpx2.WSGITransport(app=app))) as client:
        yield client


def test_unknown_members_of_every_response_are_ignored(later, invsys):
    lorries, now = later.collection("lorries"), invsys.collection("lorries")
    lorry = lorries.register("Lorry1", attributes={"seats": 2})
    assert lorry == now.resource(lorry.id)
    assert list(lorries.resources()) == [lorry]
    booking = lorries.allocate(lorry.id, MONDAY, FRIDAY)
    assert booking == now.allocation(booking.id)
    assert list(lorries.allocations(lorry.id)) == [booking]
    assert lorries.availability(lorry.id, MONDAY, TUESDAY) == now.availability(lorry.id, MONDAY, TUESDAY)
    with pytest.raises(PeriodTaken) as error:
        lorries.allocate(lorry.id, MONDAY, FRIDAY)
    assert [conflict.id for conflict in error.value.conflicts] == [booking.id]


def test_events_of_an_unknown_kind_are_read(later, lorries, booking):
    lorries.deallocate(booking.id)
    events = list(later.events())
    assert [event.kind for event in events] == ["resource_registered", "future_kind", "deallocated"]
    assert events[1].allocation_id == booking.id


def test_unknown_members_of_whoami_are_ignored():
    limit = {"name": "rate", "quota": 5, "unit": "requests", "window_seconds": 1}
    caller = Caller.from_json(extend({"client": "monolith", "scopes": ["future:scope"], "limits": [limit]}))
    assert (caller.client, caller.scopes, caller.limits[0].quota) == ("monolith", ("future:scope",), 5)


def test_an_unknown_problem_code_raises_the_base_class():
    problem = {"type": "/docs/problems/future_code", "title": "New", "status": 409, "code": "future_code"}
    media_type = {"Content-Type": "application/problem+json"}
    transport = httpx2.MockTransport(lambda request: httpx2.Response(409, json=extend(problem), headers=media_type))
    with Client("http://inventory", transport=transport) as client, pytest.raises(ApiError) as error:
        client.collection("cars").register("Car1")
    assert (type(error.value), error.value.code, error.value.status) == (ApiError, "future_code", 409)
