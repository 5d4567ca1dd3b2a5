"""Owners in files: they come back as they went out, and a file that names none takes nothing from anybody."""

import csv
import json

import pytest

from invsys.inventory.transfer import importer
from tests.support.instants import at, period_fields
from tests.support.owners import client_as, restricted_client

HEADER = "resource_type,name,from_datetime,to_datetime,client_id\n"
LINES = (
    f"cars,Car1,{at(10)},{at(12)},one\n",
    f"cars,Car1,{at(12)},{at(14)},two\n",
    f"cars,Car1,{at(14)},{at(16)},\n",
)
ALL = "/api/cars/all/allocations"


@pytest.fixture
def bring(app, tmp_path):
    """Import a text; gives the outcome and the reasons of the refused lines."""

    def bring(text, suffix=".csv"):
        file, report = tmp_path / f"in{suffix}", tmp_path / "report.csv"
        report.unlink(missing_ok=True)
        file.write_text(text, newline="")
        with app.app_context():
            outcome = importer.import_file(str(file), str(report))
        told = report.read_text().splitlines() if report.exists() else []
        rows = map(json.loads, told) if suffix == ".jsonl" else csv.DictReader(told)
        counts = outcome.registered, outcome.allocated, outcome.known, outcome.refused
        return counts, [row["reason"] for row in rows]

    return bring


def sees(app, client_id):
    return [one["from_datetime"] for one in restricted_client(app, client_id).get(ALL).json]


def test_a_file_says_whose_its_allocations_are(app, client, bring):
    assert bring(HEADER + "".join(LINES)) == ((1, 3, 0, 0), [])
    assert (sees(app, "one"), sees(app, "two")) == ([at(10)], [at(12)])
    assert len(client.get(ALL).json) == 3
    # It was no client who did it.
    assert {event["client_id"] for event in client.get("/api/events").json["events"]} == {None}
    assert bring(HEADER + "".join(LINES)) == ((0, 0, 3, 0), [])


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_owners_go_out_and_come_back(app, client, car, bring, sent, form):
    for hour, name in enumerate(("one", "two", "x" * 255, "!~\"',;")):
        assert client_as(app, name).post(f"{car}/allocations", json=period_fields(hour, hour + 1)).status_code == 201
    client.post(f"{car}/allocations", json=period_fields(10, 12))
    text = sent(form)
    assert bring(text, f".{form}") == ((0, 0, 5, 0), [])
    for one in client.get(ALL).json:
        client.delete(f"{ALL}/{one['id']}")
    assert bring(text, f".{form}") == ((0, 5, 0, 0), [])
    assert sent(form) == text
    assert sees(app, "x" * 255) == [at(2)]


def test_a_file_that_does_not_say_whose_they_are_takes_them_from_nobody(app, bring):
    bring(HEADER + "".join(LINES))
    without = "".join(line.rpartition(",")[0] + "\n" for line in (HEADER, *LINES))
    assert bring(without)[0] == (0, 0, 3, 0)
    assert bring(HEADER + "".join(line.rpartition(",")[0] + ",\n" for line in LINES))[0] == (0, 0, 3, 0)
    assert (sees(app, "one"), sees(app, "two")) == ([at(10)], [at(12)])


@pytest.mark.parametrize("line", [LINES[0].replace("one", "two"), LINES[2].replace(",\n", ",one\n")])
def test_a_file_that_says_otherwise_is_told(app, bring, line):
    bring(HEADER + "".join(LINES))
    counts, (reason,) = bring(HEADER + line)
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "period_taken")
    assert (sees(app, "one"), sees(app, "two")) == ([at(10)], [at(12)])


@pytest.mark.parametrize("client_id", ["a b", "é", "x" * 256, "a\n", "\t", "", 1, True, ["one"]])
def test_what_no_gateway_could_say_is_refused(client, bring, client_id):
    line = {"resource_type": "cars", "name": "Car1", **period_fields(10, 12), "client_id": client_id}
    counts, (reason,) = bring(json.dumps(line), ".jsonl")
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "client_id")
    assert client.get("/api/cars").json == []


def test_null_is_nobody(app, client, bring):
    line = {"resource_type": "cars", "name": "Car1", **period_fields(10, 12), "client_id": None}
    assert bring(json.dumps(line), ".jsonl")[0] == (1, 1, 0, 0)
    assert len(client.get(ALL).json) == 1


def test_only_files_say_it(client, car, refused):
    for path in (f"{car}/allocations", "/api/cars/any/allocations"):
        refused(
            client.post(path, json={**period_fields(10, 12), "client_id": "one"}), 422, "invalid_fields", "client_id"
        )
    made = client.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    refused(client.patch(made, json={"client_id": "one"}), 422, "invalid_fields", "client_id")
    assert "client_id" not in client.get(made).json
