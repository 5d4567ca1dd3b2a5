"""Import and export: everything gets in once, whatever is refused is told, and what comes out goes in again."""

import csv
import json
import re

import pytest

from invsys.inventory.errors import DatabaseUnavailable
from invsys.inventory.transfer import importer
from invsys.inventory.transfer.importer import Outcome
from invsys.inventory.transfer.reader import UnusableFile

HEADER = "resource_type,name,from_datetime,to_datetime,allocation_type,description\n"
TRIPS = (
    HEADER
    + "cars,Car1,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,booking,trip 1\n"
    + "Car,Car1,2026-01-01T11:00:00Z,2026-01-01T12:00:00Z,booking,trip 2\n"
    + "lorries,L1,2026-01-01T10:00:00,2026-01-01T11:00:00,,\n"
)


@pytest.fixture
def bring(app, tmp_path):
    """Import a text; return the outcome and the rows of the report, which are text for JSON Lines."""

    def bring(text, suffix=".csv"):
        file, report = tmp_path / f"in{suffix}", tmp_path / "report.csv"
        report.unlink(missing_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with app.app_context():
            outcome = importer.import_file(str(file), str(report))
        told = report.read_text().splitlines() if report.exists() else []
        return outcome, told if suffix == ".jsonl" else list(csv.reader(told))

    return bring


def counts(outcome):
    return outcome.registered, outcome.allocated, outcome.known, outcome.refused


def test_every_line_is_in_once_however_often_it_is_imported(bring, client):
    assert counts(bring(TRIPS)[0]) == (2, 3, 0, 0)
    assert counts(bring(TRIPS)[0]) == (0, 0, 3, 0)
    assert [car["name"] for car in client.get("/api/cars").json] == ["Car1"]
    assert len(client.get("/api/cars/all/allocations").json) == 2
    lorry = client.get("/api/lorries/all/allocations").json[0]
    assert (lorry["from_datetime"], lorry["allocation_type"]) == ("2026-01-01T10:00:00Z", "booking")


def test_a_line_twice_in_one_file_is_in_once(bring):
    assert counts(bring(TRIPS + TRIPS.splitlines(keepends=True)[1])[0]) == (2, 3, 1, 0)


def test_vehicles_that_are_there_are_taken_as_they_are(bring, client):
    client.post("/api/cars", json={"name": "Car1", "attributes": {"seats": 4}})
    assert counts(bring(TRIPS)[0]) == (1, 3, 0, 0)
    assert client.get("/api/cars").json[0]["attributes"] == {"seats": 4}


def test_a_line_without_a_period_registers_its_vehicle(bring, client):
    text = '{"resource_type": "trucks", "name": "T1", "attributes": {"axles": 3}}\n\n'
    assert counts(bring(text, ".jsonl")[0]) == (1, 0, 0, 0)
    assert counts(bring(text, ".jsonl")[0]) == (0, 0, 1, 0)
    assert client.get("/api/trucks").json[0]["attributes"] == {"axles": 3}


def test_refused_lines_are_told_with_number_reason_and_text_and_the_rest_is_in(bring, client):
    bad = (
        "cars,Car1,2026-01-01T10:30:00Z,2026-01-01T10:40:00Z,booking,overlaps\n"
        "ships,S1,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n"
        "cars, Car2,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n"
        "cars,Car2,2026-01-01T11:00:00Z,2026-01-01T11:00:00Z,,\n"
        "cars,Car2,yesterday,2026-01-01T11:00:00Z,,\n"
        "cars,Car2,2026-01-01T10:00:00Z,,,\n"
        "cars,Car2,2026-01-01T10:00:00Z\n"
        "cars,Car3,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n"
    )
    outcome, report = bring(TRIPS + bad)
    assert counts(outcome) == (3, 4, 0, 7)
    assert report[0] == ["line", "reason", *HEADER.strip().split(","), "safe_for_spreadsheets"]
    told = [(int(number), reason.split(":")[0]) for number, reason, *_ in report[1:]]
    assert told == [
        (5, "period_taken"),
        (6, "resource_type"),
        (7, "name"),
        (8, "to_datetime"),
        (9, "from_datetime"),
        (10, "to_datetime"),
        (11, "to_datetime"),
    ]
    assert report[1][2:5] == ["cars", "Car1", "2026-01-01T10:30:00Z"]
    assert [car["name"] for car in client.get("/api/cars").json] == ["Car1", "Car3"]
    assert "7 refused (see " in str(outcome)


def test_an_allocation_that_differs_in_more_than_its_period_is_not_the_same(bring):
    bring(TRIPS)
    outcome, report = bring(TRIPS.replace("trip 1", "trip 9"))
    assert counts(outcome) == (0, 0, 2, 1)
    assert report[1][1].startswith("period_taken")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]", "not a JSON object"),
        ("{", "Expecting property name enclosed in double quotes at column 2"),
        ('{"resource_type": "cars", "name": "A", "name": "B"}', "duplicate key"),
        ('{"resource_type": "cars", "name": "A", "wheels": 4}', "wheels: Unknown field."),
        ('{"resource_type": 1, "name": "A"}', "resource_type: "),
        ('{"resource_type": ["cars"], "name": "A"}', "resource_type: "),
        ('{"resource_type": "cars"}', "name: "),
        ('{"resource_type": "cars", "name": "A", "from_infinity": "yes", "to_infinity": true}', "from_infinity: "),
        ('{"resource_type": "cars", "name": "A", "from_infinity": true, "to_infinity": true, "dump": 1}', "dump: "),
    ],
)
def test_bad_json_lines_are_refused_with_their_reason(bring, client, line, reason):
    outcome, report = bring(line, ".jsonl")
    assert counts(outcome) == (0, 0, 0, 1)
    assert reason in json.loads(report[0])["reason"]
    assert client.get("/api/cars").json == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"lorry,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n", "Car, Lorry, Truck (or cars, lorries, trucks)"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00.1234567Z,,\n", "to_datetime: At most six digits"),
        (b"cars,A\0,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n", "a NUL character"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,a\0b\n", "a NUL character"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,a\rb\n", "a carriage return (CR) outside of quotes"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,a,,b\n", "8 cells for 6 columns"),
        (b'cars,"A"B,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n', "expected after"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,a type of more than 20 characters,\n", "allocation_type: "),
    ],
)
def test_bad_csv_lines_are_refused_with_their_reason(bring, line, reason):
    outcome, report = bring(HEADER.encode() + line)
    assert counts(outcome) == (0, 0, 0, 1)
    assert reason in report[1][1]


