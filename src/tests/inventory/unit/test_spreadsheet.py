"""Exports for spreadsheets: no cell is a formula, and an import restores the exact text of every cell."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from invsys.inventory.transfer import importer
from invsys.inventory.transfer.importer import Outcome
from invsys.inventory.transfer.spreadsheet import MARK, escape, unescape
from tests.support.client_identity import client_as
from tests.support.tables import table_driven

pytestmark = pytest.mark.one_engine

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
PLAIN = ["", "Car1", "'", "'Car1'", "''", "a=1", "1-1", " =1", "{}"]


@table_driven("cell", [*FORMULAS, *(f"'{cell}" for cell in FORMULAS), "''=1", "'''-"])
def test_a_cell_that_would_be_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert escape(cell) == f"'{cell}"
    assert unescape(f"'{cell}") == cell


@table_driven("cell", PLAIN)
def test_any_other_cell_is_not_changed(cell: str) -> None:
    assert escape(cell) == unescape(cell) == cell


@given(st.text(st.sampled_from("'=+-@\t\r\na")) | st.text())
def test_every_cell_is_restored_and_none_is_a_formula(cell: str) -> None:
    assert unescape(escape(cell)) == cell
    assert not escape(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


NAMES = ["'=x", "'Car'", "''-x", "+1", "-1", "=1+1", "@x", "Car1"]


@pytest.fixture
def fleet(app: Flask, client: FlaskClient, register: Callable[..., str]) -> None:
    """Create vehicles and allocations whose names, texts and owner look like formulas."""
    for name in NAMES:
        vehicle = register(name, attributes={"=": "=1"})
        body = {"from_infinity": True, "to_infinity": True, "description": f"={name}", "allocation_type": "-x"}
        assert client_as(app, "-one").post(f"{vehicle}/allocations", json=body).status_code == 201


@pytest.fixture
def import_text(app: Flask, tmp_path: Path) -> Callable[[str], Outcome]:
    """Return a function that imports a CSV text and returns the outcome."""

    def import_text(content: str) -> Outcome:
        file = tmp_path / "in.csv"
        file.write_text(content, newline="")
        with app.app_context():
            return importer.import_file(str(file), str(tmp_path / "report.csv"))

    return import_text


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("options", [[], ["--safe-for-spreadsheets"]])
def test_an_export_can_be_imported_unchanged(
    run: Callable[..., Any], client: FlaskClient, import_text: Callable[[str], Outcome], options: list[str]
) -> None:
    _, exported, complaints = run("export", *options)
    assert complaints == ""
    header, *rows = csv.reader(exported.splitlines())
    assert (header[-1] == MARK) is bool(options)
    assert any(cell.startswith("=") for row in rows for cell in row) is not bool(options)
    outcome = import_text(exported)
    assert (outcome.unchanged, outcome.refused) == (len(NAMES), 0)
    for row in client.get("/api/cars/all/allocations").json:
        client.delete(f"/api/cars/all/allocations/{row['id']}")
    for car in client.get("/api/cars").json:
        assert client.delete(f"/api/cars/{car['id']}").status_code == 204
    assert import_text(exported).allocated == len(NAMES)
    assert run("export", *options)[1] == exported
    assert [car["name"] for car in client.get("/api/cars").json] == sorted(NAMES)


def test_the_marker_column_is_recognised_in_any_position_and_without_values(
    client: FlaskClient, import_text: Callable[[str], Outcome]
) -> None:
    assert import_text(f"{MARK},resource_type,name\n,cars,'=1\n,cars,Car1\n").registered == 2
    assert import_text(f"resource_type,name,{MARK}\ncars,'=2\ncars,'Car2\n").registered == 2
    assert [car["name"] for car in client.get("/api/cars").json] == ["=1", "Car1", "'Car2", "=2"]


def test_the_report_of_refused_lines_is_safe_for_spreadsheets(
    import_text: Callable[[str], Outcome], tmp_path: Path
) -> None:
    assert import_text("resource_type,name\n=ships,@x\n").refused == 1
    (row,) = csv.DictReader((tmp_path / "report.csv").read_text().splitlines())
    assert (row["resource_type"], row["name"], row[MARK]) == ("'=ships", "'@x", "")


def test_the_option_for_spreadsheets_is_refused_for_json_lines(run: Callable[..., Any]) -> None:
    message = "invsys-manage: --safe-for-spreadsheets needs --format csv\n"
    assert run("export", "--format", "jsonl", "--safe-for-spreadsheets") == (2, "", message)
