"""The order of an export: vehicles by type and name, the allocations of each by start, in every database."""

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
from tests.support.instants import at

# By code point, which is no language's order.
NAMES = ["10", "2", "B", "Z", "_", "a", "\u00c4", "\U0001f697"]


@pytest.fixture
def fleet(register: Callable[..., str], allocate: Callable[..., TestResponse]) -> None:
    """Vehicles and allocations, the last ones of the order first."""
    for collection in ("trucks", "lorries", "cars"):
        for name in reversed(NAMES):
            vehicle = register(name, collection)
            for start, end in ((20, None), (10, 12), (None, 8)) if name == "a" else ():
                assert allocate(vehicle, at(start), at(end)).status_code == 201


def export(app: Flask, form: str) -> str:
    file = io.StringIO()
    with app.app_context():
        exporter.export(file, form)
    return file.getvalue()


@pytest.mark.usefixtures("fleet")
def test_vehicles_come_by_type_and_name_and_allocations_by_start(sent: Callable[[str], str]) -> None:
    lines = [json.loads(line) for line in sent("jsonl").splitlines()]
    vehicles = list(dict.fromkeys((line["resource_type"], line["name"]) for line in lines))
    assert vehicles == [(kind, name) for kind in ("Car", "Lorry", "Truck") for name in NAMES]
    starts = [line.get("from_datetime") for line in lines if (line["resource_type"], line["name"]) == ("Car", "a")]
    assert starts == [None, at(10), at(20)]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_imported_into_an_empty_database_is_exported_as_the_same_file(
    app: Flask, fresh_app: Flask, tmp_path: Path, form: str
) -> None:
    before = export(app, form)
    # Not in the order of the export, so that the rows have other keys.
    header = before.splitlines(keepends=True)[:1] if form == "csv" else []
    rows = before.splitlines(keepends=True)[len(header) :]
    file = tmp_path / f"in.{form}"
    file.write_text("".join([*header, *reversed(rows)]), newline="")
    with fresh_app.app_context():
        upgrade()
        outcome = importer.import_file(str(file), str(tmp_path / "report"))
    assert (outcome.registered, outcome.refused) == (3 * len(NAMES), 0)
    assert export(fresh_app, form) == before


def test_the_collation_of_the_database_does_not_matter(
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
