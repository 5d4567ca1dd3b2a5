"""Owners of allocations in files: an import restores exported owners, and a file without owners changes none."""

import json

import pytest

from tests.support.change_feed import FeedReader
from tests.support.client_identity import client_as, restricted_client
from tests.support.hours_in_2099 import hour_start, period_fields

HEADER = "resource_type,name,from_datetime,to_datetime,client_id\n"
LINES = (
    f"cars,Car1,{hour_start(10)},{hour_start(12)},one\n",
    f"cars,Car1,{hour_start(12)},{hour_start(14)},two\n",
    f"cars,Car1,{hour_start(14)},{hour_start(16)},\n",
)
ALL = "/api/cars/all/allocations"


def starts_of(app, client_id):
    return [row["from_datetime"] for row in restricted_client(app, client_id).get(ALL).json]


def test_a_file_sets_the_owners_of_its_allocations(app, client, import_text):
    assert import_text(HEADER + "".join(LINES)) == ((1, 3, 0, 0), [])
    assert (starts_of(app, "one"), starts_of(app, "two")) == ([hour_start(10)], [hour_start(12)])
    assert len(client.get(ALL).json) == 3
    # The events have no client id, because they do not come from a client's request. The owners read them nevertheless.
    assert {event["client_id"] for event in client.get("/api/events").json["events"]} == {None}
    for name in ("one", "two"):
        assert [event["kind"] for event in FeedReader(restricted_client(app, name)).new_events()] == ["allocated"]
    assert import_text(HEADER + "".join(LINES)) == ((0, 0, 3, 0), [])


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_owners_survive_export_and_import(app, client, car, import_text, exported, form):
    for hour, name in enumerate(("one", "two", "x" * 255, "!~\"',;")):
        assert client_as(app, name).post(f"{car}/allocations", json=period_fields(hour, hour + 1)).status_code == 201
    client.post(f"{car}/allocations", json=period_fields(10, 12))
    text = exported(form)
    assert import_text(text, f".{form}") == ((0, 0, 5, 0), [])
    for row in client.get(ALL).json:
        client.delete(f"{ALL}/{row['id']}")
    assert import_text(text, f".{form}") == ((0, 5, 0, 0), [])
    assert exported(form) == text
    assert starts_of(app, "x" * 255) == [hour_start(2)]


def test_a_file_without_owners_does_not_change_owners(app, import_text):
    import_text(HEADER + "".join(LINES))
    without = "".join(line.rpartition(",")[0] + "\n" for line in (HEADER, *LINES))
    assert import_text(without)[0] == (0, 0, 3, 0)
    assert import_text(HEADER + "".join(line.rpartition(",")[0] + ",\n" for line in LINES))[0] == (0, 0, 3, 0)
    assert (starts_of(app, "one"), starts_of(app, "two")) == ([hour_start(10)], [hour_start(12)])


@pytest.mark.parametrize("line", [LINES[0].replace("one", "two"), LINES[2].replace(",\n", ",one\n")])
def test_a_line_with_a_different_owner_is_refused(app, import_text, line):
    import_text(HEADER + "".join(LINES))
    counts, (reason,) = import_text(HEADER + line)
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "period_taken")
    assert (starts_of(app, "one"), starts_of(app, "two")) == ([hour_start(10)], [hour_start(12)])


@pytest.mark.one_engine
@pytest.mark.parametrize("client_id", ["a b", "é", "x" * 256, "a\n", "\t", "", 1, True, ["one"]])
def test_an_invalid_client_id_is_refused(client, import_text, client_id):
    line = {"resource_type": "cars", "name": "Car1", **period_fields(10, 12), "client_id": client_id}
    counts, (reason,) = import_text(json.dumps(line), ".jsonl")
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "client_id")
    assert client.get("/api/cars").json == []


def test_null_means_no_owner(app, client, import_text):
    line = {"resource_type": "cars", "name": "Car1", **period_fields(10, 12), "client_id": None}
    assert import_text(json.dumps(line), ".jsonl")[0] == (1, 1, 0, 0)
    assert len(client.get(ALL).json) == 1


def test_requests_cannot_set_the_owner(client, car, refused):
    for path in (f"{car}/allocations", "/api/cars/any/allocations"):
        refused(
            client.post(path, json={**period_fields(10, 12), "client_id": "one"}), 422, "invalid_fields", "client_id"
        )
    url = client.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    refused(client.patch(url, json={"client_id": "one"}), 422, "invalid_fields", "client_id")
    assert client.get(url).json["client_id"] is None
