"""Query plans of lists.

The query of a page reads no past allocations and no rows of other vehicles, and starts where the previous page ended.
"""

import uuid

import pytest

from invsys.inventory.queries.allocation_pages import page_statement
from tests.support.query_plans import VEHICLES, execute

LATER, EARLIER = "2022-09-01T00:00:00Z", "2021-06-01T00:00:00Z"


@pytest.mark.parametrize("limit", [20, 3])
@pytest.mark.parametrize(
    "query", ["order=-from", f"order=-from&to={EARLIER}", f"order=-from&from={LATER}", f"to={EARLIER}"]
)
@pytest.mark.usefixtures("fleet")
def test_both_orders_read_a_page_from_its_beginning(engine, client, rows_read, query, limit):
    if engine == "sqlite":
        return
    url = f"/api/cars/all/allocations?{query}&limit={limit}"
    for _ in range(3):
        # For the window, the last allocation of each vehicle before it.
        assert rows_read(url) <= 2 * (limit + 1) + (2 * VEHICLES if "&from" in query else 0)
        url = client.get(url).headers["Link"].partition(">")[0].removeprefix("<")


@pytest.mark.usefixtures("fleet")
def test_no_allocation_is_read_to_find_that_there_are_none_before_an_instant(engine, rows_read):
    if engine == "sqlite":
        return
    for order in ("from", "-from"):
        assert rows_read(f"/api/cars/all/allocations?to=2020-01-01T00:00:00Z&order={order}") == 0


# Per vehicle: for each listed allocation one row of the index and one of the table, and for the window the last one
# before it.
@pytest.mark.parametrize(
    ("query", "max_rows"),
    [
        ("limit=9", 20),
        ("limit=9&order=-from", 20),
        (f"limit=1000&from={LATER}&to=2022-09-08T00:00:00Z", 20),
        (f"limit=1000&from={LATER}&to=2022-09-08T00:00:00Z&order=-from", 20),
        (f"limit=9&to={EARLIER}&order=-from", 20),
        ("from=2099-01-01T00:00:00Z", 2),
        ("limit=9&allocation_type=booking", 20),
    ],
)
@pytest.mark.usefixtures("fleet")
def test_a_list_of_some_vehicles_reads_neither_others_nor_more_than_a_page_of_each(
    engine, client, rows_read, query, max_rows
):
    if engine == "sqlite":
        return
    ids = [vehicle["id"] for vehicle in client.get("/api/cars").json]
    # Two with allocations, and two without.
    vehicles = "&".join(f"resource_id={number}" for number in (*ids[:2], *ids[-2:]))
    url = f"/api/cars/all/allocations?{vehicles}&{query}"
    assert rows_read(url) <= 4 * max_rows
    if "from=" in query:
        # Without a window, the whole table may be read: these are half of the vehicles that the planner expects.
        assert rows_read(f"{url}&count=true") <= 4 * 40
    if "limit=9" in query:
        following = client.get(url).headers["Link"].partition(">")[0].removeprefix("<")
        assert rows_read(following) <= 4 * max_rows


@pytest.mark.usefixtures("fleet")
def test_availability_reads_the_allocations_in_the_window(engine, client, rows_read):
    if engine == "sqlite":
        return
    vehicles = "&".join(f"resource_id={vehicle['id']}" for vehicle in client.get("/api/cars").json)
    for query in (f"from={LATER}&to=2022-09-08T00:00:00Z", "from=2099-01-01T00:00:00Z", "to=2020-01-05T00:00:00Z"):
        for url in (f"/api/cars/all/availability?{query}", f"/api/cars/all/availability?{query}&{vehicles}"):
            assert rows_read(url) <= 9 * VEHICLES


def test_sqlite_lists_some_vehicles_by_their_keys(engine, plan, steps):
    if engine == "postgresql":
        return
    values = {"resource_type": "Car", "owner": "one", "resource_ids": [], "after_key": None, "limit": 9}
    for others in ((), ("start", "end"), ("after_key", "after_start"), ("owner",)):
        for descending in (False, True):
            listing = plan(page_statement(frozenset({"resource_ids", *others}), None, descending), **values)
            assert "_resource_key ((resource_key,starts)>(?,?) AND (resource_key,starts)<(?,?))" in listing
            assert "resource_type (resource_type=?)" not in listing
            assert "SCAN continuous" not in listing
    assert "SCAN continuous" not in steps(f"/api/cars/all/availability?resource_id={uuid.uuid4()}")


MANY_VEHICLES = """
INSERT INTO continuous_resources (id, resource_type, name)
SELECT gen_random_uuid(), 'Car', 'Car ' || lpad(number::text, 5, '0') FROM generate_series(1, 5000) AS number"""


@pytest.mark.parametrize(
    ("query", "max_rows"),
    [
        ("order=name&limit=9", 10),
        ("name_prefix=Car 0123&limit=100", 10),
        ("name_prefix=Car 0123&order=name&limit=100", 10),
        ("name_prefix=Car 0&order=name&limit=9", 10),
        ("name_prefix=nothing", 0),
        ("name_prefix=Car_0", 0),
    ],
)
def test_vehicles_are_found_by_their_names_in_the_index(engine, app, client, rows_read, steps, query, max_rows):
    url = f"/api/cars?{query}"
    if engine == "sqlite":
        plan = steps(url)
        assert "name_in_circulation (resource_type=?" in plan
        assert ("name>? AND name<?" in plan) is ("name_prefix" in query)
        assert "TEMP B-TREE" not in plan or "order" not in query
        return
    execute(app, MANY_VEHICLES)
    assert rows_read(url, table="continuous_resources") <= max_rows
    if "limit=9" in query:
        following = client.get(url).headers["Link"].partition(">")[0].removeprefix("<")
        # The last vehicle of the page before is read again.
        assert rows_read(following, table="continuous_resources") <= max_rows + 1
