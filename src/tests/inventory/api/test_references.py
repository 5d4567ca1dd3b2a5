"""The reference of an allocation, the caller's order number: how it is validated, changed and found."""

import pytest

from tests.support.client_identity import ids
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields
from tests.support.tables import table_driven

ALL = "/api/cars/all/allocations"
COMPOSED, DECOMPOSED = "Ü-1", "U\u0308-1"


@pytest.fixture
def found(client):
    """Return a function that returns the ids of the allocations with a reference in the list ``url``."""
    return lambda reference, url=ALL, **query: ids(client.get(url, query_string={"reference": reference, **query}))


@pytest.mark.through_gateway
@pytest.mark.parametrize(
    "reference", ["1", "PO 4711/A", "x" * 128, "🚗" * 128, "=1+1", "<&'\"%>", "0012", "null", "\\"]
)
def test_an_allocation_is_found_by_its_reference(client, car, allocate, found, reference):
    allocate(car, hour_start(8), hour_start(9), reference=f"{reference[:100]}?")
    allocate(car, hour_start(9), hour_start(10))
    response = allocate(car, hour_start(10), hour_start(12), reference=reference)
    assert (response.status_code, response.json["reference"]) == (201, reference)
    assert client.get(response.headers["Location"]).json == response.json
    assert found(reference) == found(reference, f"{car}/allocations") == [response.json["id"]]


def test_a_reference_is_stored_and_found_in_normal_form_c(car, allocate, found):
    response = allocate(car, hour_start(10), hour_start(12), reference=DECOMPOSED)
    assert response.json["reference"] == COMPOSED
    assert found(DECOMPOSED) == found(COMPOSED) == [response.json["id"]]
    longest = allocate(car, hour_start(12), hour_start(13), reference="U\u0308" * 128)
    assert longest.json["reference"] == "Ü" * 128
    assert found("U\u0308" * 128) == [longest.json["id"]]


INVALID = ["", " ", " 1", "1 ", "x" * 129, "a\tb", "a\n", "\x7f", "a\u200bb", "\u202e1", "a\u00adb", "\ufeff1"]
# To normalise combining marks in this order (form C) takes quadratic time.
INVALID += ["\u0301" * 900 + "\u0316" * 900]


@pytest.mark.one_engine
@table_driven("reference", INVALID)
def test_an_invalid_reference_is_refused(client, car, booking, refused, nothing_changes, reference):
    body = {**period_fields(10, 11), "reference": reference}
    with nothing_changes():
        for response in (
            client.post(f"{car}/allocations", json=body),
            client.post("/api/cars/any/allocations", json={**body, "quantity": 2}),
            client.patch(booking, json={"reference": reference}),
            client.get(ALL, query_string={"reference": reference}),
            client.get(f"{car}/allocations", query_string={"reference": reference}),
        ):
            refused(response, 422, "invalid_fields", "reference")


@pytest.mark.one_engine
@table_driven("reference", [1, True, [], {}, ["1"]])
def test_only_a_string_or_null_is_a_reference(client, car, booking, refused, reference):
    for response in (
        client.post(f"{car}/allocations", json={**period_fields(10, 11), "reference": reference}),
        client.patch(booking, json={"reference": reference}),
    ):
        refused(response, 422, "invalid_fields", "reference")


@pytest.mark.one_engine
@table_driven("query", ["reference=a&reference=b", "reference=%00", "reference=%FF", "reference"])
def test_a_malformed_filter_is_refused(client, car, refused, query):
    for url in (ALL, f"{car}/allocations"):
        refused(client.get(f"{url}?{query}"), 422, "invalid_fields", "reference")


@pytest.mark.one_engine
def test_other_calls_have_no_reference(client, car, booking, refused):
    for url in ("/api/cars", booking, f"{car}/availability", "/api/cars/all/availability", "/api/events"):
        refused(client.get(f"{url}?reference=1"), 422, "invalid_fields", "reference")
    refused(client.post("/api/cars", json={"name": "Car2", "reference": "1"}), 422, "invalid_fields", "reference")


