"""A stopped archive loses and doubles nothing, wherever it was; the next run continues."""

import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import event, func, select

from invsys.inventory.db import session
from invsys.inventory.db.models import ARCHIVED_ALLOCATIONS, ContinuousResourceAllocation, db
from invsys.inventory.maintenance import archive as archive_command
from invsys.inventory.maintenance import integrity_check
from tests.support import interruptible
from tests.support.waiting import LONG_TIMEOUTS, SECONDS, until

VEHICLES = 3 * archive_command._VEHICLES
OF_VEHICLE = archive_command._OF_VEHICLE + 5


@pytest.fixture
def history(app, import_text):
    """Import a history of many vehicles; return the number of its allocations."""
    days = [f"{2020 + number // 28}-03-{number % 28 + 1:02}" for number in range(OF_VEHICLE)]
    lines = [f"Car,Car{car},{one}T00:00Z,{one}T12:00Z" for car in range(VEHICLES) for one in days]
    import_text("\n".join(["resource_type,name,from_datetime,to_datetime", *lines, ""]))
    return len(lines)


@pytest.fixture
def start(database_url, tmp_path):
    """Return a function that starts the command."""
    processes = []

    def start():
        variables = {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": database_url, **LONG_TIMEOUTS}
        command = [sys.executable, "-m", "invsys.inventory.manage", "archive", "--keep", "100"]
        pipe = subprocess.PIPE
        environ = interruptible.environment(**variables)
        processes.append(subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def stored(app):
    """Return a function that returns the numbers of archived and of all other allocations, from one snapshot."""

    def stored():
        with app.app_context(), session.snapshot() as connection:
            tables = (ARCHIVED_ALLOCATIONS, ContinuousResourceAllocation)
            return tuple(connection.scalar(select(func.count()).select_from(table)) for table in tables)

    return stored


def test_a_killed_archive_loses_and_doubles_nothing(app, history, start, stored, exported):
    before = exported("csv")
    for _ in range(3):
        moved, _ = stored()
        process = start()
        until(lambda moved=moved, process=process: stored()[0] > moved or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=SECONDS)
        assert sum(stored()) == history
        assert exported("csv") == before
        with app.app_context():
            assert integrity_check.check().ok
    process = start()
    output, complaints = process.communicate(timeout=SECONDS)
    assert (process.returncode, complaints) == (0, "")
    assert output.startswith("archived allocations: ")
    assert stored() == (history, 0)
    assert exported("csv") == before
    with app.app_context():
        assert integrity_check.check().ok


def test_ctrl_c_prints_how_many_were_archived(history, start, stored):
    process = start()
    until(lambda: stored()[0] > 0 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=SECONDS)
    if process.returncode == 0:
        # It had already finished.
        assert stored() == (history, 0)
        return
    moved, _ = stored()
    assert (process.returncode, output) == (130, "")
    assert complaints == f"invsys-manage: interrupted; archived allocations: {moved}\n"


@pytest.fixture
def interrupted_after_commits(app):
    """Send SIGINT to this process when a connection that has moved allocations is returned to its pool."""
    moves = []

    def note(connection, cursor, statement, *_):
        if statement.startswith("INSERT INTO archived_allocations"):
            moves.append(statement)

    def interrupt(*_):
        if moves:
            moves.clear()
            signal.raise_signal(signal.SIGINT)

    with app.app_context():
        writing = db.engine
    event.listen(writing, "after_cursor_execute", note)
    event.listen(writing, "checkin", interrupt)
    yield
    event.remove(writing, "checkin", interrupt)
    event.remove(writing, "after_cursor_execute", note)


@pytest.mark.usefixtures("interrupted_after_commits")
def test_ctrl_c_just_after_a_commit_counts_what_was_committed(app, import_text, stored):
    days = [f"2020-03-{number:02}" for number in range(1, OF_VEHICLE)]
    lines = [f"Car,Car1,{one}T00:00Z,{one}T12:00Z" for one in days]
    import_text("\n".join(["resource_type,name,from_datetime,to_datetime", *lines, ""]))
    progress = archive_command.Archived()
    with app.app_context(), pytest.raises(KeyboardInterrupt):
        archive_command.archive(100, progress)
    assert progress.allocations == stored()[0] == archive_command._OF_VEHICLE


def test_several_runs_at_once_move_every_allocation_once(history, start, stored):
    processes = [start() for _ in range(3)]
    results = [process.communicate(timeout=SECONDS) for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, results
    moved = [int(output.split()[2]) for output, _ in results]
    assert (sum(moved), stored()) == (history, (history, 0))
