"""The order of an export: vehicles by type and name, and their allocations by start, regardless of the collation."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text
from werkzeug.test import TestResponse

from invsys.inventory.db.models import db
from invsys.inventory.transfer import exporter, importer
from tests.support.hours_in_2099 import hour_start

# In the order of their code points. The collation of a language would sort these names differently.
NAMES = ["10", "2", "B", "Z", "_", "a", "\u00c4", "\U0001f697"]


@pytest.fixture
def fleet(register: Callable[..., str], allocate: Callable[..., TestResponse]) -> None:
    """Create vehicles and allocations in the reverse order of an export."""
    for collection in ("trucks", "lorries", "cars"):
        for name in reversed(NAMES):
            vehicle = register(name, collection)
            for start, end in ((20, None), (10, 12), (None, 8)) if name == "a" else ():
                assert allocate(vehicle, hour_start(start), hour_start(end)).status_code == 201


def export(app: Flask, form: str) -> str:
    file = io.StringIO()
    with app.app_context():
        exporter.export(file, form)
    return file.getvalue()


@pytest.mark.usefixtures("fleet")
def test_an_export_is_ordered_by_type_name_and_start(exported: Callable[[str], str]) -> None:
    lines = [json.loads(line) for line in exported("jsonl").splitlines()]
    vehicles = list(dict.fromkeys((line["resource_type"], line["name"]) for line in lines))
    assert vehicles == [(kind, name) for kind in ("Car", "Lorry", "Truck") for name in NAMES]
    starts = [line.get("from_datetime") for line in lines if (line["resource_type"], line["name"]) == ("Car", "a")]
    assert starts == [None, hour_start(10), hour_start(20)]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_imported_into_an_empty_database_is_exported_identically(
    app: Flask, fresh_app: Flask, tmp_path: Path, form: str
) -> None:
    before = export(app, form)
    # Import the lines in reverse order, so that the rows get other keys.
    header = before.splitlines(keepends=True)[:1] if form == "csv" else []
    rows = before.splitlines(keepends=True)[len(header) :]
    file = tmp_path / f"in.{form}"
    file.write_text("".join([*header, *reversed(rows)]), newline="")
    with fresh_app.app_context():
        upgrade()
        outcome = importer.import_file(str(file), str(tmp_path / "report"))
    assert (outcome.registered, outcome.refused) == (3 * len(NAMES), 0)
    assert export(fresh_app, form) == before


def test_the_order_does_not_depend_on_the_collation(
    engine: str, fresh_app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    file.write_text("\n".join(["resource_type,name", *(f"cars,{name}" for name in reversed(NAMES))]))
    with fresh_app.app_context():
        upgrade()
        if engine == "postgresql":
            with db.engine.begin() as connection:
                connection.execute(
                    text('ALTER TABLE continuous_resources ALTER COLUMN name TYPE varchar(36) COLLATE "en-x-icu"')
                )
        importer.import_file(str(file), str(tmp_path / "report"))
    lines = export(fresh_app, "jsonl").splitlines()
    assert [json.loads(line)["name"] for line in lines] == NAMES
