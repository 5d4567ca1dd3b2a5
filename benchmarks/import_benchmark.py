"""Measures how long it takes to import the trips of a month, including the start of the command."""

import csv
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

TRIPS = 3_800
_VEHICLES = 120
_FIRST = datetime(2026, 10, 1, tzinfo=UTC)


def write(file: Path) -> None:
    """Write a CSV file with 3,800 trips in random order: about one trip per day for each of 120 vehicles."""
    rng = random.Random(3_800)
    rows = []
    for number in range(TRIPS):
        kind = ("Car", "Lorry", "Truck")[number % _VEHICLES % 3]
        start = _FIRST + timedelta(hours=24 * (number // _VEHICLES), minutes=rng.randrange(600))
        end = start + timedelta(minutes=rng.randrange(20, 600))
        name = f"{kind} {number % _VEHICLES:03}"
        rows.append([kind, name, start.isoformat(), end.isoformat(), "booking", f"trip {number}"])
    rng.shuffle(rows)
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["resource_type", "name", "from_datetime", "to_datetime", "allocation_type", "description"])
        writer.writerows(rows)


def import_seconds(url: str, folder: Path) -> float:
    """Import the trips into an empty database, and return the duration in seconds."""
    file = folder / "trips.csv"
    write(file)
    command = [sys.executable, "-m", "invsys.inventory.manage", "import", str(file)]
    environ = {**os.environ, "INVSYS_DATABASE_URL": url}
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if f"{TRIPS} allocations created" not in done.stdout:
        raise RuntimeError(done.stdout)
    return seconds
