"""Responses that are not from the service: success is only what the contract calls success."""

import pytest

from invsys_client import UnexpectedResponse
from tests.support.faults import respond
from tests.support.tables import table_driven

ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
LOGIN = respond(200, "<html>login", Content_Type="text/html")


def total(text, body="[]"):
    return respond(200, body, X_Total_Count=text)


OTHER_SERVERS = [
    ("deallocate", lambda cars: cars.deallocate(ID), LOGIN),
    ("decommission", lambda cars: cars.decommission(ID, if_match=1), LOGIN),
    ("empty 200", lambda cars: cars.deallocate(ID), respond(200)),
    ("accepted", lambda cars: cars.deallocate(ID), respond(202)),
    ("count_resources", lambda cars: cars.count_resources(), LOGIN),
    ("count_allocations", lambda cars: cars.count_allocations(), respond(204)),
    ("an object", lambda cars: cars.count_allocations(), total("1", "{}")),
    *((text, lambda cars: cars.count_resources(), total(text)) for text in ("abc", "-1", "1_0", "", "9" * 5000)),
    ("icalendar", lambda cars: cars.icalendar(ID), LOGIN),
    ("gbfs", lambda cars: cars.gbfs(), respond(200, "[]")),
]


@table_driven(("name", "call", "fault"), OTHER_SERVERS)
def test_what_another_server_calls_success_raises_unexpected_response(connect, name, call, fault):
    client, transport = connect(fault)
    with pytest.raises(UnexpectedResponse):
        call(client.collection("cars"))
    assert len(transport.requests) == 1
