"""invsys-manage demo: the demonstration fleet that it creates, and the databases that it refuses."""

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest

from invsys.inventory.commands import create_allocation
from invsys.inventory.errors import DatabaseUnavailable
from invsys.inventory.maintenance import demo_fleet

NOW = datetime(2026, 11, 28, 13, 37, tzinfo=UTC)


@pytest.fixture
def everything(app):
    """Return a function that returns the vehicles of each collection, and all allocations."""
    client = app.test_client()

    def everything():
        vehicles = {name: client.get(f"/api/{name}?limit=1000").json for name in ("cars", "lorries", "trucks")}
        lists = [client.get(f"/api/{name}/all/allocations?limit=1000").json for name in vehicles]
        return vehicles, list(itertools.chain(*lists))

    return everything


def test_the_fleet_shows_everything_that_the_page_can_show(run, everything):
    status, printed, complaints = run("demo")
    vehicles, allocations = everything()
    assert (status, complaints) == (0, "")
    assert printed.count("\n") == 1
    assert printed.startswith(
        f"created 72 vehicles (40 cars, 20 lorries, 12 trucks) and {len(allocations)} allocations ("
    )
    assert {name: len(of_type) for name, of_type in vehicles.items()} == {"cars": 40, "lorries": 20, "trucks": 12}
    for of_type in vehicles.values():
        ids = {vehicle["id"] for vehicle in of_type}
        own = [allocation for allocation in allocations if allocation["resource_id"] in ids]
        assert {allocation["allocation_type"] for allocation in own} == {"booking", "maintenance", "cleaning"}
        assert {allocation["status"] for allocation in own} == {"confirmed", "held"}
        assert any(allocation["from_infinity"] for allocation in own)
        assert any(allocation["to_infinity"] for allocation in own)
        assert any(allocation["description"] for allocation in own)
        assert any(allocation["reference"] for allocation in own)
        # At least one vehicle has no allocation.
        assert ids - {allocation["resource_id"] for allocation in own}
        assert all(vehicle["attributes"] for vehicle in of_type)
        assert any(vehicle["closed_from"] for vehicle in of_type)


def test_the_feed_contains_the_fleet_and_the_check_succeeds(run, everything, app):
    assert run("demo")[0] == 0
    assert run("check")[0] == 0
    vehicles, allocations = everything()
    client, cursor, kinds = app.test_client(), "", []
    while True:
        page = client.get(f"/api/events?limit=1000{cursor}").json
        kinds += [event["kind"] for event in page["events"]]
        if not page["events"]:
            break
        cursor = f"&after={page['next']}"
    assert kinds.count("resource_registered") == sum(map(len, vehicles.values()))
    assert kinds.count("allocated") == len(allocations)
    assert kinds.count("resource_changed") == sum(
        vehicle["closed_from"] is not None for vehicle in itertools.chain(*vehicles.values())
    )
    assert set(kinds) == {"resource_registered", "resource_changed", "allocated"}


def test_a_database_with_vehicles_is_refused_without_add(run, client, everything):
    client.post("/api/lorries", json={"name": "Ours"})
    refusal = "invsys-manage: the database has lorries already, so nothing was created; with --add, the demonstration"
    assert run("demo") == (2, "", f"{refusal} fleet is created beside them\n")
    assert everything()[0]["cars"] == []
    # If the fleet is created twice, its vehicles get other names the second time.
    assert [run("demo", "--add")[0] for _ in range(2)] == [0, 0]
    vehicles, _ = everything()
    assert len({car["name"] for car in vehicles["cars"]}) == 80
    assert len(vehicles["lorries"]) == 41


def test_a_decommissioned_vehicle_does_not_count(run, client, car):
    client.delete(car)
    assert run("demo")[0] == 0


@pytest.mark.one_engine("the options are parsed before the database is used")
def test_an_invalid_option_is_reported_in_one_line(run):
    for words, message in {
        ("--seed", "many"): "argument --seed: invalid int value: 'many'",
        ("--sead", "2"): "unknown option --sead (did you mean --seed?)",
        ("cars",): "unexpected argument cars",
    }.items():
        assert run("demo", *words) == (2, "", f"invsys-manage demo: {message}; see 'invsys-manage demo --help'\n")


def test_a_database_without_tables_is_refused(run_on, fresh_url):
    status, printed, complaints = run_on(fresh_url)("demo")
    assert (status, printed) == (2, "")
    assert re.fullmatch("invsys-manage: .*run 'invsys-manage migrate'.*\n", complaints)


@pytest.mark.one_engine("an interrupt or outage between two commands leaves the same rows on both engines")
@pytest.mark.parametrize(
    ("interruption", "status", "reason"),
    [(KeyboardInterrupt(), 130, "interrupted"), (DatabaseUnavailable("The server is gone."), 2, "The server is gone.")],
)
def test_a_run_that_stops_early_prints_what_it_created(run, everything, monkeypatch, interruption, status, reason):
    calls = itertools.count()
    allocate = create_allocation.allocate

    def interrupted(*arguments, **details):
        if next(calls) == 30:
            raise interruption
        return allocate(*arguments, **details)

    monkeypatch.setattr(create_allocation, "allocate", interrupted)
    exit_status, printed, complaints = run("demo")
    count = len(everything()[0]["cars"])
    assert (exit_status, printed) == (status, "")
    message = rf"invsys-manage: {reason}; created {count} vehicles \({count} cars\) and 30 allocations .*\n"
    assert re.fullmatch(message, complaints)


@pytest.fixture
def vans(monkeypatch):
    for key, value in {"CARS": "", "LORRIES": "", "TRUCKS": "", "VANS": "Van"}.items():
        monkeypatch.setenv(f"INVSYS_RESOURCE_TYPES_{key}", value)


@pytest.mark.usefixtures("vans")
def test_a_type_that_the_operator_added_gets_vehicles_too(run):
    status, printed, _ = run("demo")
    assert status == 0
    assert printed.startswith("created 12 vehicles (12 vans) and ")


def fleet(seed, now=NOW):
    return [(next(vehicle.names), vehicle.attributes, vehicle.allocations) for vehicle in vehicles_of(seed, now)]


def vehicles_of(seed, now):
    return list(demo_fleet.vehicles("cars", seed, now))


@pytest.mark.one_engine("the fleet is planned without a database")
def test_a_seed_determines_the_fleet_and_the_day_its_periods():
    assert fleet(1) == fleet(1)
    assert fleet(1) != fleet(2)
    bookings, a_week_later = (
        [
            allocation.period.start
            for *_, allocations in fleet(1, now)
            for allocation in allocations
            if allocation.period.start
        ]
        for now in (NOW, NOW + timedelta(days=7))
    )
    assert [start + timedelta(days=7) for start in bookings] == a_week_later
    assert min(bookings) >= NOW - timedelta(days=8)
    assert max(bookings) <= NOW + timedelta(days=7)


@pytest.mark.one_engine("the fleet is planned without a database")
@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_no_two_allocations_of_a_vehicle_overlap_at_any_time_of_day(hour):
    for seed in range(20):
        for *_, allocations in fleet(seed, NOW.replace(hour=hour)):
            for one, other in itertools.combinations(allocations, 2):
                assert not one.period.overlaps(other.period)
