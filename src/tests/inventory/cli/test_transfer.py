"""Import and export: each line is imported once, refused lines are reported, and exports can be imported again."""

import csv
import json
import re

import pytest

from invsys.inventory.errors import DatabaseUnavailable
from invsys.inventory.transfer import importer
from invsys.inventory.transfer.importer import Outcome
from invsys.inventory.transfer.reader import UnusableFile
from tests.support.tables import table_driven

HEADER = "resource_type,name,from_datetime,to_datetime,allocation_type,description\n"
TRIPS = (
    HEADER
    + "cars,Car1,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,booking,trip 1\n"
    + "Car,Car1,2026-01-01T11:00:00Z,2026-01-01T12:00:00Z,booking,trip 2\n"
    + "lorries,L1,2026-01-01T10:00:00,2026-01-01T11:00:00,,\n"
)


@pytest.fixture
def import_text(app, tmp_path):
    """Return a function that imports a text and returns the outcome and the report: CSV rows or JSON texts."""

    def import_text(text, suffix=".csv"):
        file, report = tmp_path / f"in{suffix}", tmp_path / "report.csv"
        report.unlink(missing_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with app.app_context():
            outcome = importer.import_file(str(file), str(report))
        lines = report.read_text().splitlines() if report.exists() else []
        return outcome, lines if suffix == ".jsonl" else list(csv.reader(lines))

    return import_text


def counts(outcome):
    return outcome.registered, outcome.allocated, outcome.unchanged, outcome.refused


def test_a_line_imported_repeatedly_is_stored_once(import_text, client):
    assert counts(import_text(TRIPS)[0]) == (2, 3, 0, 0)
    assert counts(import_text(TRIPS)[0]) == (0, 0, 3, 0)
    assert [car["name"] for car in client.get("/api/cars").json] == ["Car1"]
    assert len(client.get("/api/cars/all/allocations").json) == 2
    lorry = client.get("/api/lorries/all/allocations").json[0]
    assert (lorry["from_datetime"], lorry["allocation_type"]) == ("2026-01-01T10:00:00Z", "booking")


def test_a_line_repeated_in_one_file_is_stored_once(import_text):
    assert counts(import_text(TRIPS + TRIPS.splitlines(keepends=True)[1])[0]) == (2, 3, 1, 0)


def test_an_import_does_not_change_existing_vehicles(import_text, client):
    client.post("/api/cars", json={"name": "Car1", "attributes": {"seats": 4}})
    assert counts(import_text(TRIPS)[0]) == (1, 3, 0, 0)
    assert client.get("/api/cars").json[0]["attributes"] == {"seats": 4}


def test_a_line_without_a_period_registers_its_vehicle(import_text, client):
    text = '{"resource_type": "trucks", "name": "T1", "attributes": {"axles": 3}}\n\n'
    assert counts(import_text(text, ".jsonl")[0]) == (1, 0, 0, 0)
    assert counts(import_text(text, ".jsonl")[0]) == (0, 0, 1, 0)
    assert client.get("/api/trucks").json[0]["attributes"] == {"axles": 3}


def test_refused_lines_are_reported_with_number_and_reason_and_the_rest_is_imported(import_text, client):
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
    outcome, report = import_text(TRIPS + bad)
    assert counts(outcome) == (3, 4, 0, 7)
    assert report[0] == ["line", "reason", *HEADER.strip().split(","), "safe_for_spreadsheets"]
    reasons = [(int(number), reason.split(":")[0]) for number, reason, *_ in report[1:]]
    assert reasons == [
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


def test_a_line_that_differs_from_the_stored_allocation_is_refused(import_text):
    import_text(TRIPS)
    outcome, report = import_text(TRIPS.replace("trip 1", "trip 9"))
    assert counts(outcome) == (0, 0, 2, 1)
    assert report[1][1].startswith("period_taken")


@pytest.mark.one_engine
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
def test_bad_json_lines_are_refused_with_their_reason(import_text, client, line, reason):
    outcome, report = import_text(line, ".jsonl")
    assert counts(outcome) == (0, 0, 0, 1)
    assert reason in json.loads(report[0])["reason"]
    assert client.get("/api/cars").json == []


@table_driven(
    ("line", "reason"),
    [
        (b"lorry,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n", "Car, Lorry, Truck (or cars, lorries, trucks)"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00.1234567Z,,\n", "to_datetime: A fraction of a second has"),
        (b"cars,A\0,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n", "a NUL character"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,a\0b\n", "a NUL character"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,a\rb\n", "a carriage return (CR) outside quotation marks"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,a,,b\n", "8 cells in 6 columns"),
        (b'cars,"A"B,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n', "expected after"),
        (b"cars,A,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,a type of more than 20 characters,\n", "allocation_type: "),
    ],
)
def test_bad_csv_lines_are_refused_with_their_reason(import_text, line, reason):
    outcome, report = import_text(HEADER.encode() + line)
    assert counts(outcome) == (0, 0, 0, 1)
    assert reason in report[1][1]


def test_an_unclosed_quote_invalidates_only_its_own_line(import_text, client):
    lines = TRIPS.splitlines(keepends=True)
    outcome, report = import_text(
        "".join([lines[0], 'cars,"Car9,2026-01-01T10:00:00Z,2026-01-01T11:00:00Z,,\n', *lines[1:]])
    )
    assert counts(outcome) == (2, 3, 0, 1)
    assert report[1][0] == "2"
    assert report[1][2].startswith('cars,"Car9')


@pytest.mark.one_engine
@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("text", ["a\rb", "a\n\ufeffb", "a\r\nb", '"', "\ufeff", ",", "a\n\nb"])
def test_a_description_with_special_characters_survives_export_and_import(import_text, client, exported, form, text):
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"
    period = {"from_infinity": True, "to_infinity": True, "description": text}
    assert client.post(path, json=period).status_code == 201
    assert counts(import_text(exported(form), f".{form}")[0]) == (0, 0, 1, 0)


@pytest.mark.one_engine
def test_an_unwritable_report_is_refused_before_the_import(app, tmp_path):
    file = tmp_path / "in.csv"
    file.write_text(TRIPS)
    with app.app_context(), pytest.raises(UnusableFile, match="cannot write the report"):
        importer.import_file(str(file), str(tmp_path / "none" / "report"))


@pytest.mark.one_engine
@table_driven(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("name,from_datetime\n", "line 1 must name the columns; missing: resource_type"),
        ("\n,,\nname,from_datetime\n", "line 3 must name the columns; missing: resource_type"),
        ("resource_type,name,colour\n", "line 1 has unknown columns: colour"),
        ('"resource_type",na"me\n"', "line 1 must name the columns; missing: name"),
        ('"resource_type","name\n', "line 1 is not CSV: a quotation mark is not closed"),
        ("resource_type,name,description,name\n", "line 1 has duplicate columns: name"),
        ("resource_type,,name\n", "line 1 has no name for column 2"),
        ("resource_type;name;description\ncars;Car1;x\n", "line 1 separates the columns with semicolons"),
        ('"resource_type"\t"name"\n', "line 1 separates the columns with tabs"),
        ("sep=;\nresource_type;name\n", "line 1 is 'sep=', which only Excel reads"),
        ("\ufeffsep=,\nresource_type,name\n", "line 1 is 'sep=', which only Excel reads"),
        ('[{"resource_type": "cars", "name": "Car1"}]', "line 1 begins a JSON array"),
    ],
)
def test_a_file_without_a_usable_header_is_refused_as_a_whole(import_text, text, reason):
    with pytest.raises(UnusableFile, match=f"in.csv: {re.escape(reason)}"):
        import_text(text)


def test_trailing_empty_cells_and_empty_lines_are_ignored(import_text, client):
    lines = ["resource_type,name,description,,", "cars,Car1", "", ",,,,", "cars,Car2,,,,,", " , ,"]
    assert counts(import_text("\r\n".join(lines))[0]) == (2, 0, 0, 0)
    assert [car["name"] for car in client.get("/api/cars").json] == ["Car1", "Car2"]


@pytest.mark.parametrize("suffix", [".jsonl", ".JSONL", ".NdJson", ".csv", ""])
def test_json_lines_are_recognised_by_suffix_or_first_character(import_text, suffix):
    assert counts(import_text('{"resource_type": "cars", "name": "Car1"}\n', suffix)[0]) == (1, 0, 0, 0)


@pytest.mark.one_engine
def test_a_missing_file_is_reported(app, tmp_path):
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
    decommissioned = client.post("/api/cars", json={"name": "Gone"}).headers["Location"]
    assert client.delete(decommissioned).status_code == 204


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_can_be_imported_unchanged(import_text, client, exported, app, form):
    fill(client)
    text = exported(form)
    assert counts(import_text(text, f".{form}")[0]) == (0, 0, 3, 0)
    for collection in ("cars", "trucks"):
        for allocation in client.get(f"/api/{collection}/all/allocations").json:
            client.delete(f"/api/{collection}/all/allocations/{allocation['id']}")
        for vehicle in client.get(f"/api/{collection}").json:
            assert client.delete(f"/api/{collection}/{vehicle['id']}").status_code == 204
    assert exported("jsonl") == ""
    assert counts(import_text(text, f".{form}")[0]) == (2, 2, 0, 0)
    assert exported(form) == text


def test_the_batch_size_does_not_affect_an_import(import_text, exported, monkeypatch):
    monkeypatch.setattr(importer, "_BATCH", 2)
    lines = [
        f"cars,C{number % 3},2026-01-{number + 1:02}T00:00Z,2026-01-{number + 2:02}T00:00Z,,\n" for number in range(9)
    ]
    assert counts(import_text(HEADER + "".join(lines))[0]) == (3, 9, 0, 0)
    assert counts(import_text(HEADER + "".join(reversed(lines)))[0]) == (0, 0, 9, 0)
    assert len(exported("csv").splitlines()) == 10


def test_an_outage_loses_no_imported_batch(import_text, monkeypatch):
    monkeypatch.setattr(importer, "_BATCH", 1)
    load_batch, batches = importer.bulk_load.load, []

    def fail_third_batch(orders):
        batches.append(orders)
        if len(batches) == 3:
            raise DatabaseUnavailable("Away.")
        return load_batch(orders)

    with monkeypatch.context() as patched:
        patched.setattr(importer.bulk_load, "load", fail_third_batch)
        with pytest.raises(DatabaseUnavailable):
            import_text(TRIPS)
    assert counts(import_text(TRIPS)[0]) == (1, 1, 2, 0)


def test_an_outcome_is_printed_as_a_sentence():
    sentence = "4 lines: 1 vehicle registered, 2 allocations created, 1 line unchanged, 0 refused"
    assert str(Outcome(lines=4, registered=1, allocated=2, unchanged=1)) == sentence
    assert str(Outcome(lines=1)).startswith("1 line: 0 vehicles registered, 0 allocations created, 0 lines unchanged")
