"""How long does the import of a month's trips take, the start of the command included?"""

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
    """Write a file of trips: some vehicles, many short periods one after another, the sequence shuffled."""
    chance = random.Random(3_800)
    rows = []
    for number in range(TRIPS):
        kind = ("Car", "Lorry", "Truck")[number % _VEHICLES % 3]
        start = _FIRST + timedelta(hours=24 * (number // _VEHICLES), minutes=chance.randrange(600))
        end = start + timedelta(minutes=chance.randrange(20, 600))
        name = f"{kind} {number % _VEHICLES:03}"
        rows.append([kind, name, start.isoformat(), end.isoformat(), "booking", f"trip {number}"])
    chance.shuffle(rows)
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["resource_type", "name", "from_datetime", "to_datetime", "allocation_type", "description"])
        writer.writerows(rows)


def import_seconds(url: str, folder: Path) -> float:
    """Import such a file into an empty database."""
    file = folder / "trips.csv"
    write(file)
    importing = [sys.executable, "-m", "invsys.inventory.manage", "import", str(file)]
    environ = {**os.environ, "INVSYS_DATABASE_URL": url}
    began = time.perf_counter()
    done = subprocess.run(importing, cwd=folder, env=environ, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if f"{TRIPS} allocations made" not in done.stdout:
        raise RuntimeError(done.stdout)
    return seconds
