"""Overlaps that were stored while the constraint was missing: every read answers, and no change makes another one."""

import random
import re
import shlex
import sqlite3
import subprocess
from contextlib import closing

import pytest
from flask_migrate import upgrade
from sqlalchemy.exc import IntegrityError

from invsys.inventory.maintenance import integrity_check, stored_overlaps
from invsys.inventory.maintenance import migrate as migrate_command
from tests.support import overlap_constraint
from tests.support.hours_in_2099 import ALWAYS, hour_start, hours_of
from tests.support.paths import MANUAL

PAGE = (MANUAL / "operations.rst").read_text()

# The second contains the third, and the last two contain everything: in two cases an earlier end follows a later one.
PERIODS = [(8, 10), (10, 20), (12, 14), (13, 16), (16, 17), (16, 19), (None, 9), (22, None), ALWAYS, ALWAYS]
WINDOWS = [(None, None), (11, 18), (15, 23), (None, 12), (21, None), (12, 13)]


@pytest.fixture
def client(fresh_app):
    """A test client of a database that only this test uses."""
    upgrade()
    return fresh_app.test_client()


@pytest.fixture
def store(client, car, allocate):
    """Return a function that stores allocations of the car although they overlap, and returns their URLs by hours."""

    def store(*periods):
        overlap_constraint.drop()
        responses = [allocate(car, hour_start(start), hour_start(end)) for start, end in periods]
        assert {response.status_code for response in responses} == {201}
        return dict(zip(periods, (response.headers["Location"] for response in responses), strict=True))

    return store


def query(start, end, names=("from", "to")):
    params = {name: hour_start(hour) for name, hour in zip(names, (start, end), strict=True) if hour is not None}
    return "&".join(f"{name}={value}" for name, value in params.items())


def test_the_list_of_a_vehicle_has_every_allocation_on_one_page_or_on_several(car, store, follow_pages):
    store(*PERIODS)
    for limit in (1, 3, 100):
        for order in ("", "&order=-from"):
            pages = follow_pages(f"{car}/allocations?limit={limit}{order}")
            assert sorted(map(str, (hours_of(row) for page in pages for row in page))) == sorted(map(str, PERIODS))


def paths(car):
    for window in WINDOWS:
        for path in (f"{car}/allocations", f"{car}/availability", f"{car}/allocations.ics"):
            yield f"{path}?{query(*window)}"
        for path in ("allocations", "availability"):
            yield f"/api/cars/all/{path}?{query(*window)}"
        yield f"/api/cars?{query(*window, names=('available_from', 'available_to'))}"
        if None not in window:
            yield f"/api/cars/utilisation?{query(*window)}&step=PT1H"
    yield from ("/api/cars/gbfs/vehicle_availability.json", "/table?collection=cars&from=2099-03-01", "/api/events")


@pytest.mark.parametrize("periods", [PERIODS[:-2], PERIODS[-2:]])
def test_all_reads_answer(client, car, store, periods):
    store(*periods)
    for path in paths(car):
        assert client.get(path).status_code == 200, path


def test_availability_merges_overlapping_periods(client, car, store):
    store((8, 10), (10, 20), (12, 14), (16, 17), (21, 23), (21, 22))
    for availability in (
        client.get(f"{car}/availability?{query(7, 23)}").json,
        client.get(f"/api/cars/all/availability?{query(7, 23)}").json[0],
    ):
        assert [hours_of(period) for period in availability["busy"]] == [(8, 20), (21, 23)]
        assert [hours_of(period) for period in availability["free"]] == [(7, 8), (20, 21)]


def test_a_closed_vehicle_is_busy_from_the_instant_on(client, car, store):
    store((8, 10), (10, 18), (12, 13))
    for closed, busy in ((15, [(8, None)]), (11, [(8, None)]), (20, [(8, 18), (20, None)]), (7, [(7, None)])):
        assert client.patch(car, json={"closed_from": hour_start(closed)}).status_code == 200
        availability = client.get(f"{car}/availability").json
        assert [hours_of(period) for period in availability["busy"]] == busy
        [vehicle] = client.get("/api/cars/gbfs/vehicle_availability.json").json["data"]["vehicles"]
        assert [slot.get("until") for slot in vehicle["availabilities"]] == [hour_start(start) for start, _ in busy]


