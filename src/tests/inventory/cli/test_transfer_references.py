"""References in files: they survive export and import, and files of earlier versions have none."""

import json

import pytest

from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.tables import table_driven

HEADER = "resource_type,name,from_datetime,to_datetime,reference\n"
LINES = (
    f"cars,Car1,{hour_start(10)},{hour_start(12)},PO 1\n",
    f"cars,Car1,{hour_start(12)},{hour_start(14)},0012\n",
    f"cars,Car1,{hour_start(14)},{hour_start(16)},\n",
)
ALL = "/api/cars/all/allocations"


def references(client):
    return [row["reference"] for row in client.get(ALL).json]


def test_a_file_sets_references_and_can_be_imported_again(client, import_text):
    for counts in ((1, 3, 0, 0), (0, 0, 3, 0)):
        assert import_text(HEADER + "".join(LINES)) == (counts, [])
    assert references(client) == ["PO 1", "0012", None]
    events = client.get("/api/events").json["events"]
    assert [event["data"]["reference"] for event in events if event["kind"] == "allocated"] == ["PO 1", "0012", None]
    # The request id is null, because no request made the changes.
    assert {event["request_id"] for event in events} == {None}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_references_survive_export_and_import(client, car, import_text, exported, form):
    for hour, reference in enumerate(("PO 1", "=1+1", "x" * 128, "a,\"b';c", "Ü", "null", None)):
        body = {**period_fields(hour, hour + 1), "reference": reference}
        assert client.post(f"{car}/allocations", json=body).status_code == 201
    text, before = exported(form), references(client)
    assert import_text(text, f".{form}") == ((0, 0, 7, 0), [])
    for row in client.get(ALL).json:
        client.delete(f"{ALL}/{row['id']}")
    assert import_text(text, f".{form}") == ((0, 7, 0, 0), [])
    assert exported(form) == text
    assert references(client) == before


def test_a_file_without_references_does_not_change_them(client, import_text):
    import_text(HEADER + "".join(LINES))
    without = "".join(line.rpartition(",")[0] + "\n" for line in (HEADER, *LINES))
    assert import_text(without) == ((0, 0, 3, 0), [])
    assert references(client) == ["PO 1", "0012", None]


@pytest.mark.parametrize("line", [LINES[0].replace("PO 1", "PO 2"), LINES[2].replace(",\n", ",PO 1\n")])
def test_a_line_with_another_reference_is_refused(client, import_text, line):
    import_text(HEADER + "".join(LINES))
    counts, (reason,) = import_text(HEADER + line)
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "period_taken")
    assert references(client) == ["PO 1", "0012", None]


@table_driven("reference", ["", " 1", "x" * 129, "a\u200b", "a\n", 12, True, ["PO 1"]])
def test_an_invalid_reference_is_refused(client, import_text, reference):
    line = {"resource_type": "cars", "name": "Car1", **period_fields(10, 12), "reference": reference}
    counts, (reason,) = import_text(json.dumps(line), ".jsonl")
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "reference")
    assert client.get("/api/cars").json == []
