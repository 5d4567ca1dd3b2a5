"""A closed vehicle: new allocations must end by the time of the closure, and existing allocations remain."""

import pytest

from tests.support.client_identity import ids, restricted_client
from tests.support.hours_in_2099 import hour_start, hours_of, period_fields

ALL, ANY = "/api/cars/all/allocations", "/api/cars/any/allocations"
NOON = hour_start(12)


@pytest.fixture
def close(client):
    """Return a function that closes a vehicle from an hour on, or opens it if the hour is None."""

    def close(car, hour=12):
        response = client.patch(car, json={"closed_from": hour_start(hour)})
        assert response.status_code == 200, response.text
        return response

    return close


@pytest.mark.parametrize(
    ("start", "end", "is_allocated"),
    [
        (8, 12, True),
        (None, 12, True),
        (8, 13, False),
        (12, 13, False),
        (13, 14, False),
        (8, None, False),
        (None, None, False),
    ],
)
def test_a_period_can_be_allocated_if_it_ends_before_the_closure(
    car, close, allocate, refused, nothing_changes, start, end, is_allocated
):
    close(car)
    if is_allocated:
        assert allocate(car, hour_start(start), hour_start(end)).status_code == 201
        return
    with nothing_changes():
        for vehicle, code in ((car, "resource_closed"), ("/api/cars/any", "none_available")):
            refused(allocate(vehicle, hour_start(start), hour_start(end)), 409, code)
        problem = refused(allocate(car, hour_start(start), hour_start(end), hold_seconds=60), 409, "resource_closed")
    assert NOON in problem["detail"]


def test_a_closure_precedes_the_conflicts_of_the_period(car, close, booking, allocate, refused):
    close(car, 11)
    refused(allocate(car, hour_start(10), hour_start(12)), 409, "resource_closed")
    refused(allocate(car, hour_start(10), hour_start(11)), 409, "period_taken")


@pytest.mark.parametrize(
    ("old", "new", "is_changed"),
    [
        ((10, 14), (10, 12), True),
        ((10, 14), (12, 14), True),
        ((10, 14), (13, 14), True),
        ((10, 14), (9, 14), True),
        ((10, 14), (None, 14), True),
        ((10, 14), (10, 15), False),
        ((10, 14), (10, None), False),
        ((10, 14), (14, 15), False),
        ((13, 16), (8, 12), True),
        ((13, 16), (14, 15), True),
        ((13, 16), (12, 16), False),
        ((13, 16), (8, 13), False),
        ((8, 11), (8, 12), True),
        ((8, 11), (8, 13), False),
        ((13, None), (20, None), True),
        ((13, None), (13, 15), True),
        ((None, None), (8, None), True),
    ],
)
def test_a_change_may_not_cover_new_instants_of_the_closure(
    client, car, close, allocate, refused, nothing_changes, old, new, is_changed
):
    booking = allocate(car, hour_start(old[0]), hour_start(old[1])).headers["Location"]
    close(car)
    if is_changed:
        response = client.patch(booking, json=period_fields(*new))
        assert (response.status_code, hours_of(response.json)) == (200, new)
        return
    with nothing_changes():
        refused(client.patch(booking, json=period_fields(*new)), 409, "resource_closed")


def test_other_changes_of_an_allocation_are_possible(client, car, close, allocate):
    start, end = hour_start(10), hour_start(14)
    hold = allocate(car, start, end, hold_seconds=60).headers["Location"]
    close(car)
    for changes in (
        {"description": "x", "reference": "PO 1", "dump": {"a": 1}, "allocation_type": "trip"},
        {"hold_seconds": 600},
        {"hold_seconds": 600, **period_fields(10, 14), "resource_id": car[-36:]},
        {"status": "confirmed"},
    ):
        response = client.patch(hold, json=changes)
        assert response.status_code == 200, response.text
    assert (hours_of(response.json), response.json["status"]) == ((10, 14), "confirmed")
    assert client.delete(hold).status_code == 204


