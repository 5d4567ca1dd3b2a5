"""Entries of a change list that move to any vehicle.

The service chooses their vehicles in the order of the list, after it has placed all other entries.
"""

import pytest
from sqlalchemy import func, select

from invsys.inventory.db.models import ContinuousResourceAllocation, db
from tests.support.change_lists import CHANGES, entry, places
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

# A concurrent reader of the feed would delete expired holds too.
pytestmark = pytest.mark.usefixtures("feed_checker_at_end")


@pytest.fixture
def cars(register):
    """The URLs of three cars; only the last one has an attribute."""
    return [register("Car0"), register("Car1"), register("Car2", attributes={"seats": 7})]


@pytest.fixture
def book(allocate):
    """Return a function that allocates a car between two hours of a fixed day."""
    return lambda car, start, end, **fields: allocate(car, hour_start(start), hour_start(end), **fields).json


@pytest.fixture
def change(client):
    """Return a function that sends a change list."""
    return lambda *entries: client.post(CHANGES, json={"changes": list(entries)})


@pytest.mark.parametrize("is_first", [False, True])
def test_an_entry_gets_the_vehicle_that_another_one_leaves(cars, book, change, is_first):
    leaving, waiting = book(cars[0], 10, 12), book(cars[1], 10, 12)
    entries = [entry(leaving, cars[2]), entry(waiting, "any")]
    response = change(*(reversed(entries) if is_first else entries))
    assert sorted(places(response, cars)) == [(0, 10, 12), (2, 10, 12)]
    assert {row["id"]: row["resource_id"] for row in response.json}[waiting["id"]] == cars[0][-36:]


def test_two_entries_swap_if_no_other_vehicle_is_free(cars, book, change):
    one, other, _ = (book(car, 10, 12) for car in cars)
    assert places(change(entry(one, "any"), entry(other, "any")), cars) == [(1, 10, 12), (0, 10, 12)]


def test_entries_get_different_vehicles(cars, register, book, change):
    rows = [book(cars[0], hour, hour + 1) for hour in (8, 9, 10)]
    # The first two get the same period, so they need different vehicles.
    response = change(*(entry(row, "any", **period_fields(8, 9)) for row in rows[:2]), entry(rows[2]))
    assert sorted(places(response, cars)) == [(0, 10, 11), (1, 8, 9), (2, 8, 9)]


def test_expired_holds_of_all_vehicles_that_could_be_chosen_are_deleted(app, cars, book, change):
    row = book(cars[0], 8, 9)
    for car in cars[1:]:
        book(car, 10, 12, hold_seconds=60)
    let_holds_expire(app)
    assert places(change(entry(row, "any", **period_fields(10, 11))), cars)[0][0] in (1, 2)
    # If they were not deleted, each attempt could choose another vehicle with an expired hold.
    with app.app_context(), db.engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(ContinuousResourceAllocation.expires.is_not(None))) == 0


def test_a_vehicle_can_be_emptied(client, cars, book, change):
    rows = [book(cars[0], hour, hour + 1) for hour in range(8, 18)]
    response = change(*(entry(row, "any") for row in rows))
    assert {car for car, _, _ in places(response, cars)} <= {1, 2}
    assert client.get(f"{cars[0]}/allocations").json == []


def test_the_first_entries_get_the_last_vehicles(cars, book, change, refused, nothing_changes):
    rows = [book(cars[0], hour, hour + 1) for hour in (8, 9, 10)]
    entries = [entry(row, "any", **period_fields(14, 15)) for row in rows]
    with nothing_changes():
        assert refused(change(*entries), 409, "none_available")["index"] == 2
    assert change(*entries[:2], entry(rows[2], cars[0], **period_fields(14, 15))).status_code == 200


def test_named_entries_come_first(cars, book, change, refused, nothing_changes):
    one, other = book(cars[0], 10, 12), book(cars[1], 14, 16)
    book(cars[1], 10, 12)
    with nothing_changes():
        # The second entry takes the only vehicle that the first one could get.
        named = entry(other, cars[2], **period_fields(11, 13))
        assert refused(change(entry(one, "any"), named), 409, "none_available")["index"] == 0
    assert places(change(entry(one, "any"), entry(other, cars[2])), cars) == [(2, 10, 12), (2, 14, 16)]


@pytest.mark.parametrize("seats", [7, 4])
def test_the_vehicle_has_the_attributes(cars, book, change, refused, nothing_changes, seats):
    row = book(cars[0], 10, 12)
    listed = [entry(row, "any", attributes={"seats": seats})]
    if seats == 7:
        assert places(change(*listed), cars) == [(2, 10, 12)]
    else:
        with nothing_changes():
            assert refused(change(*listed), 409, "none_available")["index"] == 0


def test_expired_holds_do_not_block_vehicles(app, cars, book, change):
    for car in cars[1:]:
        book(car, 10, 12, hold_seconds=60)
    let_holds_expire(app)
    rows = [book(cars[0], 10, 12), book(cars[0], 12, 13)]
    response = change(entry(rows[0], "any"), entry(rows[1], "any"))
    assert {car for car, _, _ in places(response, cars)} <= {1, 2}


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"to_datetime": hour_start(9)}, "to_datetime"), ({"hold_seconds": 9}, "hold_seconds")],
)
def test_a_change_that_does_not_fit_is_named(cars, book, change, refused, nothing_changes, fields, field):
    rows = [book(car, 10, 12) for car in cars[:2]]
    with nothing_changes():
        refused(change(entry(rows[0]), entry(rows[1], "any", **fields)), 422, "invalid_fields", f"changes.1.{field}")
        unknown = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
        response = change(entry(rows[0], "any"), entry(rows[1], unknown))
        refused(response, 422, "invalid_fields", "changes.1.resource_id")


def test_a_conflict_of_a_named_entry_is_reported(cars, book, change, refused, nothing_changes):
    rows = [book(car, 10, 12) for car in cars]
    with nothing_changes():
        problem = refused(change(entry(rows[0], "any"), entry(rows[1], cars[2])), 409, "period_taken")
        assert (problem["index"], [row["id"] for row in problem["conflicts"]]) == (1, [rows[2]["id"]])


def test_a_hold_is_confirmed_and_another_one_extended_while_they_move(cars, book, change):
    holds = [book(cars[0], hour, hour + 1, hold_seconds=60) for hour in (10, 11)]
    response = change(entry(holds[0], "any", status="confirmed"), entry(holds[1], "any", hold_seconds=3600))
    assert 0 not in {car for car, _, _ in places(response, cars)}
    confirmed, extended = response.json
    assert (confirmed["status"], extended["status"]) == ("confirmed", "held")
    assert extended["expires"] > holds[1]["expires"]
