"""Changes of an allocation's period, vehicle and other fields, through both of its URLs."""

import uuid

import pytest

from tests.support.hours_in_2099 import FOUR, hour_start, hours_of, period_fields
from tests.support.period_cases import CASES
from tests.support.tables import table_driven


@pytest.fixture(params=["its vehicle", "all"])
def item(request, car, booking):
    """The URL of the allocation of ``car`` from 10:00 to 12:00: under its vehicle, or under ``all``."""
    return booking if request.param == "its vehicle" else booking.replace(car, "/api/cars/all")


@pytest.fixture
def changed(client):
    """Return a function that changes an allocation, and compares the response with the stored allocation."""

    def changed(url, **fields):
        response = client.patch(url, json=fields)
        assert response.status_code == 200, response.text
        read = client.get(f"/api/cars/all/allocations/{url[-36:]}")
        assert (read.json, read.headers["ETag"]) == (response.json, response.headers["ETag"])
        return response.json

    return changed


@pytest.mark.parametrize(
    ("fields", "period"),
    [
        ({"to_datetime": hour_start(14)}, (10, 14)),
        ({"to_datetime": hour_start(11)}, (10, 11)),
        ({"from_datetime": hour_start(8)}, (8, 12)),
        ({"from_datetime": hour_start(11)}, (11, 12)),
        ({"from_datetime": hour_start(11), "to_datetime": hour_start(13)}, (11, 13)),
        ({"from_datetime": hour_start(9), "to_datetime": hour_start(11)}, (9, 11)),
        ({"from_datetime": hour_start(9), "to_datetime": hour_start(13)}, (9, 13)),
        ({"from_datetime": hour_start(12), "to_datetime": hour_start(14)}, (12, 14)),
        ({"from_datetime": hour_start(20), "to_datetime": hour_start(21)}, (20, 21)),
        ({"to_datetime": "2099-03-01T16:00:00+02:00"}, (10, 14)),
        ({"to_datetime": "2099-03-01T14:00:00"}, (10, 14)),
        ({"from_infinity": True}, (None, 12)),
        ({"to_infinity": True}, (10, None)),
        ({"from_infinity": True, "to_infinity": True}, (None, None)),
        ({"from_infinity": True, "to_datetime": hour_start(11)}, (None, 11)),
        ({"from_datetime": hour_start(11), "to_infinity": True}, (11, None)),
        ({"from_datetime": hour_start(8), "from_infinity": False}, (8, 12)),
        ({"from_datetime": hour_start(8), "from_infinity": None}, (8, 12)),
        ({"from_datetime": None, "to_datetime": hour_start(13)}, (10, 13)),
        ({"from_datetime": None, "from_infinity": False, "to_datetime": hour_start(13)}, (10, 13)),
        ({"to_datetime": None, "to_infinity": True}, (10, None)),
        (period_fields(None, 11), (None, 11)),
        (period_fields(13, None), (13, None)),
    ],
)
def test_only_the_bounds_in_the_request_change(client, item, changed, fields, period):
    before = client.get(item)
    after = changed(item, **fields)
    assert hours_of(after) == period
    assert after == before.json | period_fields(*period) | {"version": 2}
    assert client.get(item).headers["ETag"] != before.headers["ETag"]


@pytest.mark.parametrize("period", [(None, None), (None, 12), (10, None)])
def test_an_infinite_bound_stays_infinite_until_it_is_set(car, allocate, changed, period):
    url = allocate(car, hour_start(period[0]), hour_start(period[1])).headers["Location"]
    assert hours_of(changed(url, description="still open")) == period
    assert hours_of(changed(url, from_datetime=hour_start(9))) == (9, period[1])
    assert hours_of(changed(url, to_datetime=hour_start(20))) == (9, 20)


def test_a_change_of_one_microsecond_is_stored(client, booking, changed):
    end = "2099-03-01T12:00:00.000001Z"
    assert changed(booking, to_datetime=end)["to_datetime"] == end


OTHERS = [
    {"allocation_type": "maintenance"},
    {"description": "New tyres"},
    {"description": None},
    {"description": ""},
    {"dump": {"order": [1, 1.0, None, {"a": True}]}},
    {"dump": {}},
    {"reference": "x" * 128},
    {"reference": None},
    {"allocation_type": "x" * 20, "description": "🚗" * 100, "dump": {"a": "b"}},
]