def test_a_quote_that_nobody_closes_costs_its_own_line_only(bring, client):
    lines = TRIPS.splitlines(keepends=True)
    outcome, report = bring("".join([lines[0], 'cars,"Car9,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n', *lines[1:]]))
    assert counts(outcome) == (2, 3, 0, 1)
    assert report[1][0] == "2"
    assert report[1][2].startswith('cars,"Car9')


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("text", ["a\rb", "a\n\ufeffb", "a\r\nb", '"', "\ufeff", ",", "a\n\nb"])
def test_whatever_a_description_holds_comes_back(bring, client, sent, form, text):
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"
    period = {"from_infinity": True, "to_infinity": True, "description": text}
    assert client.post(path, json=period).status_code == 201
    assert counts(bring(sent(form), f".{form}")[0]) == (0, 0, 1, 0)


def test_a_report_that_could_not_be_written_is_told_before_anything_is_done(app, tmp_path):
    file = tmp_path / "in.csv"
    file.write_text(TRIPS)
    with app.app_context(), pytest.raises(UnusableFile, match="could not be listed"):
        importer.import_file(str(file), str(tmp_path / "none" / "report"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("name,from_datetime\n", "line 1 has to name the columns; it lacks resource_type"),
        ("\n,,\nname,from_datetime\n", "line 3 has to name the columns; it lacks resource_type"),
        ("resource_type,name,colour\n", "line 1 has unknown columns: colour"),
        ('"resource_type",na"me\n"', "line 1 has to name the columns; it lacks name"),
        ('"resource_type","name\n', "line 1 is not CSV: a quote is opened and not closed"),
        ("resource_type,name,description,name\n", "line 1 names a column twice: name"),
        ("resource_type,,name\n", "line 1 has no name for column 2"),
        ("resource_type;name;description\ncars;Car1;x\n", "line 1 separates the columns by semicolons"),
        ('"resource_type"\t"name"\n', "line 1 separates the columns by tabs"),
        ("sep=;\nresource_type;name\n", "line 1 is 'sep=', which only Excel reads"),
        ("\ufeffsep=,\nresource_type,name\n", "line 1 is 'sep=', which only Excel reads"),
        ('[{"resource_type": "cars", "name": "Car1"}]', "line 1 begins a JSON array"),
    ],
)
def test_a_file_without_a_usable_header_is_refused_as_a_whole(bring, text, reason):
    with pytest.raises(UnusableFile, match=f"in.csv: {re.escape(reason)}"):
        bring(text)


