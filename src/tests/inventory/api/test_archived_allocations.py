"""Archived allocations over HTTP: how they are read, and that neither they nor their time can be changed."""

import pytest

from invsys.inventory.maintenance import archive as archive_command
from tests.support.change_lists import CHANGES, entry
from tests.support.client_identity import ids, restricted_client, without_client_id
from tests.support.tables import table_driven

ALL = "/api/cars/all/allocations"
UNTIL = "2021-03-01T12:00:00Z"


def at(hour):
    """An hour of 1 March 2021; None is infinite."""
    return None if hour is None else f"2021-03-01T{hour:02}:00:00Z"


def period(start, end):
    return {
        **({"from_infinity": True} if start is None else {"from_datetime": at(start)}),
        **({"to_infinity": True} if end is None else {"to_datetime": at(end)}),
    }


@pytest.fixture
def archive(app):
    """Return a function that archives what ended more than ``days`` ago."""

    def archive(days=100):
        progress = archive_command.Archived()
        with app.app_context():
            archive_command.archive(days, progress)
        return progress.allocations

    return archive


@pytest.fixture
def archived(car, allocate, archive):
    """The responses to three archived allocations of ``car`` up to ``UNTIL``, with an hour between the last two."""
    fields = {"reference": "PO 1", "description": "old", "dump": {"order": 1}}
    old = [allocate(car, at(start), at(end), **fields) for start, end in ((None, 8), (8, 10), (11, 12))]
    assert archive() == len(old)
    return old


def test_an_archived_allocation_is_shown_as_before(client, archived):
    for created in archived:
        for url in (created.headers["Location"], f"{ALL}/{created.json['id']}"):
            response = client.get(url)
            assert (response.json, response.headers["ETag"]) == (created.json, created.headers["ETag"])
            etag = {"If-None-Match": created.headers["ETag"]}
            assert client.get(url, headers=etag).status_code == 304


@table_driven(
    ("window", "expected"),
    [
        ({"from": at(9)}, [1, 2]),
        ({"from": at(10)}, [2]),
        ({"to": at(8)}, [0]),
        ({"to": at(9)}, [0, 1]),
        ({"from": at(7), "to": at(12)}, [0, 1, 2]),
        ({"from": at(7), "to": at(12), "order": "-from"}, [2, 1, 0]),
        ({"from": at(12)}, []),
        ({"from": at(1), "reference": "PO 1"}, [0, 1, 2]),
        ({"from": at(1), "reference": "PO 2"}, []),
        ({"from": at(1), "allocation_type": "trip"}, []),
        ({"from": at(1), "status": "confirmed"}, [0, 1, 2]),
        ({"from": at(1), "status": "held"}, []),
        # Without a window, a list has only what can still be changed.
        ({}, []),
        ({"reference": "PO 1"}, []),
    ],
)
def test_lists_with_a_window_have_archived_allocations(client, car, archived, follow_pages, window, expected):
    query = "&".join(f"{name}={value}" for name, value in window.items())
    for url in (f"{car}/allocations", ALL, f"{ALL}?resource_id={car[-36:]}"):
        path = f"{url}{'&' if '?' in url else '?'}count=true&{query}"
        listed = client.get(path)
        assert listed.json == [archived[number].json for number in expected], path
        assert listed.headers["X-Total-Count"] == str(len(expected)), path
        assert [row for page in follow_pages(f"{path}&limit=1") for row in page] == listed.json, path


def test_exports_and_utilisation_include_archived_allocations(app, client, car, allocate, archive, exported):
    allocate(car, at(None), at(8))
    allocate(car, at(9), at(10), reference="PO 1")
    allocate(car, "2099-01-01T00:00:00Z", None)
    other = client.post("/api/lorries", json={"name": "Lorry1"}).headers["Location"]
    allocate(other, at(9), at(11))

    def contents():
        steps = {"from": at(7), "to": at(12), "step": "PT1H"}
        return (
            exported("csv"),
            exported("jsonl"),
            client.get(f"{car}/allocations.ics").text,
            client.get(f"{car}/allocations.ics", query_string={"from": at(9), "to": at(10)}).text,
            [client.get(f"/api/{name}/utilisation", query_string=steps).json for name in ("cars", "lorries")],
        )

    before = contents()
    assert archive() == 3
    assert contents() == before
    assert before[2].count("BEGIN:VEVENT") == 3


def test_archived_time_cannot_be_allocated(client, car, archived, allocate, refused, nothing_changes):
    with nothing_changes():
        for start, end in ((10, 11), (7, 9), (11, 13), (11, None)):
            for fields in ({}, {"hold_seconds": 60}, {"despite_closed": True}):
                body = refused(allocate(car, at(start), at(end), **fields), 422, "invalid_fields", "from_datetime")
                assert UNTIL in body["errors"]["from_datetime"][0]
            refused(allocate("/api/cars/any", at(start), at(end)), 409, "none_available")
        refused(allocate(car, None, at(9)), 422, "invalid_fields", "from_infinity")
        refused(allocate("/api/cars/any", None, at(9)), 409, "none_available")
    for query, busy in (({"from": at(7), "to": at(13)}, (at(7), at(12))), ({"to": at(10)}, (None, at(10)))):
        for availability in (
            client.get(f"{car}/availability", query_string=query).json,
            client.get("/api/cars/all/availability", query_string=query).json[0],
        ):
            assert [(one["from_datetime"], one["to_datetime"]) for one in availability["busy"]] == [busy]
    assert client.get("/api/cars", query_string={"available_from": at(10), "available_to": at(11)}).json == []
    assert allocate(car, at(12), at(13)).status_code == 201
    assert allocate("/api/cars/any", at(13), None).status_code == 201


