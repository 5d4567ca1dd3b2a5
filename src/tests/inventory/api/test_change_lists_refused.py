"""Refused change lists: the response names the entry, and no allocation changes."""

import uuid
from xml.etree import ElementTree as ET

import pytest

from invsys.inventory.commands import expire_holds
from tests.support.change_lists import CHANGES, entry
from tests.support.client_identity import client_as, ids, restricted_client
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

UNKNOWN = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


@pytest.fixture
def cars(register):
    """The URLs of three cars."""
    return [register(f"Car{number}") for number in range(3)]


@pytest.fixture
def rows(cars, allocate):
    """An allocation of each car, from 10:00 to 12:00."""
    return [allocate(car, hour_start(10), hour_start(12)).json for car in cars]


@pytest.fixture
def change(client):
    """Return a function that sends a change list."""
    return lambda *entries: client.post(CHANGES, json={"changes": list(entries)})


@pytest.fixture
def refused_entry(change, refused, nothing_changes):
    """Return a function that sends a change list, and checks that the problem names the entry at ``index``."""

    def refused_entry(*entries, status=409, code, index):
        with nothing_changes():
            problem = refused(change(*entries), status, code)
        assert problem["index"] == index
        return problem

    return refused_entry


# Whether these fields are valid depends on the stored allocation or on the vehicles.
UNFIT = [
    ("resource_id", {"resource_id": UNKNOWN}),
    ("to_datetime", {"to_datetime": hour_start(10)}),
    ("to_datetime", {"from_datetime": hour_start(12)}),
    ("hold_seconds", {"hold_seconds": 60}),
]


@pytest.mark.parametrize(("field", "fields"), UNFIT)
def test_a_change_that_does_not_fit_the_allocation_is_named(rows, change, refused, nothing_changes, field, fields):
    with nothing_changes():
        response = change(entry(rows[0], description="x"), entry(rows[1], **fields), entry(rows[2]))
        refused(response, 422, "invalid_fields", f"changes.1.{field}")


INVALID = {
    "id": [{"id": value} for value in (None, "x", UNKNOWN.upper(), 1, [], {})],
    "version": [{"version": value} for value in (None, "1", 0, -1, 1.0, True, [], {})],
    "resource_id": [{"resource_id": value} for value in ("x", "", "Any", "all", None, 1, [], {})],
    "attributes": [
        {"attributes": {}},
        {"attributes": {}, "resource_id": UNKNOWN},
        *({"attributes": value, "resource_id": "any"} for value in (None, [], "x", {"": 1}, {"a": None}, {"a": []})),
    ],
    "from_datetime": [{"from_datetime": "x"}, {"from_datetime": hour_start(9), "from_infinity": True}],
    "to_datetime": [{"to_datetime": 1}],
    "from_infinity": [{"from_infinity": "true"}],
    "to_infinity": [{"to_infinity": 1}],
    "allocation_type": [{"allocation_type": ""}],
    "description": [{"description": "x" * 101}],
    "reference": [{"reference": ""}],
    "dump": [{"dump": value} for value in (None, [], "x")],
    "status": [{"status": "held"}],
    "hold_seconds": [{"hold_seconds": 0}, {"hold_seconds": 60, "status": "confirmed"}],
    "quantity": [{"quantity": 2}],
    "changes": [{"changes": []}],
}
CASES = [
    pytest.param(field, fields, id=f"{field}-{number}")
    for field, bodies in INVALID.items()
    for number, fields in enumerate(bodies)
]


@pytest.mark.one_engine
@pytest.mark.parametrize(("field", "fields"), CASES)
def test_an_invalid_member_is_named_with_its_index(rows, change, refused, nothing_changes, field, fields):
    with nothing_changes():
        response = change(entry(rows[0], description="x"), entry(rows[1]) | fields, entry(rows[2]))
        refused(response, 422, "invalid_fields", f"changes.1.{field}")


@pytest.mark.through_gateway
@pytest.mark.one_engine
def test_all_invalid_members_are_named(rows, change, refused, nothing_changes):
    with nothing_changes():
        response = change(entry(rows[0], colour="red", dump=1), {}, 7, entry(rows[2]) | {"to_datetime": ""})
        fields = ("0.colour", "0.dump", "1.id", "2", "3.to_datetime")
        refused(response, 422, "invalid_fields", *(f"changes.{field}" for field in fields))


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "changes"),
        *(({"changes": value}, "changes") for value in (None, [], {}, "x", 1, [{}] * 101, [{}] * 16_000)),
        ({"changes": [], "versions": []}, "versions"),
    ],
)
def test_a_list_has_1_to_100_entries(client, refused, nothing_changes, body, field):
    with nothing_changes():
        problem = refused(client.post(CHANGES, json=body), 422, "invalid_fields")
    assert field in problem["errors"]
    # If the list has an invalid length, its entries are not validated.
    assert len(problem["errors"]) <= 2


@pytest.mark.one_engine
def test_an_id_must_not_be_repeated(rows, change, refused, nothing_changes):
    with nothing_changes():
        refused(change(*map(entry, [*rows, rows[0]])), 422, "invalid_fields", "changes.3.id")