@pytest.mark.parametrize("fields", OTHERS)
def test_only_the_fields_in_the_request_change(client, car, allocate, changed, fields):
    details = {"description": "As it was", "reference": "PO 4711", "dump": {"was": 1}}
    allocation = allocate(car, hour_start(10), hour_start(12), **details).json
    url = f"/api/cars/all/allocations/{allocation['id']}"
    assert changed(url, **fields) == allocation | fields | {"version": 2}


def test_all_fields_can_change_with_one_request(client, item, register, changed):
    before, other = client.get(item).json, register("Car2")[-36:]
    fields = {"resource_id": other, "allocation_type": "service", "description": "All new", "dump": {"a": 1}}
    fields["reference"] = "PO-1"
    expected = before | fields | period_fields(13, None) | {"version": 2}
    assert changed(item, **fields, from_datetime=hour_start(13), to_infinity=True) == expected


def test_an_allocation_moves_to_another_vehicle_and_the_old_one_is_free(
    client, car, item, register, allocate, refused, changed
):
    other, allocation = register("Car2"), item[-36:]
    moved = changed(item, resource_id=other[-36:])
    assert client.get(f"{other}/allocations/{allocation}").json == moved
    refused(client.get(f"{car}/allocations/{allocation}"), 404, "allocation_not_found")
    assert [client.get(f"{vehicle}/allocations").json for vehicle in (car, other)] == [[], [moved]]
    assert allocate(car, hour_start(10), hour_start(12)).status_code == 201
    refused(allocate(other, hour_start(11), hour_start(13)), 409, "period_taken")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"to_datetime": hour_start(12)},
        period_fields(10, 12),
        {"description": None},
        {"dump": {}},
        {"to_infinity": False},
    ],
)
def test_a_request_without_changes_keeps_the_etag(client, item, changed, fields):
    before = client.get(item)
    assert changed(item, **fields) == before.json
    assert client.get(item).headers["ETag"] == before.headers["ETag"]


def test_sending_the_current_vehicle_and_status_keeps_the_etag(client, car, item, changed):
    before = client.get(item)
    changed(item, resource_id=car[-36:], status="confirmed")
    assert client.get(item).headers["ETag"] == before.headers["ETag"]


def test_the_period_of_a_response_can_be_edited_and_sent(client, item, changed):
    read = client.get(item).json
    assert hours_of(changed(item, **{field: read[field] for field in FOUR} | {"to_datetime": hour_start(13)})) == (
        10,
        13,
    )


def test_a_period_can_be_extended_until_it_touches_its_neighbours(client, car, booking, allocate, changed):
    for start, end in ((None, 8), (14, 16)):
        allocate(car, hour_start(start), hour_start(end))
    assert hours_of(changed(booking, from_datetime=hour_start(8), to_datetime=hour_start(14))) == (8, 14)


@table_driven(("name", "one", "other", "overlap"), CASES)
@table_driven("is_reversed", [False, True], ids=["in order", "reversed"])
def test_an_allocation_can_move_exactly_if_nothing_overlaps(
    client, register, allocate, refused, nothing_changes, name, one, other, overlap, is_reversed
):
    car, other_car = (register(str(uuid.uuid4())) for _ in range(2))
    existing, new = (other, one) if is_reversed else (one, other)
    conflict_id = allocate(car, hour_start(existing[0]), hour_start(existing[1])).json["id"]
    moving = allocate(other_car, None, None).headers["Location"]
    order = {key: value for key, value in period_fields(*new).items() if value} | {"resource_id": car[-36:]}
    if overlap:
        with nothing_changes():
            body = refused(client.patch(moving, json=order), 409, "period_taken")
        assert [conflict["id"] for conflict in body["conflicts"]] == [conflict_id]
    else:
        assert client.patch(moving, json=order).status_code == 200
        assert len(client.get(f"{car}/allocations").json) == 2


@pytest.mark.one_engine
def test_xml_contains_the_same_data(client, booking):
    xml = {"Accept": "application/xml"}
    response = client.patch(booking, json={"description": "<New>"}, headers=xml)
    read = client.get(booking, headers=xml)
    assert (response.status_code, response.data) == (200, read.data)
    assert response.headers["ETag"] == read.headers["ETag"]