def test_without_archived_allocations_an_infinite_start_is_accepted(register, archived, allocate):
    other = register("Car2")
    assert allocate(other, None, at(9)).status_code == 201
    assert allocate("/api/cars/any", at(9), at(10)).json["resource_id"] == other[-36:]


@pytest.fixture
def present(client, car, archived, allocate):
    """The URL of an allocation of ``car`` that begins an hour after the archived ones and has not ended."""
    return allocate(car, at(13), None).headers["Location"]


@table_driven(
    ("changes", "field"),
    [
        (period(11, 14), "from_datetime"),
        (period(None, 14), "from_infinity"),
        (period(8, 10), "from_datetime"),
        (period(12, 14), None),
        (period(13, 15), None),
        ({"description": "x"}, None),
        ({"to_datetime": at(20)}, None),
    ],
)
def test_no_change_covers_archived_time(client, present, refused, nothing_changes, changes, field):
    listed = {"changes": [{"id": present[-36:], **changes}]}
    if field is None:
        assert client.patch(present, json=changes).status_code == 200
        assert client.post(CHANGES, json=listed).status_code == 200
        assert client.patch(present, json=period(13, None)).status_code == 200
        return
    with nothing_changes():
        refused(client.patch(present, json=changes), 422, "invalid_fields", field)
        refused(client.post(CHANGES, json=listed), 422, "invalid_fields", f"changes.0.{field}")


def test_no_allocation_moves_into_archived_time(client, car, register, archived, allocate, refused, nothing_changes):
    other = register("Car2")
    old, new = (allocate(other, at(start), at(end)) for start, end in ((9, 10), (12, 13)))
    to_car = {"resource_id": car[-36:]}
    with nothing_changes():
        refused(client.patch(old.headers["Location"], json=to_car), 422, "invalid_fields", "from_datetime")
        listed = {"changes": [entry(old.json, car)]}
        refused(client.post(CHANGES, json=listed), 422, "invalid_fields", "changes.0.from_datetime")
        for changes in ({"resource_id": "any"}, {"resource_id": "any", "attributes": {}}):
            refused(client.patch(old.headers["Location"], json=changes), 409, "none_available")
        refused(client.post(CHANGES, json={"changes": [entry(old.json, "any")]}), 409, "none_available")
    assert client.patch(new.headers["Location"], json={"resource_id": "any"}).json["resource_id"] == car[-36:]


@pytest.mark.through_gateway
def test_an_archived_allocation_cannot_be_changed(client, car, archived, allocate, refused, nothing_changes):
    other = allocate(car, at(13), at(14)).json
    with nothing_changes():
        for created in archived:
            urls = (created.headers["Location"], f"{ALL}/{created.json['id']}")
            for changes in ({}, {"description": "x"}, period(20, 21), {"resource_id": "any"}):
                for url in urls:
                    refused(client.patch(url, json=changes), 409, "archived")
            for headers in ({}, {"If-Match": created.headers["ETag"]}, {"If-Match": '"99"'}):
                for url in urls:
                    refused(client.delete(url, headers=headers), 409, "archived")
            for fields in ({"description": "x"}, {"resource_id": "any"}):
                listed = {"changes": [entry(other, description="y"), entry(created.json, **fields)]}
                assert refused(client.post(CHANGES, json=listed), 409, "archived")["index"] == 1


def test_clients_see_and_change_only_their_own_archived_allocations(app, car, archive, refused):
    one, two = (restricted_client(app, name) for name in ("one", "two"))
    created = one.post(f"{car}/allocations", json=period(8, 9))
    archive()
    url, window = created.headers["Location"], {"from": at(7), "to": at(10)}
    assert one.get(url).json == created.json == without_client_id(app.test_client().get(url).json)
    refused(one.delete(url), 409, "archived")
    refused(one.patch(url, json={"description": "x"}), 409, "archived")
    for call in (two.get(url), two.delete(url), two.patch(url, json={"description": "x"})):
        refused(call, 404, "allocation_not_found")
    refused(two.post(CHANGES, json={"changes": [entry(created.json, description="x")]}), 404, "allocation_not_found")
    for path in (f"{car}/allocations", ALL):
        assert (ids(one.get(path, query_string=window)), ids(two.get(path, query_string=window))) == ([url[-36:]], [])
    assert [client.get(f"{car}/allocations.ics").text.count("BEGIN:VEVENT") for client in (one, two)] == [1, 0]


def test_an_allocation_of_another_vehicle_or_collection_is_not_found(client, register, archived, refused):
    other, lorry = register("Car2"), register("Lorry1", "lorries")
    allocation = archived[1].json["id"]
    for path in (other, lorry, "/api/lorries/all"):
        for call in (client.get, client.delete):
            refused(call(f"{path}/allocations/{allocation}"), 404, "allocation_not_found")


def test_a_repeated_request_gets_the_allocation_that_is_archived_now(client, car, archive):
    order = {"json": period(8, 9), "headers": {"Idempotency-Key": "order-1"}}
    first = client.post(f"{car}/allocations", **order)
    archive()
    repeated = client.post(f"{car}/allocations", **order)
    assert (repeated.status_code, repeated.json, repeated.headers["Idempotency-Replayed"]) == (201, first.json, "true")


def test_the_printed_table_shows_archived_time_as_taken(client, archived):
    page = client.get("/table?collection=cars&day=2021-03-01&days=1").text
    assert "archived" in page