def test_empty_cells_at_the_ends_of_lines_and_lines_without_any_other_are_ignored(bring, client):
    lines = ["resource_type,name,description,,", "cars,Car1", "", ",,,,", "cars,Car2,,,,,", " , ,"]
    assert counts(bring("\r\n".join(lines))[0]) == (2, 0, 0, 0)
    assert [car["name"] for car in client.get("/api/cars").json] == ["Car1", "Car2"]


@pytest.mark.parametrize("suffix", [".jsonl", ".JSONL", ".NdJson", ".csv", ""])
def test_json_lines_are_known_by_their_name_or_by_how_they_begin(bring, suffix):
    assert counts(bring('{"resource_type": "cars", "name": "Car1"}\n', suffix)[0]) == (1, 0, 0, 0)


def test_a_file_that_is_not_there_is_told(app, tmp_path):
    with app.app_context(), pytest.raises(UnusableFile, match="No such file"):
        importer.import_file(str(tmp_path / "none.csv"), "report")


def fill(client):
    car = client.post("/api/cars", json={"name": 'Car "1", ä', "attributes": {"city": "Leeds", "seats": 4}})
    client.post("/api/trucks", json={"name": "T1"})
    path = car.headers["Location"] + "/allocations"
    past = {"from_infinity": True, "to_datetime": "2026-01-01T10:00:00.000001Z", "description": "a\nb,\rc"}
    future = {"from_datetime": "2026-01-02T10:00:00Z", "to_infinity": True, "dump": {"a": [1, {"b": None}]}}
    for period in (past, future):
        assert client.post(path, json=period).status_code == 201
    gone = client.post("/api/cars", json={"name": "Gone"}).headers["Location"]
    assert client.delete(gone).status_code == 204


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_exported_is_imported_again_as_it_was(bring, client, sent, app, form):
    fill(client)
    text = sent(form)
    assert counts(bring(text, f".{form}")[0]) == (0, 0, 3, 0)
    for collection in ("cars", "trucks"):
        for allocation in client.get(f"/api/{collection}/all/allocations").json:
            client.delete(f"/api/{collection}/all/allocations/{allocation['id']}")
        for vehicle in client.get(f"/api/{collection}").json:
            assert client.delete(f"/api/{collection}/{vehicle['id']}").status_code == 204
    assert sent("jsonl") == ""
    assert counts(bring(text, f".{form}")[0]) == (2, 2, 0, 0)
    assert sent(form) == text


def test_batches_are_no_borders(bring, sent, monkeypatch):
    monkeypatch.setattr(importer, "_BATCH", 2)
    lines = [
        f"cars,C{number % 3},2026-01-{number + 1:02}T00:00Z,2026-01-{number + 2:02}T00:00Z,,\n" for number in range(9)
    ]
    assert counts(bring(HEADER + "".join(lines))[0]) == (3, 9, 0, 0)
    assert counts(bring(HEADER + "".join(reversed(lines)))[0]) == (0, 0, 9, 0)
    assert len(sent("csv").splitlines()) == 10


def test_an_outage_in_the_middle_loses_nothing_that_was_told(bring, monkeypatch):
    monkeypatch.setattr(importer, "_BATCH", 1)
    fill_batch, batches = importer.bulk_load.load, []

    def away_after_two(orders):
        batches.append(orders)
        if len(batches) == 3:
            raise DatabaseUnavailable("Away.")
        return fill_batch(orders)

    with monkeypatch.context() as patched:
        patched.setattr(importer.bulk_load, "load", away_after_two)
        with pytest.raises(DatabaseUnavailable):
            bring(TRIPS)
    assert counts(bring(TRIPS)[0]) == (1, 1, 2, 0)


def test_an_outcome_is_told_in_a_sentence():
    told = "4 lines: 1 vehicle registered, 2 allocations made, 1 line already known, 0 refused"
    assert str(Outcome(lines=4, registered=1, allocated=2, known=1)) == told
    assert str(Outcome(lines=1)).startswith("1 line: 0 vehicles registered, 0 allocations made, 0 lines already known")
