"""Utilisation over HTTP: parameters, formats, and the limits of the response."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, db
from invsys.inventory.queries.utilisation import MAX_TYPES, OTHER_TYPES
from tests.support.hours_in_2099 import hour_start, let_holds_expire

URL = "/api/cars/utilisation"
WINDOW = {"from": hour_start(10), "to": hour_start(14)}


@pytest.fixture
def utilisation(client):
    """Return a function that requests the utilisation from 10:00 to 14:00, and returns the response."""

    def utilisation(url=URL, **query):
        response = client.get(url, query_string={**WINDOW, **query})
        assert response.status_code == 200, response.text
        return response.json

    return utilisation


@pytest.mark.through_gateway
def test_each_step_has_the_seconds_of_each_type_and_of_holds(car, register, allocate, utilisation):
    other = register("Car2")
    for vehicle, start, end, more in (
        (car, None, hour_start(11), {}),
        (car, "2099-03-01T11:30:00Z", hour_start(13), {"allocation_type": "maintenance"}),
        (other, "2099-03-01T10:15:00.25Z", None, {}),
        (register("Lorry1", "lorries"), None, None, {}),
    ):
        assert allocate(vehicle, start, end, **more).status_code == 201
    allocate(car, hour_start(13), hour_start(15), hold_seconds=600)
    assert utilisation() == {
        "from_datetime": hour_start(10),
        "to_datetime": hour_start(14),
        "step": "PT1H",
        "steps": [
            {
                "from_datetime": hour_start(hour),
                "vehicles": 2,
                "held": held,
                "allocated": allocated,
            }
            for hour, held, allocated in (
                (10, 0, {"booking": 3600 + 2699.75}),
                (11, 0, {"booking": 3600, "maintenance": 1800}),
                (12, 0, {"booking": 3600, "maintenance": 3600}),
                (13, 3600, {"booking": 3600}),
            )
        ],
    }


def test_a_hold_counts_until_it_expires_and_then_as_nothing(app, client, car, allocate, utilisation):
    hold = allocate(car, None, None, hold_seconds=600).headers["Location"]
    assert [step["held"] for step in utilisation(step="PT2H")["steps"]] == [7200, 7200]
    client.patch(hold, json={"status": "confirmed"})
    assert [(step["held"], step["allocated"]) for step in utilisation(step="PT4H")["steps"]] == [
        (0, {"booking": 14400})
    ]
    client.delete(hold)
    allocate(car, None, None, hold_seconds=600)
    let_holds_expire(app)
    assert [(step["held"], step["allocated"]) for step in utilisation(step="PT4H")["steps"]] == [(0, {})]


def test_a_decommissioned_vehicle_counts_with_its_allocations(client, car, allocate, utilisation):
    past = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z", "step": "P1D"}
    allocate(car, past["from"], past["to"])
    client.delete(car)
    assert utilisation(**past)["steps"][0]["allocated"] == {"booking": 86400}
    assert [step["vehicles"] for step in utilisation()["steps"]] == [0] * 4


def test_an_empty_collection_has_empty_steps(utilisation):
    for url in (URL, "/api/trucks/utilisation"):
        steps = utilisation(url)["steps"]
        assert [step.pop("from_datetime") for step in steps] == [hour_start(hour) for hour in range(10, 14)]
        assert steps == [{"vehicles": 0, "held": 0, "allocated": {}}] * 4


@pytest.mark.parametrize(
    ("step", "starts"),
    [
        ("PT2H", ["10:00:00", "12:00:00"]),
        ("PT90M", ["10:00:00", "11:30:00", "13:00:00"]),
        ("PT1H20M", ["10:00:00", "11:20:00", "12:40:00"]),
        ("PT4800S", ["10:00:00", "11:20:00", "12:40:00"]),
        ("P0DT3H0M1S", ["10:00:00", "13:00:01"]),
        ("P1D", ["10:00:00"]),
        ("P99999999DT99999999H99999999M99999999S", ["10:00:00"]),
    ],
)
def test_the_last_step_ends_with_the_window(car, allocate, utilisation, step, starts):
    allocate(car, None, None)
    response = utilisation(step=step)
    assert response["step"] == step
    assert [row["from_datetime"] for row in response["steps"]] == [f"2099-03-01T{start}Z" for start in starts]
    assert sum(row["allocated"]["booking"] for row in response["steps"]) == 4 * 3600


def test_steps_ignore_the_offsets_and_the_change_of_the_clocks(car, allocate, utilisation):
    allocate(car, None, None)
    window = {"from": "2026-03-28T00:00:00+01:00", "to": "2026-03-31T00:00:00+02:00"}
    rows = utilisation(**window, step="P1D")["steps"]
    assert [row["from_datetime"] for row in rows] == [f"2026-03-{day}T23:00:00Z" for day in (27, 28, 29)]
    assert [row["allocated"]["booking"] // 3600 for row in rows] == [24, 24, 23]


def test_a_closed_vehicle_is_in_circulation_and_not_allocated(client, car, utilisation):
    client.patch(car, json={"closed_from": hour_start(10)})
    (step,) = utilisation(step="PT4H")["steps"]
    assert (step["vehicles"], step["held"], step["allocated"]) == (1, 0, {})


def test_fractions_of_a_second_are_rounded_once(car, allocate, utilisation):
    assert allocate(car, "2099-03-01T10:00:00.000001Z", "2099-03-01T10:00:02Z").status_code == 201
    assert utilisation()["steps"][0]["allocated"] == {"booking": 1.999999}


def test_the_longest_window_has_exact_sums(car, register, allocate, utilisation):
    for vehicle in (car, *(register(f"Car{number}") for number in range(2, 51))):
        assert allocate(vehicle, None, None).status_code == 201
    start, end = "1900-01-01T00:00:00Z", "9998-12-31T23:59:59.999999Z"
    (step,) = utilisation(**{"from": start, "to": end, "step": "P9999999D"})["steps"]
    length = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    assert step["allocated"] == {"booking": 50 * length / timedelta(seconds=1)}


@pytest.mark.one_engine
@pytest.mark.parametrize(
    "step",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "PT1",
        "1H",
        "P1Y",
        "P1M",
        "P1W",
        "PT0.5H",
        "PT1,5S",
        "-PT1H",
        "PT-1H",
        "+PT1H",
        "pt1h",
        "PT1M1H",
        "P1H",
        "PT1D",
        "PT1H ",
        " PT1H",
        "PT1H\n",
        "P0D",
        "PT0S",
        "PT999999999S",
        "PT\u0661H",
        "3600",
        "PT1H" * 999,
    ],
)
def test_an_invalid_step_is_refused(client, refused, step):
    refused(client.get(URL, query_string={**WINDOW, "step": step}), 422, "invalid_fields", "step")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"to": hour_start(14)}, "from"),
        ({"from": hour_start(10)}, "to"),
        ({"from": hour_start(14), "to": hour_start(10)}, "to"),
        ({"from": hour_start(10), "to": hour_start(10)}, "to"),
        ({**WINDOW, "from": "today"}, "from"),
        ({**WINDOW, "to": "9999-01-01T00:00:00Z"}, "to"),
        ({**WINDOW, "limit": 5}, "limit"),
        ({**WINDOW, "step": ["PT1H", "PT2H"]}, "step"),
        ({**WINDOW, "to": ["2099-03-01T14:00:00Z"] * 2}, "to"),
    ],
)
def test_an_invalid_query_is_refused(client, refused, query, field):
    refused(client.get(URL, query_string=query), 422, "invalid_fields", field)


def test_a_window_has_at_most_1000_steps(client, refused, utilisation):
    assert len(utilisation(to="2099-03-01T10:16:40Z", step="PT1S")["steps"]) == 1000
    for end in ("2099-03-01T10:16:40.000001Z", "9998-01-01T00:00:00Z"):
        refused(client.get(URL, query_string={**WINDOW, "to": end, "step": "PT1S"}), 422, "invalid_fields", "step")
    refused(client.get(URL, query_string={**WINDOW, "to": "2099-06-01T00:00:00Z"}), 422, "invalid_fields", "step")


@pytest.mark.through_gateway
def test_the_response_is_private_and_can_be_cached_for_a_minute(client, car, allocate):
    allocate(car, hour_start(10), hour_start(12), allocation_type="a b")
    json, xml = (
        client.get(URL, query_string=WINDOW, headers={"Accept": f"application/{form}"}) for form in ("json", "xml")
    )
    for response in (json, xml):
        assert (response.status_code, response.headers["Cache-Control"]) == (200, "private, max-age=60")
    assert xml.text.count("<vehicles>1</vehicles>") == len(json.json["steps"]) == 4
    assert '<entry key="a b">3600</entry>' in xml.text


@pytest.mark.one_engine
def test_unknown_collections_and_methods_are_refused(client, refused):
    refused(client.get(f"/api/vans/utilisation?from={hour_start(10)}"), 404, "not_found")
    refused(client.post(URL, json={}), 405, "method_not_allowed")


def _minutes(count):
    begin = datetime.fromisoformat(hour_start(10))
    return [begin + timedelta(minutes=number) for number in range(count)]


def test_the_types_with_the_fewest_seconds_are_added_up(app, car, utilisation):
    with app.app_context(), db.engine.begin() as connection:
        key = connection.scalar(select(func.max(ContinuousResource.key)))
        rows = [
            {
                "resource_key": key,
                "starts": start,
                "ends": start.replace(second=10, microsecond=number // 60 * 900_000),
                "allocation_type": f"t{number:03}",
            }
            for number, start in enumerate(_minutes(MAX_TYPES + 3))
        ]
        connection.execute(insert(ContinuousResourceAllocation), rows)
    (step,) = utilisation(step="PT4H")["steps"]
    # 60 types with 10 seconds each, the others with 10.9. Among equals, the first names are kept.
    kept = [f"t{number:03}" for number in (*range(57), *range(60, MAX_TYPES + 3))]
    assert {kind: seconds for kind, seconds in step["allocated"].items() if kind != OTHER_TYPES} == {
        kind: 10 if kind < "t060" else 10.9 for kind in kept
    }
    assert step["allocated"][OTHER_TYPES] == 30
