"""A correct service in memory that writes the history of its calls: for tests of the checker, and to measure it.

``python -m proof.history.synthetic FOLDER CALLS`` writes a history of random calls.
"""

import random
import sys
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from proof.history import files
from proof.workload.timetable import HOURS, TYPES, instant

Row = dict[str, Any]

# The wall clock minus the monotonic clock.
_OFFSET = 1_800_000_000.0
_BATCH = 10_000


class Service:
    """The service. ``step`` are the seconds between two changes, ``spread`` those before and after it of each call."""

    def __init__(self, step: float = 1.0, spread: float = 0.4, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self._step, self._spread = step, spread
        self.now, self._count = 10.0, 0
        self.vehicles: dict[str, Row] = {}
        self.allocations: dict[str, Row] = {}
        self._of_vehicle: dict[str, set[str]] = {}
        self.calls: list[Row] = []
        self.events: list[Row] = []

    def register(self, name: str, collection: str = "cars") -> Row:
        """Register a vehicle."""
        call = self._call("register", "POST", f"/api/{collection}", {"name": name})
        row: Row = {"id": self._id(), "name": name, "resource_type": TYPES[collection], "attributes": {}}
        row |= {"created": self._wall(), "version": 1, "closed_from": None}
        self.vehicles[row["id"]], self._of_vehicle[row["id"]] = row, set()
        self._event("resource_registered", row, call)
        return self._answer(call, 201, row)

    def decommission(self, vehicle: Row) -> None:
        """Decommission a vehicle."""
        call = self._call("decommission", "DELETE", self._path(vehicle))
        for item_id in self._of_vehicle.pop(vehicle["id"]):
            row = self.allocations.pop(item_id)
            if row["status"] == "held":
                self._event("deallocated", row, call)
        self._event("resource_decommissioned", self.vehicles.pop(vehicle["id"]), call)
        self._answer(call, 204, None)

    def create(self, vehicle: Row, hours: tuple[int, int], key: str | None = None, **more: Any) -> Row:
        """Allocate a vehicle, if it is free."""
        return self._create(f"{self._path(vehicle)}/allocations", [vehicle], hours, key, more)

    def create_any(self, hours: tuple[int, int], key: str | None = None, **more: Any) -> Row:
        """Allocate any free car."""
        return self._create("/api/cars/any/allocations", list(self.vehicles.values()), hours, key, more)

    def change(self, allocation: Row, if_match: int | None = None, **changes: Any) -> Row:
        """Change an allocation, if there is no conflict; ``hours`` is its new period."""
        call = self._call("change", "PATCH", self._path_of(allocation), _body(changes), if_match=if_match)
        row = self.allocations[allocation["id"]] | _fields(changes)
        row["version"] += 1
        if conflicts := self._conflicts(row):
            return self._refuse(call, "period_taken", conflicts)
        self._put(row)
        self._event("confirmed" if "status" in changes else "allocation_changed", row, call)
        return self._answer(call, 200, row)

    def change_list(self, changes: list[tuple[Row, Row]]) -> list[Row]:
        """Change several allocations, which must not conflict afterwards."""
        body = {"changes": [{"id": row["id"], **_body(change)} for row, change in changes]}
        call = self._call("change list", "POST", "/api/cars/all/allocations/changes", body)
        rows = []
        for allocation, change in changes:
            row = self.allocations[allocation["id"]] | _fields(change)
            row["version"] += 1
            self._put(row)
            rows.append(row)
        for row in rows:
            self._event("allocation_changed", row, call)
        return self._answer(call, 200, rows)

    def cancel(self, allocation: Row) -> None:
        """Delete an allocation, or answer 404."""
        call = self._call("cancel", "DELETE", self._path_of(allocation))
        row = self.allocations.pop(allocation["id"], None)
        if row is None:
            self._refuse(call, "allocation_not_found", [], 404)
            return
        self._of_vehicle[row["resource_id"]].discard(row["id"])
        self._event("deallocated", row, call)
        self._answer(call, 204, None)

    def availability(self, vehicle: Row) -> Row:
        """Read when a vehicle is free in the first hours of the timetable."""
        first, last = (instant("cars", hour) for hour in (0, HOURS))
        call = self._call("availability", "GET", f"{self._path(vehicle)}/availability?from={first}&to={last}")
        rows = sorted(self._rows_of(vehicle), key=lambda row: row["from_datetime"])
        busy = [_period(row["from_datetime"], row["to_datetime"]) for row in rows]
        bounds = [first, *(bound for row in rows for bound in (row["from_datetime"], row["to_datetime"])), last]
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        free = [_period(start, end) for start, end in pairs if start < end]
        window = {"from_datetime": first, "to_datetime": last, "busy": busy, "free": free}
        return self._answer(call, 200, {"resource_id": vehicle["id"], **window})

    def read_list(self, vehicle: Row) -> Any:
        """List the allocations of a vehicle."""
        call = self._call("list", "GET", f"{self._path(vehicle)}/allocations?limit=1000")
        return self._answer(call, 200, self._rows_of(vehicle))

    def flush(self, folder: Path) -> None:
        """Append the calls and events so far to the files, and forget them."""
        with files.Writer(files.calls_path(folder, "synthetic")) as calls:
            for record in self.calls:
                calls.write(record)
        with files.Writer(folder / files.EVENTS) as events, files.Writer(files.feed_path(folder, "final")) as ids:
            for event in self.events:
                events.write(event)
            ids.write({"ids": [event["id"] for event in self.events]})
        self.calls, self.events = [], []

    def write(self, folder: Path, status: int = 0) -> None:
        """Write all files; ``status`` is that of the integrity check."""
        self.flush(folder)
        clocks = {"wall": self.now + _OFFSET, "monotonic": self.now}
        files.write_json(folder / files.RUN, {"engine": "sqlite", "seed": 1, **clocks})
        final = {"vehicles": {"all": [*self.vehicles.values()]}, "allocations": {"all": [*self.allocations.values()]}}
        files.write_json(folder / files.FINAL, {**final, "check": {"status": status, "output": "NOT OK"}, **clocks})

    def _create(self, path: str, vehicles: list[Row], hours: tuple[int, int], key: str | None, more: Row) -> Row:
        self._count += 1
        reference = key or f"create-{self._count}"
        body = _body({"hours": hours}) | {"reference": reference} | more
        call = self._call("create", "POST", path, body, key=key)
        row: Row = {"id": self._id(), "resource_type": "Car", **_fields({"hours": hours}), "allocation_type": "booking"}
        row |= {"description": None, "reference": reference, "dump": {}, "created": self._wall(), "version": 1}
        row |= {"status": "confirmed", "expires": None, "client_id": None}
        if "hold_seconds" in more:
            row |= {"status": "held", "expires": self._wall(more["hold_seconds"])}
        conflicts: list[Row] = []
        for vehicle in vehicles:
            row |= {"resource_id": vehicle["id"]}
            conflicts = self._conflicts(row)
            if not conflicts:
                self._put(row)
                self._event("allocated", row, call)
                return self._answer(call, 201, row)
        code = "none_available" if "/any/" in path else "period_taken"
        return self._refuse(call, code, conflicts if code == "period_taken" else [])

    def _call(self, operation: str, method: str, path: str, body: Any = None, **more: Any) -> Row:
        self.now += self._step
        call: Row = {
            "request_id": f"{operation}-{len(self.calls)}-{self.now}",
            "operation": operation,
            "method": method,
        }
        call |= {"path": path, "body": body, "key": None, "if_match": None, **more}
        before, after = (self._spread * (0.5 + self.chance.random() / 2) for _ in range(2))
        call |= {"begin": self.now - before, "end": self.now + after}
        self.calls.append(call)
        return call

    def _answer(self, call: Row, status: int, answer: Any) -> Any:
        call |= {"status": status, "answer": answer}
        return answer

    def _refuse(self, call: Row, code: str, conflicts: Iterable[Row], status: int = 409) -> Row:
        shown = ("id", "version", "from_datetime", "to_datetime", "from_infinity", "to_infinity", "allocation_type")
        rows = [{name: row[name] for name in shown} for row in conflicts]
        return self._answer(call, status, {"code": code, "conflicts": rows} if rows else {"code": code})

    def _event(self, kind: str, row: Row, call: Row) -> None:
        is_vehicle = "resource_id" not in row
        ids = {"resource_id": row["id"] if is_vehicle else row["resource_id"]}
        ids |= {"allocation_id": None if is_vehicle else row["id"], "resource_type": row["resource_type"]}
        event = {"id": self._id(), "at": self._wall(), "kind": kind, "client_id": None}
        self.events.append({**event, **ids, "request_id": call["request_id"], "data": row})

    def _put(self, row: Row) -> None:
        before = self.allocations.get(row["id"])
        if before is not None:
            self._of_vehicle[before["resource_id"]].discard(row["id"])
        self.allocations[row["id"]] = row
        self._of_vehicle[row["resource_id"]].add(row["id"])

    def _rows_of(self, vehicle: Row) -> list[Row]:
        return [self.allocations[item_id] for item_id in self._of_vehicle[vehicle["id"]]]

    def _conflicts(self, row: Row) -> list[Row]:
        rows = (self.allocations[item_id] for item_id in self._of_vehicle[row["resource_id"]])
        start, end = row["from_datetime"], row["to_datetime"]
        others = (other for other in rows if other["id"] != row["id"])
        return [other for other in others if other["from_datetime"] < end and start < other["to_datetime"]]

    def _path(self, vehicle: Row) -> str:
        collection = next(name for name, kind in TYPES.items() if kind == vehicle["resource_type"])
        return f"/api/{collection}/{vehicle['id']}"

    def _path_of(self, allocation: Row) -> str:
        return f"/api/cars/all/allocations/{allocation['id']}"

    def _id(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128)))

    def _wall(self, seconds: float = 0.0) -> str:
        time = datetime.fromtimestamp(self.now + _OFFSET, UTC) + timedelta(seconds=seconds)
        return time.isoformat().replace("+00:00", "Z")


