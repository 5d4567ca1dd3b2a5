"""Change lists and moves to any vehicle never allocate a closed vehicle for additional time after its closure."""

import pytest

from tests.support.change_lists import CHANGES, entry, places
from tests.support.hours_in_2099 import hour_start, hours_of, period_fields


@pytest.fixture
def cars(register):
    """The URLs of two cars."""
    return [register(f"Car{number}") for number in range(2)]


@pytest.fixture
def book(allocate):
    """Return a function that allocates a car between two hours of a fixed day."""
    return lambda car, start, end, **fields: allocate(car, hour_start(start), hour_start(end), **fields).json


@pytest.fixture
def close(client):
    """Return a function that closes cars from 12:00 on."""

    def close(*cars):
        for car in cars:
            assert client.patch(car, json={"closed_from": hour_start(12)}).status_code == 200

    return close


@pytest.fixture
def change(client):
    """Return a function that sends a change list."""
    return lambda *entries: client.post(CHANGES, json={"changes": list(entries)})


@pytest.fixture
def refused_entry(change, refused, nothing_changes):
    """Return a function that sends a change list, and checks that a closure prevents the entry at ``index``."""

    def refused_entry(*entries, index):
        with nothing_changes():
            problem = refused(change(*entries), 409, "resource_closed")
        assert problem["index"] == index

    return refused_entry


PERIODS = [
    ((10, 14), (10, 12), True),
    ((10, 14), (11, 14), True),
    ((10, 14), (8, 14), True),
    ((8, 10), (10, 12), True),
    ((10, None), (10, 15), True),
    ((10, 14), (10, 15), False),
    ((10, 14), (13, 15), False),
    ((8, 10), (11, 13), False),
    ((8, 10), (8, None), False),
]


@pytest.mark.parametrize(("old", "new", "is_changed"), PERIODS)
def test_an_entry_may_not_cover_new_instants_of_the_closure(
    cars, book, close, change, refused_entry, old, new, is_changed
):
    row, other = book(cars[0], *old), book(cars[1], 8, 10)
    close(cars[0])
    entries = [entry(other, description="x"), entry(row, **period_fields(*new))]
    if is_changed:
        assert places(change(*entries), cars)[1] == (0, *new)
    else:
        refused_entry(*entries, index=1)


def test_other_fields_change_and_holds_are_confirmed_and_extended(cars, book, close, change):
    rows = [book(cars[0], hour, hour + 1, hold_seconds=60) for hour in (12, 13)] + [book(cars[0], 14, 15)]
    close(cars[0])
    response = change(
        entry(rows[0], status="confirmed"), entry(rows[1], hold_seconds=600), entry(rows[2], description="x")
    )
    assert places(response, cars) == [(0, 12, 13), (0, 13, 14), (0, 14, 15)]


@pytest.mark.parametrize("is_first", [False, True])
def test_allocations_do_not_swap_with_a_closed_vehicle(cars, book, close, change, refused_entry, is_first):
    leaving, entering = book(cars[0], 12, 13), book(cars[1], 12, 13)
    close(cars[0])
    entries = [entry(leaving, cars[1]), entry(entering, cars[0])]
    refused_entry(*(reversed(entries) if is_first else entries), index=0 if is_first else 1)
    # One leaves the closed vehicle, and the other one gets a period before the closure, so both can move.
    entries[1] |= period_fields(11, 12)
    assert places(change(*entries), cars) == [(1, 12, 13), (0, 11, 12)]


def test_periods_of_a_closed_vehicle_do_not_swap(cars, book, close, refused_entry):
    rows = [book(cars[0], hour, hour + 1) for hour in (12, 13)]
    close(cars[0])
    # Each allocation would get a period after the closure that it did not have before.
    refused_entry(entry(rows[0], **period_fields(13, 14)), entry(rows[1], **period_fields(12, 13)), index=0)


@pytest.fixture(params=[True, False], ids=["list", "PATCH"])
def move_to_any(request, client, change):
    """Return a function that moves an allocation to any vehicle, with a change list or with a PATCH."""

    def move_to_any(row, **fields):
        if request.param:
            return change(entry(row, "any", **fields))
        return client.patch(f"/api/cars/all/allocations/{row['id']}", json={"resource_id": "any", **fields})

    return move_to_any


@pytest.mark.parametrize("strategy", ["random", "best_fit"])
def test_any_is_never_a_closed_vehicle(
    app, register, cars, book, close, move_to_any, refused, nothing_changes, strategy
):
    app.config["ANY_STRATEGY"] = strategy
    row = book(cars[0], 11, 13)
    close(cars[1])
    with nothing_changes():
        refused(move_to_any(row), 409, "none_available")
    # Only the new period must end before the closure.
    moved = move_to_any(row, **period_fields(10, 12))
    assert moved.status_code == 200
    close(cars[0])
    spare = register("Spare")
    away = move_to_any(row, to_infinity=True)
    [changed] = away.json if isinstance(away.json, list) else [away.json]
    assert (changed["resource_id"], hours_of(changed)) == (spare[-36:], (10, None))


def test_an_entry_that_names_a_closed_vehicle_comes_before_those_that_find_none(cars, book, close, refused_entry):
    moving, named = book(cars[0], 12, 13), book(cars[0], 14, 15)
    close(cars[1])
    refused_entry(entry(moving, "any"), entry(named, cars[1]), index=1)
