"""Fixtures for the tests of the commands."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from invsys.gateway.auth import client_admin
from invsys.inventory.transfer import importer
from tests.conftest import migrate
from tests.support.front_door import ALL_SCOPES
from tests.support.gateway_server import served_gateway
from tests.support.serving import run_server

Counts = tuple[int, int, int, int]


@pytest.fixture
def import_text(app: Flask, tmp_path: Path) -> Callable[..., tuple[Counts, list[str]]]:
    """Return a function that imports a text and returns the counts and the reasons of refused lines.

    The counts are those of registered vehicles, of new allocations, and of unchanged and refused lines.
    """

    def import_text(text: str, suffix: str = ".csv") -> tuple[Counts, list[str]]:
        file, report = tmp_path / f"in{suffix}", tmp_path / "report.csv"
        report.unlink(missing_ok=True)
        file.write_text(text, newline="")
        with app.app_context():
            outcome = importer.import_file(str(file), str(report))
        lines = report.read_text().splitlines() if report.exists() else []
        rows = map(json.loads, lines) if suffix == ".jsonl" else csv.DictReader(lines)
        counts = outcome.registered, outcome.allocated, outcome.unchanged, outcome.refused
        return counts, [row["reason"] for row in rows]

    return import_text


@pytest.fixture(scope="session")
def served_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An inventory and a gateway in front of it: their ports, and the keys of two clients of the gateway.

    The client of ``key`` may read resources; that of ``full_key`` has all scopes. ``processes`` are both supervisors.
    """
    folder, data_folder = tmp_path_factory.mktemp("gateway"), tmp_path_factory.mktemp("inventory")
    key = client_admin.add(folder / "clients.ini", "reader", ["resources:read"])
    full_key = client_admin.add(folder / "clients.ini", "planner", ALL_SCOPES)
    migrate(url := f"sqlite:///{data_folder / 'served.sqlite3'}")
    with (
        run_server(url, data_folder, workers=1) as (process, inventory, log),
        served_gateway(folder, {"services": {"inventory": f"http://127.0.0.1:{inventory}"}}) as gateway,
    ):
        yield {
            "inventory": inventory,
            "gateway": gateway.port,
            "key": key,
            "full_key": full_key,
            "processes": [process.pid, gateway.process.pid],
            "logs": [log, gateway.log],
        }