def test_an_order_can_have_several_vehicles(client, register, allocate, found):
    for number in range(4):
        register(f"Car{number}")
    order = allocate("/api/cars/any", hour_start(10), hour_start(12), quantity=3, reference="PO 1").json
    assert [row["reference"] for row in order] == ["PO 1"] * 3
    later = allocate("/api/cars/any", hour_start(12), hour_start(13), reference="PO 1").json
    assert found("PO 1")[-1] == later["id"]
    assert sorted(found("PO 1")) == sorted(row["id"] for row in [*order, later])


def test_a_patch_sets_changes_and_removes_the_reference(client, booking, found):
    for reference in ("PO 1", "PO 2", None, "PO 1"):
        response = client.patch(booking, json={"reference": reference})
        assert (response.status_code, response.json["reference"]) == (200, reference)
    assert client.patch(booking, json={"description": "x"}).json["reference"] == "PO 1"
    merge_patch = {"Content-Type": "application/merge-patch+json"}
    assert client.patch(booking, data='{"reference": null}', headers=merge_patch).json["reference"] is None
    assert found("PO 1") == found("PO 2") == []


def test_a_reference_does_not_exempt_from_the_other_filters(client, register, allocate, found):
    first, second = register("Car1"), register("Car2")
    rows = [
        allocate(vehicle, *period, reference="PO 1", **details).json["id"]
        for vehicle, period, details in (
            (first, (None, hour_start(8)), {}),
            (first, (hour_start(9), hour_start(12)), {"allocation_type": "maintenance"}),
            (second, (hour_start(10), hour_start(11)), {"hold_seconds": 600}),
            (second, (hour_start(12), None), {}),
        )
    ]
    assert found("PO 1") == rows
    assert found("PO 1", f"{first}/allocations") == rows[:2]
    assert found("PO 1", **{"from": hour_start(8)}) == rows[1:]
    assert found("PO 1", to=hour_start(10)) == rows[:2]
    assert found("PO 1", **{"from": hour_start(10), "to": hour_start(12)}) == rows[1:3]
    assert found("PO 1", f"{second}/allocations", **{"from": hour_start(11)}) == rows[3:]
    assert found("PO 1", status="held") == rows[2:3]
    assert found("PO 1", allocation_type="maintenance") == rows[1:2]
    assert client.get("/api/lorries/all/allocations?reference=PO 1").json == []


@pytest.mark.parametrize("query", ["", f"&from={hour_start(8)}", f"&to={hour_start(20)}"])
def test_paging_keeps_the_reference(car, register, allocate, follow_pages, query):
    other = register("Car2")
    for vehicle in (car, other):
        for hour in range(8, 13):
            allocate(vehicle, hour_start(hour), hour_start(hour + 1), reference=f"PO {hour % 2}")
    for url in (ALL, f"{car}/allocations"):
        (complete,) = follow_pages(f"{url}?reference=PO%200{query}")
        pages = list(follow_pages(f"{url}?reference=PO%200&limit=1{query}"))
        assert pages == [[row] for row in complete]
        assert len(complete) == (6 if url == ALL else 3)


def test_a_client_finds_only_its_own_orders(one, two, car, found, client):
    own = one.post(f"{car}/allocations", json={**period_fields(10, 11), "reference": "PO 1"}).json
    other = two.post(f"{car}/allocations", json={**period_fields(11, 12), "reference": "PO 1"}).json
    assert found("PO 1") == [own["id"], other["id"]]
    for url in (ALL, f"{car}/allocations"):
        query = f"{url}?reference=PO 1&from={hour_start(9)}"
        assert (ids(one.get(query)), ids(two.get(query))) == ([own["id"]], [other["id"]])


def test_an_expired_hold_is_not_found(app, car, allocate, found):
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60, reference="PO 1")
    let_holds_expire(app)
    assert found("PO 1") == []


def test_a_replay_has_the_reference_and_another_one_is_another_request(client, car, refused):
    def send(reference):
        body = {**period_fields(10, 12), "reference": reference}
        return client.post(f"{car}/allocations", json=body, headers={"Idempotency-Key": "order-1"})

    first, repeated = send("PO 1"), send("PO 1")
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert repeated.json == first.json
    refused(send("PO 2"), 422, "idempotency_key_reused")
