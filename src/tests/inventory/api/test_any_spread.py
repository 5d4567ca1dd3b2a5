"""``any`` distributes allocations over all vehicles of a collection, no matter when they were registered."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from invsys.inventory.db.models import ContinuousResource, db

DAYS = 60


def test_vehicles_registered_after_many_others_are_all_allocated(client, register):
    for number in range(40):
        register(f"Car{number}")
    lorries = {register(f"Lorry{number}", "lorries")[-36:] for number in range(3)}
    days = [datetime(2099, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(DAYS)]
    periods = [
        {"from_datetime": f"{day:%Y-%m-%dT00:00:00Z}", "to_datetime": f"{day:%Y-%m-%dT12:00:00Z}"} for day in days
    ]
    vehicles = [client.post("/api/lorries/any/allocations", json=period).json["resource_id"] for period in periods]
    # On average, each lorry gets 20 allocations; the test fails by chance about once in a million runs.
    assert {lorry: vehicles.count(lorry) >= 4 for lorry in lorries} == dict.fromkeys(lorries, True)


@pytest.mark.parametrize("strategy", ["random", "best_fit"])
def test_the_keys_of_the_vehicles_may_be_far_apart(app, client, register, strategy):
    app.config["ANY_STRATEGY"] = strategy
    vehicles = {register("Roadster")[-36:], register("Coupé")[-36:]}
    # With several servers, each of them numbers vehicles from a start of its own.
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(update(ContinuousResource).where(ContinuousResource.name == "Coupé").values(key=2**62))
    period = {"from_datetime": "2099-01-01T00:00:00Z", "to_datetime": "2099-01-02T00:00:00Z"}
    responses = [client.post("/api/cars/any/allocations", json=period) for _ in vehicles]
    assert [response.status_code for response in responses] == [201, 201]
    assert {response.json["resource_id"] for response in responses} == vehicles