def test_an_allocation_moves_away_from_a_closed_vehicle_but_not_to_it(client, register, close, allocate, refused):
    closed, other = (register(f"Car{number}") for number in range(2))
    ahead, before = (allocate(closed, hour_start(hour), hour_start(hour + 1)).json["id"] for hour in (13, 10))
    close(closed)
    for booking in (ahead, before):
        moved = client.patch(f"{ALL}/{booking}", json={"resource_id": other[-36:]})
        assert (moved.status_code, moved.json["resource_id"]) == (200, other[-36:])
    back = {"resource_id": closed[-36:]}
    assert client.patch(f"{ALL}/{before}", json=back).status_code == 200
    refused(client.patch(f"{ALL}/{ahead}", json=back), 409, "resource_closed")
    # A move is checked against the closure of the new vehicle, with the new period.
    assert client.patch(f"{ALL}/{ahead}", json={**back, **period_fields(11, 12)}).status_code == 200


@pytest.mark.parametrize("strategy", ["random", "best_fit"])
def test_any_never_allocates_a_closed_vehicle(app, client, register, close, allocate, refused, strategy):
    app.config["ANY_STRATEGY"] = strategy
    cars = [register(f"Car{number}") for number in range(3)]
    for car in cars[::2]:
        close(car)
    refused(allocate("/api/cars/any", hour_start(10), hour_start(13), quantity=2), 409, "none_available")
    assert allocate("/api/cars/any", hour_start(10), hour_start(13)).json["resource_id"] == cars[1][-36:]
    response = allocate("/api/cars/any", hour_start(8), hour_start(10), quantity=3)
    assert sorted(row["resource_id"] for row in response.json) == sorted(car[-36:] for car in cars)


def test_a_closed_vehicle_can_be_opened_again(client, car, close, allocate, refused):
    closures = [close(car).json]
    refused(allocate(car, hour_start(12), hour_start(13)), 409, "resource_closed")
    closures.append(close(car, 13).json)
    assert allocate(car, hour_start(12), hour_start(13)).status_code == 201
    response = close(car, None)
    assert (response.json["closed_from"], response.headers["ETag"]) == (None, '"4"')
    assert allocate(car, hour_start(13), None).status_code == 201
    events = client.get("/api/events").json["events"]
    changed = [event["data"] for event in events if event["kind"] == "resource_changed"]
    assert changed == [*closures, response.json]
    assert [data["closed_from"] for data in changed] == [NOON, hour_start(13), None]


def test_a_vehicle_closed_since_the_past_keeps_its_present_allocation(client, car, allocate, refused):
    present = allocate(car, "2020-01-01T00:00:00Z", hour_start(12)).headers["Location"]
    assert client.patch(car, json={"closed_from": "2020-06-01T00:00:00Z"}).status_code == 200
    refused(client.patch(present, json=period_fields(None, 13)), 409, "resource_closed")
    assert client.patch(present, json={"to_datetime": hour_start(11)}).status_code == 200
    for start, end in ((hour_start(12), None), ("2020-06-01T00:00:00Z", "2020-06-02T00:00:00Z")):
        refused(allocate(car, start, end), 409, "resource_closed")
    assert allocate(car, None, "2020-01-01T00:00:00Z").status_code == 201


@pytest.mark.parametrize(
    ("closed_from", "end", "is_allocated"),
    [
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z", True),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00.000001Z", False),
        ("9998-12-31T23:59:59.999999Z", "9998-12-31T23:59:59.999999Z", True),
        ("9998-12-31T23:59:59.999999Z", None, False),
    ],
)
def test_the_earliest_and_the_latest_closure_are_exact(client, car, allocate, refused, closed_from, end, is_allocated):
    assert client.patch(car, json={"closed_from": closed_from}).json["closed_from"] == closed_from
    response = allocate(car, None, end)
    if is_allocated:
        assert response.status_code == 201
    else:
        refused(response, 409, "resource_closed")


