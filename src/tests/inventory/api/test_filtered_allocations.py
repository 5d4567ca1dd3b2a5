"""Lists of allocations by ``resource_id`` and window in both orders, compared with a filter written in Python."""

from datetime import datetime
from itertools import product
from urllib.parse import urlencode

import pytest

from tests.support.client_identity import restricted_client
from tests.support.hours_in_2099 import hour_start

ALL = "/api/cars/all/allocations"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
# For each car, the hours of its allocations. Several cars have allocations that start at the same instant.
HOURS = [
    [(None, 2), (2, 4), (6, 8), (10, None)],
    [(None, 3), (3, 4), (6, 7), (8, 12), (12, 14)],
    [(1, 3), (6, 12), (14, None)],
    [(None, None)],
]
WINDOWS = [{}, {"from": 3}, {"from": 7}, {"from": 13}, {"to": 3}, {"to": 8}, {"from": 3, "to": 7}, {"from": 2, "to": 3}]


@pytest.fixture
def cars(register, allocate):
    """The ids of four cars with the allocations of ``HOURS``, every second one for maintenance."""
    cars = [register(f"Car{number}") for number in range(len(HOURS))]
    for car, periods in zip(cars, HOURS, strict=True):
        for number, (start, end) in enumerate(periods):
            kind = ("booking", "maintenance")[number % 2]
            response = allocate(car, hour_start(start), hour_start(end), allocation_type=kind, reference=f"PO {kind}")
            assert response.status_code == 201, response.text
    return [car[-36:] for car in cars]


def instant(text, infinite):
    return float(infinite) if text is None else datetime.fromisoformat(text).timestamp()


def expected(rows, window, vehicles, **values):
    """Return the ids of the rows that match the filters, in the same order."""
    start, end = instant(hour_start(window.get("from")), "-inf"), instant(hour_start(window.get("to")), "inf")
    return [
        row["id"]
        for row in rows
        if instant(row["from_datetime"], "-inf") < end
        and start < instant(row["to_datetime"], "inf")
        and (not vehicles or row["resource_id"] in vehicles)
        and all(row[name] == value for name, value in values.items())
    ]


@pytest.fixture
def check(client, follow_pages):
    """Return a function that compares a list, its pages and its number of items with the expected ids."""

    def check(params, ids):
        url = f"{ALL}?{urlencode(params, doseq=True)}"
        for order, in_order in (("from", ids), ("-from", ids[::-1])):
            for limit in (1, 2, 1000):
                pages = list(follow_pages(f"{url}&order={order}&limit={limit}"))
                assert [row["id"] for page in pages for row in page] == in_order, (url, order, limit)
                assert all(len(page) == limit for page in pages[:-1])
        assert client.get(f"{url}&count=true").headers["X-Total-Count"] == str(len(ids))

    return check


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_every_combination_of_filters_lists_the_same_as_the_filter_in_python(client, cars, check, window):
    rows = client.get(ALL).json
    # Rows that start at the same instant are in the order of their creation: those of the first car were created first.
    assert rows == sorted(rows, key=lambda row: (instant(row["from_datetime"], "-inf"), cars.index(row["resource_id"])))
    vehicle_sets = [[], cars[:1], cars[1:3], [*cars, UNKNOWN]]
    for vehicles, values in product(
        vehicle_sets, ({}, {"allocation_type": "maintenance"}, {"reference": "PO booking"})
    ):
        params = {name: hour_start(hour) for name, hour in window.items()} | {"resource_id": vehicles, **values}
        check(params, expected(rows, window, vehicles, **values))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_the_list_of_one_vehicle_has_both_orders_too(client, cars, follow_pages, window):
    rows = client.get(ALL).json
    query = urlencode({name: hour_start(hour) for name, hour in window.items()})
    for car in cars:
        ids = expected(rows, window, [car])
        url = f"/api/cars/{car}/allocations?{query}"
        assert client.get(f"{url}&count=true").headers["X-Total-Count"] == str(len(ids))
        for order, in_order in (("from", ids), ("-from", ids[::-1])):
            for limit in (1, 3):
                pages = follow_pages(f"{url}&order={order}&limit={limit}")
                assert [row["id"] for page in pages for row in page] == in_order


@pytest.mark.parametrize("window", [{}, {"from": 3}, {"to": 8}, {"from": 3, "to": 7}], ids=str)
def test_a_client_that_sees_only_its_own_lists_those_of_the_vehicles(app, one, two, register, window):
    cars = [register(f"Car{number}") for number in range(3)]
    own = []
    for number, hour in product(range(3), range(0, 12, 2)):
        body = {"from_datetime": hour_start(hour), "to_datetime": hour_start(hour + 2)}
        owner = (one, two)[(number + hour // 2) % 2]
        own.append((owner is one, owner.post(f"{cars[number]}/allocations", json=body).json))
    rows = sorted((row for is_own, row in own if is_own), key=lambda row: row["from_datetime"])
    vehicles = [car[-36:] for car in cars[:2]]
    params = {name: hour_start(hour) for name, hour in window.items()} | {"resource_id": vehicles}
    ids = expected(rows, window, vehicles)
    for order, in_order in (("from", ids), ("-from", ids[::-1])):
        listed = one.get(ALL, query_string={**params, "order": order})
        assert [row["id"] for row in listed.json] == in_order
    assert restricted_client(app, "nobody").get(ALL, query_string=params).json == []


def test_only_active_allocations_of_vehicles_of_the_collection_and_in_circulation_are_listed(
    app, client, register, allocate
):
    cars = [register(f"Car{number}") for number in range(3)]
    lorry = register("Lorry1", "lorries")
    for vehicle in (*cars, lorry):
        allocate(vehicle, "2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z")
    client.delete(cars[1])
    query = [("resource_id", vehicle[-36:]) for vehicle in (*cars, lorry)] + [("resource_id", UNKNOWN)]
    for order in ("from", "-from"):
        listed = client.get(f"{ALL}?{urlencode([*query, ('order', order)])}").json
        assert {row["resource_id"] for row in listed} == {cars[0][-36:], cars[2][-36:]}
        assert len(listed) == 2
    for vehicle in (cars[1], lorry):
        for window in ("", "&from=2000-01-01T00:00:00Z"):
            response = client.get(f"{ALL}?resource_id={vehicle[-36:]}{window}&count=true")
            assert (response.json, response.headers["X-Total-Count"]) == ([], "0")


def test_an_id_that_is_given_twice_counts_once(client, cars):
    for url in (ALL, "/api/cars/all/availability"):
        once = client.get(f"{url}?resource_id={cars[0]}")
        assert once.status_code == 200
        assert client.get(f"{url}?resource_id={cars[0]}&resource_id={cars[0]}").json == once.json
