"""Exports that a spreadsheet may open: no cell is a formula, and import restores each exactly."""

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
from tests.support.owners import client_as

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
PLAIN = ["", "Car1", "'", "'Car1'", "''", "a=1", "1-1", " =1", "{}"]


@pytest.mark.parametrize("cell", [*FORMULAS, *(f"'{cell}" for cell in FORMULAS), "''=1", "'''-"])
def test_what_would_be_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert escape(cell) == f"'{cell}"
    assert unescape(f"'{cell}") == cell


@pytest.mark.parametrize("cell", PLAIN)
def test_any_other_cell_stays(cell: str) -> None:
    assert escape(cell) == unescape(cell) == cell


@given(st.text(st.sampled_from("'=+-@\t\r\na")) | st.text())
def test_every_cell_is_restored_and_none_is_a_formula(cell: str) -> None:
    assert unescape(escape(cell)) == cell
    assert not escape(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


NAMES = ["'=x", "'Car'", "''-x", "+1", "-1", "=1+1", "@x", "Car1"]


@pytest.fixture
def fleet(app: Flask, client: FlaskClient, register: Callable[..., str]) -> None:
    """Vehicles, and allocations by a client, that look like formulas."""
    for name in NAMES:
        vehicle = register(name, attributes={"=": "=1"})
        body = {"from_infinity": True, "to_infinity": True, "description": f"={name}", "allocation_type": "-x"}
        assert client_as(app, "-one").post(f"{vehicle}/allocations", json=body).status_code == 201


@pytest.fixture
def bring(app: Flask, tmp_path: Path) -> Callable[[str], Outcome]:
    """Import a CSV text."""

    def bring(content: str) -> Outcome:
        file = tmp_path / "in.csv"
        file.write_text(content, newline="")
        with app.app_context():
            return importer.import_file(str(file), str(tmp_path / "report.csv"))

    return bring


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("options", [[], ["--safe-for-spreadsheets"]])
def test_an_export_is_imported_as_it_was(
    run: Callable[..., Any], client: FlaskClient, bring: Callable[[str], Outcome], options: list[str]
) -> None:
    _, exported, complaints = run("export", *options)
    assert complaints == ""
    header, *rows = csv.reader(exported.splitlines())
    assert (header[-1] == MARK) is bool(options)
    assert any(cell.startswith("=") for row in rows for cell in row) is not bool(options)
    outcome = bring(exported)
    assert (outcome.known, outcome.refused) == (len(NAMES), 0)
    for one in client.get("/api/cars/all/allocations").json:
        client.delete(f"/api/cars/all/allocations/{one['id']}")
    for car in client.get("/api/cars").json:
        assert client.delete(f"/api/cars/{car['id']}").status_code == 204
    assert bring(exported).allocated == len(NAMES)
    assert run("export", *options)[1] == exported
    assert [car["name"] for car in client.get("/api/cars").json] == sorted(NAMES)


def test_a_spreadsheet_may_leave_out_the_empty_column_of_the_mark(
    client: FlaskClient, bring: Callable[[str], Outcome]
) -> None:
    assert bring(f"{MARK},resource_type,name\n,cars,'=1\n,cars,Car1\n").registered == 2
    assert bring(f"resource_type,name,{MARK}\ncars,'=2\ncars,'Car2\n").registered == 2
    assert [car["name"] for car in client.get("/api/cars").json] == ["=1", "Car1", "'Car2", "=2"]


def test_refused_lines_are_safe_for_spreadsheets_too(bring: Callable[[str], Outcome], tmp_path: Path) -> None:
    assert bring("resource_type,name\n=ships,@x\n").refused == 1
    (row,) = csv.DictReader((tmp_path / "report.csv").read_text().splitlines())
    assert (row["resource_type"], row["name"], row[MARK]) == ("'=ships", "'@x", "")


def test_json_lines_have_no_cells(run: Callable[..., Any]) -> None:
    message = "invsys-manage: --safe-for-spreadsheets is for --format csv\n"
    assert run("export", "--format", "jsonl", "--safe-for-spreadsheets") == (2, "", message)
