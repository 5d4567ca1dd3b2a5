"""The number of items of a list, which ``count=true`` returns in the header X-Total-Count."""

import pytest
from sqlalchemy import text

from invsys.inventory.db.models import db
from invsys.inventory.db.session import disable_timeouts
from tests.support.hours_in_2099 import hour_start, let_holds_expire

ALL = "/api/cars/all/allocations"


@pytest.fixture
def total(client):
    """Return a function that returns the X-Total-Count of a list, and checks that the list has as many items."""

    def total(url, **query):
        response = client.get(url, query_string={**query, "count": "true", "limit": 1})
        number = int(response.headers["X-Total-Count"])
        items = client.get(url, query_string={**query, "limit": 1000})
        assert "X-Total-Count" not in items.headers
        assert len(items.json) == number
        assert len(response.json) == min(number, 1)
        return number

    return total


def test_the_number_of_vehicles_counts_those_that_match_the_filters(client, register, allocate, total):
    assert total("/api/cars") == 0
    cars = [register(f"Car{number}", attributes={"seats": number % 2}) for number in range(5)]
    register("Lorry1", "lorries")
    client.delete(cars[4])
    allocate(cars[0], hour_start(10), hour_start(12))
    assert total("/api/cars") == total("/api/cars", order="name") == total("/api/cars", name_prefix="Car") == 4
    assert total("/api/cars", name="Car1") == total("/api/cars", name_prefix="Car1") == 1
    assert total("/api/cars", **{"attribute.seats": "0"}) == 2
    free = {"available_from": hour_start(11), "available_to": hour_start(13)}
    assert total("/api/cars", **free) == 3
    assert total("/api/cars", **free, **{"attribute.seats": "0"}, name_prefix="Car") == 1


def test_expired_holds_and_allocations_of_decommissioned_vehicles_are_not_counted(
    app, client, register, allocate, total
):
    cars = [register(f"Car{number}") for number in range(3)]
    for hour in range(3):
        allocate(cars[0], hour_start(hour), hour_start(hour + 1))
    allocate(cars[1], None, hour_start(2), hold_seconds=60)
    allocate(cars[2], "2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z")
    client.delete(cars[2])
    assert total(ALL) == 4
    assert total(ALL, status="held") == total(f"{cars[1]}/allocations") == 1
    let_holds_expire(app)
    assert total(ALL) == total(f"{cars[0]}/allocations") == 3
    assert total(f"{cars[1]}/allocations") == total("/api/lorries/all/allocations") == 0


def test_a_client_counts_only_its_own_allocations(one, two, car):
    for number, owner in enumerate((one, two, one)):
        body = {"from_datetime": hour_start(number), "to_datetime": hour_start(number + 1)}
        assert owner.post(f"{car}/allocations", json=body).status_code == 201
    for url in (ALL, f"{car}/allocations", f"{ALL}?from={hour_start(0)}", f"{ALL}?resource_id={car[-36:]}"):
        separator = "&" if "?" in url else "?"
        counts = [client.get(f"{url}{separator}count=true").headers["X-Total-Count"] for client in (one, two)]
        assert counts == ["2", "1"]


@pytest.mark.through_gateway
def test_every_page_has_the_number_of_the_whole_list(client, register, follow_pages):
    for number in range(3):
        register(f"Car{number}")
    first = client.get("/api/cars?limit=2&count=true")
    assert "count=true" in first.headers["Link"]
    second = client.get(first.headers["Link"].partition(">")[0].removeprefix("<"))
    assert (len(second.json), second.headers["X-Total-Count"]) == (1, "3")
    assert client.head("/api/cars?count=true").headers["X-Total-Count"] == "3"
    xml = client.get("/api/cars?count=true", headers={"Accept": "application/xml"})
    assert xml.headers["X-Total-Count"] == "3"


def test_no_count_is_the_default(client, car):
    for url in ("/api/cars?count=false", "/api/cars", f"{ALL}?count=false", f"{car}/allocations"):
        assert "X-Total-Count" not in client.get(url).headers


@pytest.mark.one_engine
@pytest.mark.parametrize("value", ["", "1", "True", "yes", "true,true", "null", "x" * 5000, "%00"])
def test_another_value_is_refused(client, car, refused, value):
    for url in ("/api/cars", f"{car}/allocations", ALL):
        refused(client.get(f"{url}?count={value}"), 422, "invalid_fields", "count")
    refused(client.get(f"{ALL}?count=true&count=true"), 422, "invalid_fields", "count")


@pytest.mark.one_engine
def test_lists_that_are_not_counted_refuse_the_parameter(client, car, refused):
    for url in ("/api/cars/all/availability", "/api/events", f"{car}/allocations.ics"):
        refused(client.get(f"{url}?count=true"), 422, "invalid_fields", "count")


MANY = {
    "sqlite": """
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
        INSERT INTO continuous_resources (id, resource_type, name)
        SELECT printf('%032x', n), 'Car', 'Car' || n FROM numbers""",
    "postgresql": """
        INSERT INTO continuous_resources (id, resource_type, name)
        SELECT lpad(to_hex(n), 32, '0')::uuid, 'Car', 'Car' || n FROM generate_series(1, :count) AS n""",
}
ALWAYS_ALLOCATED = (
    "INSERT INTO continuous_resource_allocations (id, resource_key) SELECT id, key FROM continuous_resources"
)


REMOVE_ALL = ("DELETE FROM continuous_resource_allocations", "DELETE FROM continuous_resources")


@pytest.fixture
def many_vehicles(engine, app):
    """Store 100,001 vehicles with an allocation each, and delete them after the test, both without timeouts."""

    def execute(*statements):
        with app.app_context(), db.engine.begin() as connection:
            disable_timeouts(connection)
            for statement in statements:
                connection.execute(text(statement), {"count": 100_001})

    execute(MANY[engine], ALWAYS_ALLOCATED)
    if engine == "postgresql":
        # Without statistics, the count can take longer than the timeout of a statement.
        execute("ANALYZE")
    yield
    execute(*REMOVE_ALL)


@pytest.mark.usefixtures("many_vehicles")
def test_a_number_above_100_000_is_absent(client):
    urls = ("/api/cars?count=true&limit=1", f"{ALL}?count=true&limit=1")
    for url in urls:
        response = client.get(url)
        assert (response.status_code, len(response.json)) == (200, 1)
        assert "X-Total-Count" not in response.headers
    (allocation,) = client.get(urls[1]).json
    assert client.delete(f"{ALL}/{allocation['id']}").status_code == 204
    assert client.delete(f"/api/cars/{allocation['resource_id']}").status_code == 204
    assert [client.get(url).headers["X-Total-Count"] for url in urls] == ["100000"] * 2
