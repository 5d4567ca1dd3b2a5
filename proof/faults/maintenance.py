"""Commands of operators beside the callers: backups, purges, and killed imports and migrations."""

import csv
import io
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from proof.faults import copies, tables
from proof.faults.fault import POSTGRESQL, SQLITE, FaultProblem, Scene, fault
from proof.faults.probes import PREFIX, RESOURCE_TYPE, wait_for_recovery
from proof.system.waiting import until
from proof.workload.timetable import FIRST

# Events that all readers of the feed have read, and keys that nobody repeats any more.
_SETTLED = timedelta(seconds=120)
_LONG_AGO = timedelta(days=500)
_EVENTS_TTL = {"INVSYS_API_EVENTS_TTL": "400"}

_VEHICLES = 40
# Only a part of the hours that callers use, so that they can still allocate lorries.
_ARCHIVED_HOURS = 12


@fault("database", engines=SQLITE, weight=1)
def backup(scene: Scene) -> Iterator[None]:
    """Back up with `invsys-manage backup`, and compare the copy with what was acknowledged before it began."""
    yield from _compared_copy(scene)


@fault("database", engines=POSTGRESQL, weight=1)
def pg_dump(scene: Scene) -> Iterator[None]:
    """Dump with pg_dump and restore it, and compare it with what was acknowledged before it began."""
    yield from _compared_copy(scene)


def _compared_copy(scene: Scene) -> Iterator[None]:
    acknowledged = set(wait_for_recovery(scene.stack))
    events = tables.events(tables.url(scene.stack))
    with copies.copied(scene.stack) as copy:
        yield
        scene.detail["events"] = len(events)
        copied = tables.events(copy)
        if missing := [event for event in events if event not in copied]:
            raise FaultProblem(f"the copy lacks {len(missing)} of the events committed before it, such as {missing[0]}")
        if lost := acknowledged - tables.names(copy):
            raise FaultProblem(f"the copy lacks acknowledged vehicles: {sorted(lost)}")
        # A restore ends with it: on PostgreSQL it grows the index of the constraint.
        _require_success("migrate of a copy", _manage(scene, "migrate", url=copy))
        _require_sound(scene, copy)


@fault("database", weight=2)
def purge(scene: Scene) -> Iterator[None]:
    """Purge. Before, events and keys that are older than two minutes get older than any purge spares.

    On PostgreSQL, the events after the first purges are in other partitions, so later purges drop partitions.
    """
    scene.detail["begins_partition"] = tables.begin_partition(tables.url(scene.stack))
    scene.detail["aged"] = tables.age(tables.url(scene.stack), _SETTLED, _LONG_AGO)
    process = _manage(scene, "purge", environ=_EVENTS_TTL)
    yield
    _require_success("purge", process)


@fault("database", weight=2)
def archive(scene: Scene) -> Iterator[None]:
    """Kill `invsys-manage archive` at a random time, and run it again, for the first hours of lorries."""
    before = FIRST["lorries"] + timedelta(hours=scene.random.randrange(1, _ARCHIVED_HOURS + 1))
    scene.detail["archived_before"] = before.timestamp()
    keep = str((datetime.now(UTC) - before) / timedelta(days=1))
    process = _manage(scene, "archive", "--keep", keep)
    with suppress(subprocess.TimeoutExpired):
        process.wait(scene.random.uniform(0.3, 1.5))
    process.kill()
    process.communicate()
    yield
    _require_success("archive", _manage(scene, "archive", "--keep", keep))


@fault("database", weight=1)
def import_killed(scene: Scene) -> Iterator[None]:
    """Kill an import in its middle, and run it again: every line is imported once."""
    prefix = f"{PREFIX}{scene.random.randrange(2**32):08x}-"
    file = scene.stack.folder / "import.csv"
    file.write_text(_lines(prefix))
    url = tables.url(scene.stack)
    process = _manage(scene, "import", str(file))
    until(lambda: process.poll() is not None or tables.count(url, prefix) > 0, "the import begins")
    process.kill()
    process.communicate()
    scene.detail["imported_before"] = tables.count(url, prefix)
    yield
    _require_success("import", _manage(scene, "import", str(file)))
    if (count := tables.count(url, prefix)) != _VEHICLES:
        raise FaultProblem(f"{count} instead of {_VEHICLES} vehicles after the second import")
    if (allocations := tables.count_allocations(url, prefix)) != _VEHICLES * 25:
        raise FaultProblem(f"{allocations} instead of {_VEHICLES * 25} allocations after the second import")


def _lines(prefix: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["resource_type", "name", "from_datetime", "to_datetime"])
    for hour in range(25):
        day, start = divmod(hour, 23)
        for number in range(_VEHICLES):
            period = (f"2098-01-{day + 1:02}T{start:02}:00:00Z", f"2098-01-{day + 1:02}T{start + 1:02}:00:00Z")
            writer.writerow([RESOURCE_TYPE, f"{prefix}{number}", *period])
    return text.getvalue()


@fault("database", weight=1)
def migration_killed(scene: Scene) -> Iterator[None]:
    """Kill an upgrade of a copy of the database from an older version, until one is complete.

    Beside it, the migration of the database that the services use finds nothing to do.
    """
    _require_success("migrate", _manage(scene, "migrate"))
    with copies.copied(scene.stack) as copy:
        older = scene.detail["from_revision"] = scene.random.choice(["0004", "0005", "0006", "0007"])
        _require_success("db downgrade", _manage(scene, "db", "downgrade", older, url=copy))
        before = tables.allocations(copy)
        process = _manage(scene, "migrate", url=copy)
        assert process.stdout is not None
        # The first lines tell that it has begun.
        while (line := process.stdout.readline()) and "Running upgrade" not in line:
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        yield
        _require_success("migrate after a killed one", _manage(scene, "migrate", url=copy))
        if tables.allocations(copy) != before:
            raise FaultProblem("the migration changed the number of allocations")
        _require_sound(scene, copy)


def _require_sound(scene: Scene, url: str) -> None:
    _require_success("check of a copy", _manage(scene, "check", url=url))


def _manage(
    scene: Scene, *arguments: str, url: str | None = None, environ: dict[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start `invsys-manage`; its output goes to one pipe."""
    command, variables = scene.stack.manage_command(*arguments, url=url)
    return subprocess.Popen(
        command,
        env={**variables, **(environ or {})},
        cwd=scene.stack.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _require_success(what: str, process: "subprocess.Popen[str]") -> None:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise FaultProblem(f"{what} ended with status {process.returncode}: {output[-500:]}")
