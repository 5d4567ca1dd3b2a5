"""Imports of closed vehicles: only a line with the same ``closed_from`` can allocate a period after the closure."""

import pytest

from tests.support.hours_in_2099 import hour_start, period_fields

HEADER = "resource_type,name,closed_from,from_datetime,to_datetime\n"
NOON = hour_start(12)
MAINTENANCE = {**period_fields(12, None), "allocation_type": "maintenance", "despite_closed": True}
REFUSED = "resource_closed: Car1 is closed for a part of this period"


def line(start, end, closed_from=""):
    return f"cars,Car1,{closed_from},{hour_start(start)},{hour_start(end)}\n"


def close(client, car, closed_from=NOON):
    assert client.patch(car, json={"closed_from": closed_from}).status_code == 200


def test_an_import_allocates_a_closed_vehicle_only_before_the_closure(client, car, import_text):
    close(client, car)
    text = HEADER + line(10, 12) + line(12, 13) + line(8, 10) + line(11, 14)
    assert import_text(text) == ((0, 2, 0, 2), [REFUSED, REFUSED])


@pytest.mark.parametrize("closed_from", ["", NOON])
def test_an_allocation_from_before_the_closure_is_unchanged(client, car, import_text, closed_from):
    assert import_text(HEADER + line(11, 13)) == ((0, 1, 0, 0), [])
    close(client, car)
    assert import_text(HEADER + line(11, 13, closed_from)) == ((0, 0, 1, 0), [])
    # A different period: the reason for the refusal is the closure, unless the line has the same closed_from.
    counts, (reason,) = import_text(HEADER + line(11, 14, closed_from))
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "period_taken" if closed_from else "resource_closed")


def test_a_file_with_another_closure_does_not_change_the_vehicle(client, car, import_text):
    assert import_text(HEADER + line(12, 13, hour_start(11))) == ((0, 1, 0, 0), [])
    assert client.get(car).json["closed_from"] is None
    close(client, car)
    assert import_text(HEADER + line(13, 14, hour_start(11))) == ((0, 0, 0, 1), [REFUSED])
    assert client.get(car).json["closed_from"] == NOON


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_closed_vehicle_survives_export_and_import(client, car, import_text, exported, form):
    booking = client.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    close(client, car, hour_start(11))
    maintenance = client.post(f"{car}/allocations", json=MAINTENANCE).headers["Location"]
    text = exported(form)
    assert import_text(text, f".{form}") == ((0, 0, 2, 0), [])
    for url in (booking, maintenance):
        client.delete(url)
    # The vehicle is still closed, but the lines have the same closed_from.
    assert import_text(text, f".{form}") == ((0, 2, 0, 0), [])
    for row in client.get(f"{car}/allocations").json:
        client.delete(f"{car}/allocations/{row['id']}")
    client.delete(car)
    # Now the vehicle is missing, as in an empty database.
    assert import_text(text, f".{form}") == ((1, 2, 0, 0), [])
    assert exported(form) == text
    assert client.get("/api/cars").json[0]["closed_from"] == hour_start(11)


@pytest.mark.one_engine
@pytest.mark.parametrize("closed_from", ["tomorrow", "infinity", "1899-01-01T00:00:00Z"])
def test_a_line_whose_closure_is_not_an_instant_is_refused(import_text, closed_from):
    counts, (reason,) = import_text(HEADER + line(10, 12, closed_from))
    assert (counts, reason.partition(":")[0]) == ((0, 0, 0, 1), "closed_from")
