"""The archive beside requests: no overlap with an archived allocation, and nothing is lost or stored twice."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from sqlalchemy import event

from invsys.inventory.commands import bulk_load
from invsys.inventory.db import engine as engines
from invsys.inventory.db import session
from invsys.inventory.maintenance import archive as archive_command
from invsys.inventory.maintenance import integrity_check
from invsys.inventory.schemas import inputs
from tests.support.blocking import block_event_numbers, locked, until_waiting
from tests.support.changing_requests import change_list, patch
from tests.support.client_identity import ids
from tests.support.effort import rounds
from tests.support.waiting import until

ALL = "/api/cars/all/allocations"
START = datetime(2021, 3, 1, tzinfo=UTC)


def at(hour):
    """The instant a number of hours after the start of 1 March 2021."""
    return (START + timedelta(hours=hour)).isoformat().replace("+00:00", "Z")


def period(start, end):
    return {"from_datetime": at(start), "to_datetime": at(end)}


@pytest.fixture
def archive(app):
    """Return a function that archives what ended up to an hour of 2021, and returns the number of allocations."""

    def archive(hour=24 * 365):
        progress = archive_command.Archived()
        with app.app_context():
            keep = session.now() - (START + timedelta(hours=hour))
            archive_command.archive(keep / timedelta(days=1), progress)
        return progress.allocations

    return archive


@pytest.fixture
def bookings(register, allocate):
    """The URLs of an old booking of each of two cars, and of a later one of the first car."""
    cars = [register(f"Car{number}") for number in range(2)]
    old = [allocate(car, at(10), at(12)).headers["Location"] for car in cars]
    return [*old, allocate(cars[0], "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z").headers["Location"]]


def create(car, **more):
    return {"method": "POST", "path": f"{car}/allocations", "json": {**period(10, 11), **more}}


# Each would overlap the old booking of the first car.
INTO_ARCHIVED_TIME = {
    "create": lambda car, old, other, later: create(car),
    "hold": lambda car, old, other, later: create(car, hold_seconds=60),
    "keyed": lambda car, old, other, later: {**create(car), "headers": {"Idempotency-Key": "order-1"}},
    "maintenance": lambda car, old, other, later: create(car, despite_closed=True),
    "move": lambda car, old, other, later: patch(other, resource_id=car[-36:]),
    "earlier": lambda car, old, other, later: patch(later, **period(9, 11)),
    "longer": lambda car, old, other, later: patch(later, from_datetime=at(11)),
    "list": lambda car, old, other, later: change_list(later, **period(9, 11)),
    "list of moves": lambda car, old, other, later: change_list(other, resource_id=car[-36:]),
}
TO_ARCHIVED = {
    "patch": lambda old: patch(old, description="x"),
    "shorten": lambda old: patch(old, to_datetime=at(11)),
    "delete": lambda old: {"method": "DELETE", "path": old},
    "delete this version": lambda old: {"method": "DELETE", "path": old, "headers": {"If-Match": '"1"'}},
    "list": lambda old: change_list(old, description="x"),
}


@pytest.fixture
def during_archive(engine, database_url, pool, archive):
    """Return a function that makes a call while the archive is about to move rows, and returns the call's result."""

    def during_archive(call, *arguments, **keywords):
        if engine == "sqlite":
            archive()
            return call(*arguments, **keywords)
        # Otherwise the archive would wait for the lock below before it locks the vehicles.
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("SELECT create_archive_partition(%s)", [START])
        # The archive locks the vehicles, and then waits for this lock.
        with locked(database_url, "LOCK TABLE archived_allocations IN SHARE MODE"):
            running = pool.submit(archive)
            until_waiting(database_url, 1)
            waiting = pool.submit(call, *arguments, **keywords)
            until_waiting(database_url, 2)
        assert running.result() > 0
        return waiting.result()

    return during_archive


@pytest.fixture
def without_triggers(engine, database_url):
    """Disable the triggers of archived time on PostgreSQL: the statements of the service must refuse it themselves."""
    if engine == "sqlite":
        yield
        return
    alter = "ALTER TABLE continuous_resource_allocations {} TRIGGER USER"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(alter.format("DISABLE"))
        yield
        connection.execute(alter.format("ENABLE"))


