"""``any`` distributes allocations over all vehicles of a collection, no matter when they were registered."""

from datetime import UTC, datetime, timedelta

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
