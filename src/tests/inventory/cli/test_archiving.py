"""``invsys-manage archive``: which allocations it moves, and what becomes of its vehicles and of an interrupted run."""

import pytest
from sqlalchemy import func, select, text

from invsys.inventory.db import session
from invsys.inventory.db.models import ARCHIVED_ALLOCATIONS, ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.maintenance import archive as archive_command
from invsys.inventory.maintenance import integrity_check
from tests.support.blocking import VEHICLE, locked
from tests.support.time_travel import shift_timestamps

pytestmark = pytest.mark.usefixtures("consistent")


def day(number):
    """A day of March 2021; None is infinite."""
    return None if number is None else f"2021-03-{number:02}T00:00:00Z"


@pytest.fixture
def consistent(app):
    """Check the database after the test."""
    yield
    with app.app_context():
        report = integrity_check.check()
        assert report.ok, report


@pytest.fixture
def archive(run):
    """Return a function that runs the command and returns what it prints, without the first words."""

    def archive(keep=100):
        status, printed, error = run("archive", *([] if keep is None else ["--keep", keep]))
        assert (status, error) == (0, "")
        return printed.removeprefix("archived allocations: ").rstrip("\n")

    return archive


@pytest.fixture
def stored(app):
    """Return a function that returns the numbers of archived and of all other allocations."""

    def stored():
        with app.app_context(), session.read() as connection:
            tables = (ARCHIVED_ALLOCATIONS, ContinuousResourceAllocation)
            return tuple(connection.scalar(select(func.count()).select_from(table)) for table in tables)

    return stored


@pytest.fixture
def archived_until(app):
    """Return a function that returns ``archived_until`` of all vehicles, by name."""

    def archived_until():
        with app.app_context(), session.read() as connection:
            rows = connection.execute(select(ContinuousResource.name, ContinuousResource.archived_until))
            return {name: until and until.isoformat().replace("+00:00", "Z") for name, until in rows}

    return archived_until


def test_it_is_off_by_default(car, allocate, archive, nothing_changes):
    allocate(car, day(1), day(2))
    with nothing_changes():
        for keep in (None, 0):
            assert archive(keep) == "Nothing was archived: [history] keep = 0 keeps all allocations where they are."


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "36601", "x", ""])
@pytest.mark.one_engine
def test_an_invalid_number_of_days_is_one_line(run, value):
    status, printed, error = run("archive", f"--keep={value}")
    assert (status, printed, error.count("\n")) == (2, "", 1)
    assert "--keep" in error


def test_only_confirmed_allocations_that_ended_long_ago_move(
    app, client, car, allocate, archive, stored, archived_until, nothing_changes
):
    for start, end in ((None, 2), (2, 3), (4, 5)):
        assert allocate(car, day(start), day(end)).status_code == 201
    allocate(car, day(6), None)
    events = client.get("/api/events").json
    vehicle = client.get(car)
    assert archive() == "3"
    assert stored() == (3, 1)
    assert archived_until() == {"Car1": day(5)}
    # Nothing of it is a change that a caller can see.
    assert client.get("/api/events").json == events
    assert (client.get(car).json, client.get(car).headers["ETag"]) == (vehicle.json, vehicle.headers["ETag"])
    with nothing_changes():
        assert archive() == "0"


def test_the_setting_and_the_option_are_days_since_the_end(car, allocate, archive, monkeypatch, stored):
    allocate(car, day(1), day(2))
    monkeypatch.setenv("INVSYS_HISTORY_KEEP", "36600")
    assert archive(None) == "0"
    assert archive(36600) == "0"
    assert archive(0.5) == "1"
    allocate(car, day(2), day(3))
    monkeypatch.setenv("INVSYS_HISTORY_KEEP", "100")
    assert archive(None) == "1"
    assert stored() == (2, 0)


def test_a_hold_keeps_all_later_allocations_of_its_vehicle(app, car, register, allocate, archive, stored):
    other = register("Car2")
    for vehicle in (car, other):
        for number in (1, 3):
            allocate(vehicle, day(number), day(number + 1))
    hold = allocate(car, day(2), day(3), hold_seconds=3600)
    assert archive() == "3"
    assert app.test_client().delete(hold.headers["Location"]).status_code == 204
    assert archive() == "1"
    assert stored() == (4, 0)