@pytest.mark.usefixtures("without_triggers")
@pytest.mark.parametrize("request_to", INTO_ARCHIVED_TIME.values(), ids=INTO_ARCHIVED_TIME)
def test_a_request_that_waits_for_the_archive_is_refused(
    app, client, bookings, pool, archive, during_archive, refused, request_to
):
    car = bookings[0].partition("/allocations")[0]
    # The other car's booking must not be archived, so that it can be moved.
    hold = client.post(
        f"{bookings[1].partition('/allocations')[0]}/allocations", json={**period(8, 9), "hold_seconds": 600}
    )
    assert hold.status_code == 201
    response = during_archive(app.test_client().open, **request_to(car, *bookings))
    body = refused(response, 422, "invalid_fields")
    assert at(12) in str(body["errors"])
    listed = client.get(f"{car}/allocations", query_string={"from": at(0)})
    assert ids(listed) == [bookings[0][-36:], bookings[2][-36:]]


@pytest.mark.parametrize("request_to", TO_ARCHIVED.values(), ids=TO_ARCHIVED)
def test_a_change_that_waits_for_the_archive_finds_the_allocation_archived(
    app, client, bookings, during_archive, refused, request_to
):
    before = client.get(bookings[0]).json
    refused(during_archive(app.test_client().open, **request_to(bookings[0])), 409, "archived")
    assert client.get(bookings[0]).json == before


@pytest.mark.usefixtures("without_triggers")
def test_any_that_waits_for_the_archive_is_refused(app, bookings, during_archive, refused):
    # Both vehicles are free then, as long as the archive is not committed.
    order = {**period(8, 9), "attributes": {}}
    refused(during_archive(app.test_client().post, "/api/cars/any/allocations", json=order), 409, "none_available")


@pytest.mark.usefixtures("without_triggers")
def test_an_import_that_waits_for_the_archive_refuses_the_line(app, bookings, during_archive):
    def load():
        allocation = inputs.imported_allocation.load(period(10, 11))
        with app.app_context():
            return bulk_load.load([bulk_load.ImportItem("Car", "Car0", {}, allocation)]).outcomes

    assert during_archive(load) == [f"invalid_fields: the allocations of Car0 are archived until {at(12)}"]


def test_the_archive_does_not_wait_for_a_create(engine, app, client, database_url, pool, bookings, archive):
    if engine == "sqlite":
        return
    car = bookings[0].partition("/allocations")[0]
    with block_event_numbers(database_url):
        allocated = pool.submit(app.test_client().open, **{**create(car), "json": period(13, 14)})
        until_waiting(database_url, 1)
        # Only the other car's booking moves.
        assert archive() == 1
    assert allocated.result().status_code == 201
    assert archive() == 2


def test_an_allocation_in_a_month_without_partition_that_is_created_meanwhile_keeps_the_later_ones(
    app, client, car, allocate, archive
):
    created = [allocate(car, f"2021-{month}-01T00:00Z", f"2021-{month}-02T00:00Z").json["id"] for month in ("03", "05")]

    def create_between(connection, cursor, statement, *_):
        # The archive has read the allocations of the vehicle, whose lock follows.
        if "is_old" in statement and len(created) < 3:
            created.append(allocate(car, "2021-04-01T00:00Z", "2021-04-02T00:00Z").json["id"])

    with app.app_context():
        reading = engines.current().autocommit
    event.listen(reading, "after_cursor_execute", create_between)
    assert archive() == 1
    event.remove(reading, "after_cursor_execute", create_between)
    with app.app_context():
        assert integrity_check.check().ok
    assert client.patch(f"{ALL}/{created[2]}", json={"to_datetime": "2021-04-03T00:00Z"}).status_code == 200
    assert archive() == 2
    assert set(ids(client.get(f"{car}/allocations", query_string={"from": at(0)}))) == set(created)


