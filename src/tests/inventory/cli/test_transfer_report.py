"""The report of refused lines: it can be corrected and imported, and it never overwrites the input file."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from invsys.inventory.transfer import importer
from invsys.inventory.transfer.importer import Outcome
from invsys.inventory.transfer.text_lines import UnusableFile

pytestmark = pytest.mark.one_engine

HEADER = "resource_type,name,from_datetime,to_datetime,description\n"
GOOD = "cars,Car1,2026-01-01T10:00Z,2026-01-01T11:00Z,first\n"
OBJECT = {"resource_type": "lorry", "name": "L1", "attributes": {"axles": 3, "a": 0.1}, "from_infinity": True}


@pytest.fixture
def import_file(app: Flask, tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that imports a file and writes refused lines to ``refused-NAME`` in the same folder."""

    def import_file(name: str, text: str | None = None, report: str | None = None) -> Outcome:
        if text is not None:
            (tmp_path / name).write_text(text, newline="")
        with app.app_context():
            return importer.import_file(str(tmp_path / name), str(tmp_path / (report or f"refused-{name}")))

    return import_file


def counts(outcome: Outcome) -> tuple[int, int, int, int]:
    return outcome.registered, outcome.allocated, outcome.unchanged, outcome.refused


def test_a_csv_report_is_refused_unchanged_and_imported_after_correction(
    import_file: Callable[..., Outcome], client: FlaskClient, tmp_path: Path
) -> None:
    bad = 'lorry,=L1,2026-01-01T10:00Z,2026-01-01T11:00Z,"two\r\nlines, ""quoted"""\n' + GOOD.replace("first", "second")
    assert counts(import_file("in.csv", HEADER + GOOD + bad)) == (1, 1, 0, 2)
    report = (tmp_path / "refused-in.csv").read_bytes().decode()
    assert counts(import_file("refused-in.csv")) == (0, 0, 0, 2)
    second_report = (tmp_path / "refused-refused-in.csv").read_bytes().decode()
    without_numbers = [[row[1:] for row in csv.reader(io.StringIO(lines))] for lines in (report, second_report)]
    assert without_numbers[0] == without_numbers[1]
    corrected = second_report.replace("lorry,", "lorries,").replace(
        "2026-01-01T10:00Z,2026-01-01T11:00Z,second", "2027-01-01T10:00Z,2027-01-01T11:00Z,second"
    )
    assert counts(import_file("corrected.csv", corrected)) == (1, 2, 0, 0)
    (lorry,) = client.get("/api/lorries/all/allocations").json
    assert lorry["description"] == 'two\r\nlines, "quoted"'
    assert client.get("/api/lorries").json[0]["name"] == "=L1"


@pytest.mark.parametrize(
    "line",
    [
        'cars,"Car2\n',
        'cars,"Car2"x,,,\n',
        "cars,Car2,,,a,b\n",
        "cars,Car2\0,,,\n",
        "cars,Car2,,,a\rb\n",
        f"cars,Car2,,,{'x' * 2**20}\n",
    ],
)
def test_a_line_that_cannot_be_parsed_is_refused_again(
    import_file: Callable[..., Outcome], client: FlaskClient, line: str
) -> None:
    assert counts(import_file("in.csv", HEADER + line)) == (0, 0, 0, 1)
    assert counts(import_file("refused-in.csv")) == (0, 0, 0, 1)
    assert counts(import_file("refused-refused-in.csv")) == (0, 0, 0, 1)
    assert client.get("/api/cars").json == []


@pytest.mark.parametrize("name", ["in.jsonl", "in"])
def test_a_json_lines_report_is_refused_unchanged_and_imported_after_correction(
    import_file: Callable[..., Outcome], client: FlaskClient, tmp_path: Path, name: str
) -> None:
    lines = [json.dumps(OBJECT | {"to_infinity": True}), '{"name": "A", "name": "B"}', "[1]", "{"]
    assert counts(import_file(name, "\n".join(lines))) == (0, 0, 0, 4)
    assert counts(import_file(f"refused-{name}")) == (0, 0, 0, 4)
    report = [json.loads(line) for line in (tmp_path / f"refused-refused-{name}").read_text().splitlines()]
    assert [(row["line"], list(row)) for row in report] == [
        (1, ["line", "reason", *OBJECT, "to_infinity"]),
        *((number, ["line", "reason", "text"]) for number in (2, 3, 4)),
    ]
    corrected = json.dumps(report[0] | {"resource_type": "lorries"})
    assert counts(import_file("corrected.jsonl", corrected)) == (1, 1, 0, 0)
    assert client.get("/api/lorries").json[0]["attributes"] == {"axles": 3, "a": 0.1}


def test_a_report_is_named_after_the_file_and_its_format() -> None:
    names = {importer.default_report("/a/in.csv", is_csv=True), importer.default_report("in.x", is_csv=False)}
    assert names == {"in.refused.csv", "in.refused.jsonl"}
    assert importer.default_report("-", is_csv=True) == "stdin.refused.csv"


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_without_refused_lines_no_report_is_written(
    import_file: Callable[..., Outcome], tmp_path: Path, name: str
) -> None:
    text = HEADER + GOOD if name == "in.csv" else '{"resource_type": "cars", "name": "Car1"}'
    import_file(name, text)
    assert not (tmp_path / f"refused-{name}").exists()
    (tmp_path / "old").write_text("unchanged")
    import_file(name, text, report="old")
    assert (tmp_path / "old").read_text() == "unchanged"


def test_an_earlier_report_is_replaced(import_file: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old\n" * 100)
    import_file("in.csv", f"{HEADER}ships,S1\n", report="old")
    assert [row["name"] for row in csv.DictReader((tmp_path / "old").read_text().splitlines())] == ["S1"]


def the_input_file(path: Path) -> str:
    return path.name


def a_symbolic_link(path: Path) -> str:
    path.with_name("link").symlink_to(path)
    return "link"


def a_hard_link(path: Path) -> str:
    os.link(path, path.with_name("link"))
    return "link"


def a_folder(path: Path) -> str:
    path.with_name("folder").mkdir()
    return "folder"


def a_missing_folder(_: Path) -> str:
    return "none/report.csv"


def a_full_disk(_: Path) -> str:
    return "/dev/full"


@pytest.mark.parametrize(
    "place", [the_input_file, a_symbolic_link, a_hard_link, a_folder, a_missing_folder, a_full_disk]
)
@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_an_unwritable_report_is_refused_before_the_import(
    import_file: Callable[..., Outcome],
    nothing_changes: Callable[..., Any],
    tmp_path: Path,
    name: str,
    place: Callable[[Path], str],
) -> None:
    text = HEADER + GOOD if name == "in.csv" else '{"resource_type": "cars", "name": "Car1"}\n'
    (tmp_path / name).write_text(text)
    report = place(tmp_path / name)
    with nothing_changes(), pytest.raises(UnusableFile, match="cannot write the report"):
        import_file(name, report=report)
    assert (tmp_path / name).read_text() == text