def test_the_free_periods_of_gbfs_end_before_the_first_and_begin_after_the_last_overlapping_period(client, store):
    store((8, 20), (9, 10), (12, 15))
    [vehicle] = client.get("/api/cars/gbfs/vehicle_availability.json").json["data"]["vehicles"]
    before, after = vehicle["availabilities"]
    assert (before["until"], after) == (hour_start(8), {"from": hour_start(20)})


def test_random_overlaps_are_merged_as_a_set_of_hours_would_be(client, car, store):
    rng = random.Random(17)
    periods = list(dict.fromkeys((start, start + rng.randint(1, 6)) for start in rng.choices(range(17), k=30)))
    store(*periods)
    availability = client.get(f"{car}/availability?{query(0, 23)}").json
    busy = {hour for start, end in map(hours_of, availability["busy"]) for hour in range(start, end)}
    free = {hour for start, end in map(hours_of, availability["free"]) for hour in range(start, end)}
    assert busy == {hour for start, end in periods for hour in range(start, end)}
    assert free == set(range(23)) - busy


def test_the_check_names_the_vehicle_and_the_overlapping_allocations(client, car, store, fresh_url, run_on):
    urls = store((8, 10), (10, 20), (12, 14), (20, None))
    code, out, _ = run_on(fresh_url)("check")
    assert code == 1
    assert "overlaps:                 1\n" in out
    outer, inner = (urls[hours][-36:] for hours in ((10, 20), (12, 14)))
    assert (
        f"  Car Car1 ({car[-36:]}): allocation {outer} (2099-03-01T10:00:00Z to 2099-03-01T20:00:00Z)"
        f" overlaps {inner} (2099-03-01T12:00:00Z to 2099-03-01T14:00:00Z)\n" in out
    )
    assert out.count(" overlaps ") == 1


def test_the_check_shows_infinite_periods_and_a_limited_number_of_pairs(store, fresh_url, run_on):
    store(*[ALWAYS] * 1, (None, 5), *((hour, None) for hour in range(6, 20)))
    code, out, _ = run_on(fresh_url)("check")
    assert code == 1
    assert "overlaps:                 15\n" in out
    assert "(-infinity to infinity) overlaps" in out
    assert out.count(" overlaps ") == stored_overlaps.MAX_FOUND
    assert f"  (the first {stored_overlaps.MAX_FOUND} pairs)\n" in out


def restore_as_in_the_manual(engine, url, run):
    """Execute the manual's statement for PostgreSQL, or the triggers that its command for SQLite selects."""
    if engine == "postgresql":
        [statement] = re.findall(r"^    (ALTER TABLE .*?);$", PAGE, re.MULTILINE | re.DOTALL)
        overlap_constraint.restore([statement])
        return
    [pattern] = re.findall(r"db upgrade --sql head \| (sed -n '.*') >", PAGE)
    code, script, _ = run("db", "upgrade", "--sql", "head")
    assert code == 0
    selected = subprocess.run(shlex.split(pattern), input=script, capture_output=True, text=True, check=True).stdout
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.executescript(selected)


def test_the_manual_repairs_an_overlap(engine, client, car, allocate, store, fresh_url, run_on):
    urls = store((8, 20), (9, 10))
    if engine == "postgresql":
        with pytest.raises(IntegrityError):
            restore_as_in_the_manual(engine, fresh_url, run_on(fresh_url))
    assert client.delete(urls[9, 10]).status_code == 204
    restore_as_in_the_manual(engine, fresh_url, run_on(fresh_url))
    migrate_command.migrate()
    assert integrity_check.check().ok
    assert allocate(car, hour_start(9), hour_start(10)).status_code == 409