def test_a_repeated_request_gets_the_allocation_from_before_the_closure(client, car, close, refused):
    order = {"json": period_fields(12, 13), "headers": {"Idempotency-Key": "order-1"}}
    first = client.post(f"{car}/allocations", **order)
    close(car)
    repeated = client.post(f"{car}/allocations", **order)
    assert (repeated.status_code, repeated.json, repeated.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    # A refusal is not stored with the key.
    other = {"json": period_fields(13, 14), "headers": {"Idempotency-Key": "order-2"}}
    refused(client.post(f"{car}/allocations", **other), 409, "resource_closed")
    close(car, None)
    assert client.post(f"{car}/allocations", **other).status_code == 201


@pytest.mark.through_gateway
def test_closing_follows_the_rules_of_a_change(client, car, close, refused, nothing_changes):
    attributes = {"city": "Leeds"}
    client.patch(car, json={"attributes": attributes})
    with nothing_changes():
        refused(client.patch(car, json={"closed_from": NOON}, headers={"If-Match": '"1"'}), 412, "version_mismatch")
    closed = client.patch(car, json={"closed_from": "2099-03-01T13:00:00.5+01:00"}, headers={"If-Match": '"2"'})
    assert closed.json == client.get(car).json == client.get("/api/cars").json[0]
    assert (closed.json["closed_from"], closed.json["attributes"]) == ("2099-03-01T12:00:00.500000Z", attributes)
    with nothing_changes():
        assert client.patch(car, json={"closed_from": closed.json["closed_from"]}).headers["ETag"] == '"3"'
    merge = {"content_type": "application/merge-patch+json"}
    renamed = client.patch(car, data=b'{"name": "Car2"}', **merge)
    assert (renamed.json["closed_from"], renamed.json["name"]) == (closed.json["closed_from"], "Car2")
    assert client.patch(car, data=b'{"closed_from": null}', **merge).json["closed_from"] is None


def test_a_new_vehicle_has_the_same_name_and_is_open(client, car, close, register):
    close(car)
    assert client.delete(car).status_code == 204
    assert client.get(register("Car1")).json["closed_from"] is None


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "instant", ["", "tomorrow", "1899-12-31T23:00:00Z", "9999-01-01T00:00:00Z", "infinity", 5, True]
)
def test_closed_from_is_an_instant(client, car, refused, nothing_changes, instant):
    with nothing_changes():
        refused(client.patch(car, json={"closed_from": instant}), 422, "invalid_fields", "closed_from")


@pytest.mark.one_engine
def test_a_vehicle_is_registered_open(client, refused):
    body = {"name": "Car1", "closed_from": NOON}
    refused(client.post("/api/cars", json=body), 422, "invalid_fields", "closed_from")


@pytest.mark.through_gateway
def test_the_maintenance_is_allocated_despite_the_closure(client, car, close, booking, allocate, refused):
    close(car, 11)
    for key in (None, "order-1"):
        body = {**period_fields(12, None), "allocation_type": "maintenance", "despite_closed": True}
        headers = {"Idempotency-Key": key} if key else {}
        response = client.post(f"{car}/allocations", json=body, headers=headers)
        assert (response.status_code, "despite_closed" in response.json) == (201, False)
        client.delete(response.headers["Location"])
    # Only the closure is ignored.
    refused(allocate(car, hour_start(11), None, despite_closed=True), 409, "period_taken")
    refused(allocate(car, hour_start(12), None, despite_closed=False), 409, "resource_closed")
    assert ids(client.get(f"{car}/allocations", query_string={"from": hour_start(11)})) == [booking[-36:]]


def test_despite_closed_has_no_effect_on_an_open_vehicle(car, allocate):
    assert allocate(car, hour_start(12), None, despite_closed=True).status_code == 201


@pytest.mark.one_engine
@pytest.mark.parametrize("value", [None, 1, 0, "true", "yes", [], {}])
def test_despite_closed_is_a_boolean(car, allocate, refused, value):
    refused(allocate(car, hour_start(12), None, despite_closed=value), 422, "invalid_fields", "despite_closed")