class Caller:
    """A client that creates, changes and deletes allocations in the past, at hours that advance with time."""

    def __init__(self, app, cars, number):
        self._client, self._cars, self._random = app.test_client(), cars, random.Random(number)
        # The periods that it has according to the responses, by id.
        self.periods = {}
        self.statuses = set()

    def run(self, steps, wait_for_archive):
        for step in range(steps):
            if step == steps // 3:
                wait_for_archive()
            action = self._random.choice([self._create, self._create, self._create_any, self._change, self._delete])
            action(3 * step)

    def _period(self, now):
        start = now + self._random.randrange(-12, 12) + 24
        return period(start, start + self._random.randrange(1, 6))

    def _send(self, method, path, **options):
        response = self._client.open(path, method=method, **options)
        assert response.status_code in (200, 201, 204, 404, 409, 422), response.text
        self.statuses.add(response.json["code"] if response.status_code >= 400 else response.status_code)
        if response.status_code in (200, 201):
            row = response.json
            self.periods[row["id"]] = (row["resource_id"], row["from_datetime"], row["to_datetime"])
        return response.status_code

    def _create(self, now):
        self._send("POST", f"{self._random.choice(self._cars)}/allocations", json=self._period(now))

    def _create_any(self, now):
        self._send("POST", "/api/cars/any/allocations", json=self._period(now))

    def _change(self, now):
        if self.periods:
            changes = {**self._period(now), "resource_id": self._random.choice(self._cars)[-36:]}
            self._send("PATCH", f"{ALL}/{self._random.choice(list(self.periods))}", json=changes)

    def _delete(self, _):
        if self.periods:
            allocation = self._random.choice(list(self.periods))
            if self._send("DELETE", f"{ALL}/{allocation}") == 204:
                del self.periods[allocation]


def test_beside_the_archive_nothing_is_lost_and_nothing_overlaps(app, register, archive, follow_pages):
    cars = [register(f"Car{number}") for number in range(3)]
    callers = [Caller(app, cars, number) for number in range(4)]
    done, moved = threading.Event(), []

    def keep_archiving():
        while not done.is_set():
            moved.append(archive())

    with ThreadPoolExecutor(len(callers) + 1) as pool:
        archiving = pool.submit(keep_archiving)

        def wait_for_archive():
            # Otherwise the callers could have finished before a slow archive has moved anything.
            until(lambda: sum(moved) > 0 or archiving.done())

        try:
            for result in [pool.submit(caller.run, rounds(60, 300), wait_for_archive) for caller in callers]:
                result.result()
        finally:
            done.set()
        archiving.result()
    assert sum(moved) > 0
    assert {"archived", "invalid_fields", 201} <= set.union(*(caller.statuses for caller in callers))
    listed = [row for page in follow_pages(f"{ALL}?from={START.year}-01-01T00:00Z") for row in page]
    assert {row["id"]: (row["resource_id"], row["from_datetime"], row["to_datetime"]) for row in listed} == {
        key: value for caller in callers for key, value in caller.periods.items()
    }
    for car in cars:
        of_car = [row for row in listed if row["resource_id"] == car[-36:]]
        assert all(one["to_datetime"] <= after["from_datetime"] for one, after in pairwise(of_car))
    with app.app_context():
        assert integrity_check.check().ok


@pytest.mark.parametrize("order", ["from", "-from"])
@pytest.mark.parametrize("path", [ALL, "{car}/allocations"])
def test_a_list_has_every_allocation_once_while_they_move(register, allocate, archive, follow_pages, path, order):
    cars = [register(f"Car{number}") for number in range(2)]
    for hour in range(12):
        for car in cars:
            assert allocate(car, at(hour), at(hour + 1)).status_code == 201
    seen, moved = [], 0
    pages = follow_pages(f"{path.format(car=cars[0])}?from={at(0)}&limit=5&order={order}")
    for number, page in enumerate(pages):
        seen += [(row["from_datetime"], row["id"]) for row in page]
        moved += archive(3 * (number + 1))
    assert moved > 0
    starts = [start for start, _ in seen]
    assert starts == sorted(starts, reverse=order == "-from")
    assert len(seen) == len(set(seen)) == (24 if path == ALL else 12)


@pytest.mark.parametrize("statements", range(1, 5))
def test_a_list_and_its_number_include_the_rows_that_are_first_archived_meanwhile(
    app, client, bookings, archive, statements
):
    executed = []

    def archive_between(*_):
        executed.append(None)
        if len(executed) == statements:
            archive()

    with app.app_context():
        reading = engines.current().autocommit
    event.listen(reading, "after_cursor_execute", archive_between)
    listed = client.get(ALL, query_string={"from": at(0), "count": "true"})
    event.remove(reading, "after_cursor_execute", archive_between)
    assert len(executed) > statements
    assert (len(listed.json), listed.headers["X-Total-Count"]) == (3, "3")