def _period(start: str, end: str) -> Row:
    return {"from_datetime": start, "to_datetime": end, "from_infinity": False, "to_infinity": False}


def _body(changes: Row) -> Row:
    body = {name: value for name, value in changes.items() if name != "hours"}
    if "hours" in changes:
        body["from_datetime"], body["to_datetime"] = (instant("cars", hour) for hour in changes["hours"])
    return body


def _fields(changes: Row) -> Row:
    fields = {name: value for name, value in _body(changes).items() if name != "hold_seconds"}
    if "hours" in changes:
        fields |= {"from_infinity": False, "to_infinity": False}
    if "status" in changes:
        fields["expires"] = None
    return fields


def random_history(folder: Path, calls: int, seed: int = 1, fleet: int = 12) -> None:
    """Write a history of random calls, of which many are in progress at the same time."""
    service = Service(step=0.001, spread=0.02, seed=seed)
    chance = service.chance
    vehicles = [service.register(f"car-{number}") for number in range(fleet)]
    for number in range(calls):
        start = chance.randrange(HOURS - 4)
        hours = start, start + chance.randrange(1, 5)
        rows = list(service.allocations.values())
        row = chance.choice(rows) if rows else None
        drawn = chance.random()
        if drawn < 0.3 or row is None:
            service.create(chance.choice(vehicles), hours)
        elif drawn < 0.45:
            service.create_any(hours)
        elif drawn < 0.65:
            service.change(row, hours=hours)
        elif drawn < 0.85:
            service.cancel(row)
        elif drawn < 0.95:
            service.availability(chance.choice(vehicles))
        else:
            service.read_list(chance.choice(vehicles))
        if number % _BATCH == 0:
            service.flush(folder)
    service.write(folder)


if __name__ == "__main__":
    random_history(Path(sys.argv[1]), int(sys.argv[2]))