@pytest.mark.one_engine
def test_despite_closed_is_for_one_vehicle_and_a_new_allocation(client, booking, allocate, refused):
    for response in (
        allocate("/api/cars/any", hour_start(12), None, despite_closed=True),
        client.patch(booking, json={"despite_closed": True}),
    ):
        refused(response, 422, "invalid_fields", "despite_closed")


def test_a_client_that_sees_only_its_own_allocations_cannot_ignore_a_closure(app, car, close, refused, nothing_changes):
    close(car)
    client = restricted_client(app, "ann")
    with nothing_changes():
        for hours, value, code in (
            ((8, 9), True, "invalid_fields"),
            ((12, 13), True, "invalid_fields"),
            ((12, 13), False, "resource_closed"),
        ):
            response = client.post(f"{car}/allocations", json={**period_fields(*hours), "despite_closed": value})
            refused(response, 422 if value else 409, code, *(["despite_closed"] if value else []))
    body = {**period_fields(8, 9), "despite_closed": False}
    assert client.post(f"{car}/allocations", json=body).status_code == 201


@pytest.mark.parametrize(
    ("allocated", "window", "free", "busy"),
    [
        ([], (10, 14), [(10, 12)], [(12, 14)]),
        ([], (None, None), [(None, 12)], [(12, None)]),
        ([], (8, 12), [(8, 12)], []),
        ([], (12, 13), [], [(12, 13)]),
        ([], (14, None), [], [(14, None)]),
        ([(10, 12)], (9, 14), [(9, 10)], [(10, 14)]),
        ([(10, 11)], (9, 14), [(9, 10), (11, 12)], [(10, 11), (12, 14)]),
        ([(10, 13), (14, 15)], (9, 20), [(9, 10)], [(10, 20)]),
        ([(12, 13)], (9, 20), [(9, 12)], [(12, 20)]),
        ([(13, None)], (9, None), [(9, 12)], [(12, None)]),
        ([(None, None)], (None, 20), [], [(None, 20)]),
        ([(None, 9), (13, 14)], (None, None), [(9, 12)], [(None, 9), (12, None)]),
        ([(10, 16)], (13, 20), [], [(13, 20)]),
    ],
)
def test_a_vehicle_is_busy_while_it_is_closed(client, car, close, allocate, allocated, window, free, busy):
    for period in allocated:
        assert allocate(car, *map(hour_start, period)).status_code == 201
    close(car)
    bounds = {name: hour_start(hour) for name, hour in zip(("from", "to"), window, strict=True) if hour is not None}
    row = client.get(f"{car}/availability", query_string=bounds).json
    assert ([*map(hours_of, row["free"])], [*map(hours_of, row["busy"])]) == (free, busy)
    assert client.get("/api/cars/all/availability", query_string=bounds).json == [row]


@pytest.mark.parametrize(
    ("start", "end", "listed"),
    [(8, 12, True), (None, 12, True), (8, 13, False), (12, 13, False), (13, None, False), (8, None, False)],
)
def test_a_closed_vehicle_is_not_listed_as_free(client, car, close, start, end, listed):
    close(car)
    bounds = {"available_from": hour_start(start), "available_to": hour_start(end)}
    query = {name: instant for name, instant in bounds.items() if instant}
    assert ids(client.get("/api/cars", query_string=query)) == ([car[-36:]] if listed else [])


def test_gbfs_ends_the_availability_at_the_closure(client, register, close, allocate):
    past, ahead, busy, reopened = (register(f"Car{number}") for number in range(4))
    client.patch(past, json={"closed_from": "2000-01-01T00:00:00Z"})
    allocate(busy, hour_start(10), hour_start(14))
    for car in (ahead, busy, reopened):
        close(car)
    close(reopened, None)
    document = client.get("/api/cars/gbfs/vehicle_availability.json").json
    now = document["last_updated"]
    assert [vehicle["availabilities"] for vehicle in document["data"]["vehicles"]] == [
        [],
        [{"from": now, "until": NOON}],
        [{"from": now, "until": hour_start(10)}],
        [{"from": now}],
    ]
