"""``invsys-manage archive``: it moves old allocations; they can be read as before, and their time is refused."""

import pytest

from tests.support.client_identity import ids

ALL = "/api/cars/all/allocations"
UNTIL = "2021-03-01T12:00:00Z"


def at(hour):
    """An hour of 1 March 2021; None is infinite."""
    return None if hour is None else f"2021-03-01T{hour:02}:00:00Z"


@pytest.fixture
def archive(run):
    """Return a function that archives what ended more than ``keep`` days ago, and returns the number of allocations."""

    def archive(keep=100):
        status, printed, error = run("archive", "--keep", keep)
        assert (status, error) == (0, "")
        return int(printed.removeprefix("archived allocations: "))

    return archive


@pytest.fixture
def old(car, allocate):
    """The responses to three allocations of ``car`` up to ``UNTIL``, with an hour between the last two."""
    fields = {"reference": "PO 1", "description": "old", "dump": {"order": 1}}
    return [allocate(car, at(start), at(end), **fields) for start, end in ((None, 8), (8, 10), (11, 12))]


@pytest.fixture
def archived(old, archive):
    """The same, archived."""
    assert archive() == len(old)
    return old


def test_an_archived_allocation_is_shown_as_before(client, car, archived):
    for created in archived:
        for url in (created.headers["Location"], f"{ALL}/{created.json['id']}"):
            shown = client.get(url)
            assert (shown.json, shown.headers["ETag"]) == (created.json, created.headers["ETag"])
    window = {"from": at(9), "to": at(12), "reference": "PO 1", "count": "true"}
    for url in (f"{car}/allocations", ALL):
        listed = client.get(url, query_string=window)
        assert listed.json == [created.json for created in archived[1:]]
        assert listed.headers["X-Total-Count"] == "2"
        assert client.get(url).json == []


def test_archived_time_cannot_be_allocated(client, car, archived, allocate, refused, nothing_changes):
    with nothing_changes():
        for start, end in ((10, 11), (7, 9), (11, 13), (11, None)):
            body = refused(allocate(car, at(start), at(end)), 422, "invalid_fields", "from_datetime")
            assert UNTIL in body["errors"]["from_datetime"][0]
            refused(allocate("/api/cars/any", at(start), at(end)), 409, "none_available")
        refused(allocate(car, None, at(9)), 422, "invalid_fields", "from_infinity")
    shown = client.get(f"{car}/availability", query_string={"from": at(7), "to": at(13)}).json
    assert [(period["from_datetime"], period["to_datetime"]) for period in shown["busy"]] == [(at(7), at(12))]
    assert allocate(car, at(12), None).status_code == 201
    assert ids(client.get(f"{car}/allocations", query_string={"from": at(11)})) == [
        archived[2].json["id"],
        ids(client.get(f"{car}/allocations"))[0],
    ]