def test_an_expired_hold_is_deleted_first(app, car, allocate, archive, stored):
    allocate(car, day(1), day(2), hold_seconds=60)
    allocate(car, day(2), day(3))
    shift_timestamps(app, ContinuousResourceAllocation.expires, seconds=60)
    assert archive() == "1"
    assert stored() == (1, 0)


def test_allocations_of_decommissioned_vehicles_move(client, car, allocate, archive, stored):
    allocate(car, day(1), day(2))
    query = {"from": day(1), "to": day(3), "step": "P1D"}
    assert client.delete(car).status_code == 204
    before = client.get("/api/cars/utilisation", query_string=query).json
    assert archive() == "1"
    assert stored() == (1, 0)
    assert client.get("/api/cars/utilisation", query_string=query).json == before


def test_a_long_history_moves_in_several_transactions(
    client, car, archive, stored, archived_until, exported, import_text
):
    days = [f"2020-{month:02}-{number:02}" for month in range(1, 13) for number in range(1, 29)]
    assert len(days) > 3 * archive_command._OF_VEHICLE
    lines = [f"Car,Car1,{one}T00:00:00Z,{one}T12:00:00Z" for one in days]
    import_text("\n".join(["resource_type,name,from_datetime,to_datetime", *lines, ""]))
    before = exported("csv")
    assert archive() == str(len(days))
    assert stored() == (len(days), 0)
    assert archived_until()["Car1"] == "2020-12-28T12:00:00Z"
    assert exported("csv") == before
    listed = client.get(f"{car}/allocations", query_string={"from": "2020-01-01T00:00Z", "limit": 1000}).json
    assert [row["from_datetime"][:10] for row in listed] == days
    # The import of an export finds every allocation in the archive.
    assert import_text(before) == ((0, 0, len(days), 0), [])


def test_an_import_into_archived_time_is_refused_line_by_line(car, allocate, archive, import_text):
    allocate(car, day(2), day(4))
    archive()
    periods = [
        ("2021-03-01", "2021-03-02"),
        ("2021-03-02", "2021-03-04"),
        ("2021-03-03", "2021-03-05"),
        ("", "2021-03-01"),
    ]
    periods.append(("2021-03-04", "2021-03-05"))
    lines = [f"Car,Car1,{start and start + 'T00:00Z'},{end}T00:00Z,{'' if start else 'true'}" for start, end in periods]
    counts, reasons = import_text("\n".join(["resource_type,name,from_datetime,to_datetime,from_infinity", *lines, ""]))
    assert counts == (0, 1, 1, 3)
    assert reasons == ["invalid_fields: the allocations of Car1 are archived until 2021-03-04T00:00:00Z"] * 3


def test_pages_have_archived_and_new_allocations_with_equal_starts_once(
    client, register, allocate, archive, import_text, follow_pages
):
    """The keys of archived allocations are not used again, although SQLite would do so: they order the pages."""
    expected = []
    for number in range(4):
        archive()
        vehicle = register(f"Car{number}")
        if number % 2:
            lines = [f"Car,Car{number},2021-03-0{start}T00:00Z,2021-03-0{start + 1}T00:00Z" for start in (1, 2)]
            import_text("\n".join(["resource_type,name,from_datetime,to_datetime", *lines, ""]))
        else:
            for start in (1, 2):
                assert allocate(vehicle, day(start), day(start + 1)).status_code == 201
        expected += [row["id"] for row in client.get(f"{vehicle}/allocations").json]
    assert len(expected) == 8
    for order in ("from", "-from"):
        for limit in (1, 2, 3):
            pages = follow_pages(f"/api/cars/all/allocations?from={day(1)}&order={order}&limit={limit}")
            assert sorted(row["id"] for page in pages for row in page) == sorted(expected)


def test_a_locked_vehicle_is_left_for_the_next_run(engine, database_url, car, register, allocate, archive, stored):
    other = register("Car2")
    for vehicle in (car, other):
        allocate(vehicle, day(1), day(2))
    if engine == "postgresql":
        with locked(database_url, VEHICLE.format(car[-36:])):
            assert archive() == "1\nvehicles in use, left for the next run: 1"
            assert stored() == (1, 1)
    archive()
    assert stored() == (2, 0)


def test_the_first_run_requires_a_version_that_knows_the_archive(app, car, allocate, archive):
    def compatible():
        with app.app_context(), session.read() as connection:
            return connection.scalar(text("SELECT compatible_revision FROM alembic_version"))

    allocate(car, day(1), day(2))
    archive()
    assert compatible() == "0009"