@pytest.mark.parametrize("index", [0, 1, 2])
def test_an_unknown_allocation_is_named(rows, refused_entry, index):
    entries = [entry(row, description="x") for row in rows]
    entries[index] = {"id": UNKNOWN}
    refused_entry(*entries, status=404, code="allocation_not_found", index=index)


@pytest.mark.through_gateway
def test_another_version_is_named_with_the_current_one(client, rows, refused_entry, change):
    change(entry(rows[1]))
    entries = [entry(rows[0], version=1), entry(rows[1], version=1)]
    problem = refused_entry(*entries, status=412, code="version_mismatch", index=1)
    assert problem["version"] == 2
    response = change(*entries)
    assert "ETag" not in response.headers
    assert change(entries[0], entry(rows[1], version=2)).status_code == 200


@pytest.mark.parametrize("cleared", [False, True])
def test_an_expired_hold_is_named(app, cars, allocate, rows, refused_entry, cleared):
    hold = allocate(cars[0], hour_start(12), hour_start(14), hold_seconds=60).json
    let_holds_expire(app)
    if cleared:
        with app.app_context():
            assert expire_holds.delete_all_expired() == 1
    for fields in ({}, {"status": "confirmed"}, {"hold_seconds": 60}):
        refused_entry(entry(rows[0], description="x"), entry(hold, **fields), code="hold_expired", index=1)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("vehicle", [None, "any"])
def test_a_problem_is_named_although_another_entry_moves_to_any_vehicle(
    app, cars, allocate, rows, refused_entry, vehicle, index
):
    hold = allocate(cars[0], hour_start(12), hour_start(14), hold_seconds=60).json
    let_holds_expire(app)
    for bad, status, code in (
        ({"id": UNKNOWN}, 404, "allocation_not_found"),
        (entry(hold), 409, "hold_expired"),
        (entry(rows[1], version=7), 412, "version_mismatch"),
    ):
        moved = entry(bad, vehicle, **bad)
        entries = [entry(rows[0], "any", **period_fields(20, 21)), moved]
        refused_entry(*(entries if index else reversed(entries)), status=status, code=code, index=index)


@pytest.mark.through_gateway
def test_a_conflict_with_a_stored_allocation_is_named(cars, allocate, rows, refused_entry):
    later = allocate(cars[1], hour_start(12), hour_start(14)).json
    problem = refused_entry(
        entry(rows[0], description="x"), entry(rows[1], to_datetime=hour_start(13)), code="period_taken", index=1
    )
    assert problem["conflicts"] == [{name: later[name] for name in problem["conflicts"][0]}]


def test_a_list_of_more_than_ten_conflicts_is_cut(cars, allocate, rows, refused_entry):
    for hour in range(12):
        allocate(cars[1], f"2099-04-01T{hour:02}:00:00Z", f"2099-04-01T{hour + 1:02}:00:00Z")
    problem = refused_entry(entry(rows[0], cars[1], to_infinity=True), entry(rows[1]), code="period_taken", index=0)
    # The first conflict is the allocation of the other entry, which stays where it is.
    assert (len(problem["conflicts"]), problem["conflicts"][0]["id"]) == (10, rows[1]["id"])


def test_ten_entries_of_the_list_do_not_hide_a_conflict(cars, allocate, refused_entry):
    rows = [allocate(cars[0], hour_start(hour), hour_start(hour + 1)).json for hour in range(12)]
    last = allocate(cars[0], hour_start(12), hour_start(13)).json
    away = [entry(row, cars[1]) for row in rows[:11]]
    problem = refused_entry(*away, entry(rows[11], **period_fields(0, 13)), code="period_taken", index=11)
    assert ids_of(problem) == [last["id"]]


def ids_of(problem):
    return [conflict["id"] for conflict in problem["conflicts"]]


@pytest.mark.parametrize(
    ("fields", "index", "conflict"),
    [
        # Both move to the same vehicle: the first one is named.
        (((2, {}), (2, {})), 0, 1),
        # One moves onto another that stays: the one that moves is named.
        (((1, {}), (None, {"description": "x"})), 0, 1),
        (((None, {"description": "x"}), (0, {})), 1, 0),
        # Two that swap would overlap, because one of them also becomes longer.
        (((1, {"from_datetime": hour_start(9)}), (0, {})), 0, None),
    ],
)
def test_a_conflict_between_two_entries_is_named(client, cars, allocate, refused_entry, fields, index, conflict):
    rows = [allocate(car, hour_start(10), hour_start(12)).json for car in cars[:2]]
    earlier = allocate(cars[1], hour_start(8), hour_start(10)).json
    entries = [
        entry(row, None if number is None else cars[number], **more)
        for row, (number, more) in zip(rows, fields, strict=True)
    ]
    problem = refused_entry(*entries, code="period_taken", index=index)
    assert ids_of(problem) == [earlier["id"] if conflict is None else rows[conflict]["id"]]


