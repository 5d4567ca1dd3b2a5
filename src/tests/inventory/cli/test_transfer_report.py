"""The report of refused lines: it can be corrected and imported as it is, and costs no other file."""

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

HEADER = "resource_type,name,from_datetime,to_datetime,description\n"
GOOD = "cars,Car1,2026-01-01T10:00Z,2026-01-01T11:00Z,first\n"
OBJECT = {"resource_type": "lorry", "name": "L1", "attributes": {"axles": 3, "a": 0.1}, "from_infinity": True}


@pytest.fixture
def bring(app: Flask, tmp_path: Path) -> Callable[..., Outcome]:
    """Import a file, with refused lines in ``refused-NAME`` in the same folder."""

    def bring(name: str, text: str | None = None, report: str | None = None) -> Outcome:
        if text is not None:
            (tmp_path / name).write_text(text, newline="")
        with app.app_context():
            return importer.import_file(str(tmp_path / name), str(tmp_path / (report or f"refused-{name}")))

    return bring


def counts(outcome: Outcome) -> tuple[int, int, int, int]:
    return outcome.registered, outcome.allocated, outcome.known, outcome.refused


def test_a_report_of_csv_is_refused_as_it_is_and_imported_when_it_is_corrected(
    bring: Callable[..., Outcome], client: FlaskClient, tmp_path: Path
) -> None:
    bad = 'lorry,=L1,2026-01-01T10:00Z,2026-01-01T11:00Z,"two\r\nlines, ""quoted"""\n' + GOOD.replace("first", "second")
    assert counts(bring("in.csv", HEADER + GOOD + bad)) == (1, 1, 0, 2)
    report = (tmp_path / "refused-in.csv").read_bytes().decode()
    assert counts(bring("refused-in.csv")) == (0, 0, 0, 2)
    again = (tmp_path / "refused-refused-in.csv").read_bytes().decode()
    without_numbers = [[row[1:] for row in csv.reader(io.StringIO(each))] for each in (report, again)]
    assert without_numbers[0] == without_numbers[1]
    corrected = again.replace("lorry,", "lorries,").replace(
        "2026-01-01T10:00Z,2026-01-01T11:00Z,second", "2027-01-01T10:00Z,2027-01-01T11:00Z,second"
    )
    assert counts(bring("corrected.csv", corrected)) == (1, 2, 0, 0)
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
def test_a_line_that_cannot_be_taken_apart_is_refused_again(
    bring: Callable[..., Outcome], client: FlaskClient, line: str
) -> None:
    assert counts(bring("in.csv", HEADER + line)) == (0, 0, 0, 1)
    assert counts(bring("refused-in.csv")) == (0, 0, 0, 1)
    assert counts(bring("refused-refused-in.csv")) == (0, 0, 0, 1)
    assert client.get("/api/cars").json == []


@pytest.mark.parametrize("name", ["in.jsonl", "in"])
def test_a_report_of_json_lines_is_refused_as_it_is_and_imported_when_it_is_corrected(
    bring: Callable[..., Outcome], client: FlaskClient, tmp_path: Path, name: str
) -> None:
    lines = [json.dumps(OBJECT | {"to_infinity": True}), '{"name": "A", "name": "B"}', "[1]", "{"]
    assert counts(bring(name, "\n".join(lines))) == (0, 0, 0, 4)
    assert counts(bring(f"refused-{name}")) == (0, 0, 0, 4)
    report = [json.loads(line) for line in (tmp_path / f"refused-refused-{name}").read_text().splitlines()]
    assert [(one["line"], list(one)) for one in report] == [
        (1, ["line", "reason", *OBJECT, "to_infinity"]),
        *((number, ["line", "reason", "text"]) for number in (2, 3, 4)),
    ]
    corrected = json.dumps(report[0] | {"resource_type": "lorries"})
    assert counts(bring("corrected.jsonl", corrected)) == (1, 1, 0, 0)
    assert client.get("/api/lorries").json[0]["attributes"] == {"axles": 3, "a": 0.1}


def test_a_report_is_named_after_the_file_and_its_form() -> None:
    names = {importer.default_report("/a/in.csv", is_csv=True), importer.default_report("in.x", is_csv=False)}
    assert names == {"in.refused.csv", "in.refused.jsonl"}
    assert importer.default_report("-", is_csv=True) == "stdin.refused.csv"


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_without_refused_lines_no_report_is_made_or_changed(
    bring: Callable[..., Outcome], tmp_path: Path, name: str
) -> None:
    text = HEADER + GOOD if name == "in.csv" else '{"resource_type": "cars", "name": "Car1"}'
    bring(name, text)
    assert not (tmp_path / f"refused-{name}").exists()
    (tmp_path / "old").write_text("kept")
    bring(name, text, report="old")
    assert (tmp_path / "old").read_text() == "kept"


def test_a_report_of_before_is_replaced(bring: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old\n" * 100)
    bring("in.csv", f"{HEADER}ships,S1\n", report="old")
    assert [row["name"] for row in csv.DictReader((tmp_path / "old").read_text().splitlines())] == ["S1"]


def the_file(path: Path) -> str:
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


def in_no_folder(_: Path) -> str:
    return "none/report.csv"


def a_full_disk(_: Path) -> str:
    return "/dev/full"


@pytest.mark.parametrize("place", [the_file, a_symbolic_link, a_hard_link, a_folder, in_no_folder, a_full_disk])
@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_a_report_that_cannot_be_written_is_refused_before_anything_happens(
    bring: Callable[..., Outcome],
    nothing_changes: Callable[..., Any],
    tmp_path: Path,
    name: str,
    place: Callable[[Path], str],
) -> None:
    text = HEADER + GOOD if name == "in.csv" else '{"resource_type": "cars", "name": "Car1"}\n'
    (tmp_path / name).write_text(text)
    report = place(tmp_path / name)
    with nothing_changes(), pytest.raises(UnusableFile, match="refused lines could not be listed there"):
        bring(name, report=report)
    assert (tmp_path / name).read_text() == text