def test_a_vehicle_must_be_in_circulation_and_of_the_type(client, register, rows, change, refused, nothing_changes):
    decommissioned, lorry = register("Old"), register("Lorry1", "lorries")
    client.delete(decommissioned)
    with nothing_changes():
        for vehicle in (decommissioned, lorry):
            response = change(entry(rows[0]), entry(rows[1], vehicle))
            refused(response, 422, "invalid_fields", "changes.1.resource_id")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("content_type", "status", "code"),
    [
        ("text/plain", 415, "unsupported_media_type"),
        ("application/json; charset=latin-1", 415, "unsupported_media_type"),
        ("application/json", 400, "malformed_body"),
        ("application/merge-patch+json", 400, "malformed_body"),
    ],
)
def test_the_body_is_one_strict_json_object(client, refused, nothing_changes, content_type, status, code):
    body = b'{"changes": [{"id": 1, "id": 1}]}'
    with nothing_changes():
        refused(client.post(CHANGES, data=body, content_type=content_type), status, code)


@pytest.mark.one_engine
@pytest.mark.parametrize("changes", [None, {}, "x", [None, 1, []], [{"dump": {}}], [{"id": UNKNOWN, "dump": 1}]])
def test_a_merge_patch_is_validated_as_well(client, refused, nothing_changes, changes):
    with nothing_changes():
        response = client.post(
            CHANGES, json={"changes": changes}, headers={"Content-Type": "application/merge-patch+json"}
        )
        refused(response, 422, "invalid_fields")


def test_a_merged_dump_must_not_become_too_large(client, cars, allocate, refused, nothing_changes):
    row = allocate(cars[0], hour_start(10), hour_start(12), dump={"a": "x" * 16_000}).json
    with nothing_changes():
        response = client.post(
            CHANGES,
            json={"changes": [entry(row, dump={"b": "x" * 1_000})]},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        refused(response, 422, "invalid_fields", "changes.0.dump")


@pytest.mark.one_engine
def test_a_list_that_is_too_large_is_refused(client, rows, refused, nothing_changes):
    listed = [entry(row, dump={"a": "x" * 16_000}) for row in rows] + [{"id": UNKNOWN, "dump": {"a": "x" * 16_000}}] * 2
    with nothing_changes():
        refused(client.post(CHANGES, json={"changes": listed}), 413, "body_too_large")
    assert client.post(CHANGES, json={"changes": listed[:3]}).status_code == 200


@pytest.mark.one_engine
def test_a_problem_in_xml_has_the_index(client, rows):
    body = {"changes": [entry(rows[0]), entry(rows[1], version=7)]}
    response = client.post(CHANGES, json=body, headers={"Accept": "application/xml"})
    problem = {child.tag.partition("}")[2]: child.text for child in ET.fromstring(response.data)}
    assert (response.status_code, problem["index"], problem["version"]) == (412, "1", "1")


@pytest.mark.one_engine
def test_query_parameters_are_refused(client, rows, refused, nothing_changes):
    with nothing_changes():
        response = client.post(f"{CHANGES}?limit=1", json={"changes": [entry(rows[0])]})
        refused(response, 422, "invalid_fields", "limit")


def test_a_foreign_allocation_is_unknown_and_is_not_shown_as_a_conflict(app, one, cars, refused, nothing_changes):
    two = restricted_client(app, "two")
    urls = [f"{car}/allocations" for car in cars]
    mine, theirs = (
        client.post(url, json=period_fields(10, 12)).json for client, url in zip((one, two), urls, strict=False)
    )
    with nothing_changes():
        response = one.post(CHANGES, json={"changes": [entry(mine, description="x"), entry(theirs)]})
        assert refused(response, 404, "allocation_not_found")["index"] == 1
        unknown = one.post(CHANGES, json={"changes": [entry(mine), {"id": str(uuid.uuid4())}]})
        assert response.json.keys() == unknown.json.keys()
        response = one.post(CHANGES, json={"changes": [entry(mine, cars[1])]})
        assert (response.status_code, ids(response)) == (409, [])
        response = client_as(app, "one").post(CHANGES, json={"changes": [entry(mine, cars[1])]})
        assert ids(response) == [theirs["id"]]
    swapped = client_as(app, "three").post(
        CHANGES, json={"changes": [entry(mine, cars[1]), entry(theirs, cars[0], version=1)]}
    )
    assert swapped.status_code == 200
    # The owners stay.
    assert [ids(client.get("/api/cars/all/allocations")) for client in (one, two)] == [[mine["id"]], [theirs["id"]]]


class TestLimits:
    """Limits on the periods that a client may allocate."""

    @pytest.fixture
    def environ(self, environ):
        """The settings, with a limit of ten days for each period."""
        return environ | {"INVSYS_LIMITS_MAX_DAYS_LONG": "10"}

    def test_the_limits_of_the_client_apply_to_each_entry(self, app, rows, refused, nothing_changes):
        client = client_as(app, "contract")
        with nothing_changes():
            listed = [entry(rows[0]), entry(rows[1], to_infinity=True)]
            refused(client.post(CHANGES, json={"changes": listed}), 422, "invalid_fields", "changes.1.to_infinity")
        shorter = [entry(rows[0], to_datetime=hour_start(11))]
        assert client.post(CHANGES, json={"changes": shorter}).status_code == 200
