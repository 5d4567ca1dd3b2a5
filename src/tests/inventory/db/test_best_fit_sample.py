"""The cost of ``any_strategy = best_fit``, which depends on ``best_fit_sample``, not on the size of the fleet."""

from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, text

from invsys.inventory.db.models import db
from tests.support.blocking import locked
from tests.support.hours_in_2099 import period_fields

SAMPLE, FLEET = 20, 2000
NUMBERS = {
    "postgresql": "SELECT generate_series(1, :fleet) AS number",
    "sqlite": "WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < :fleet)"
    " SELECT number FROM n",
}
IDS = {"postgresql": "gen_random_uuid()", "sqlite": "lower(hex(randomblob(16)))"}
VEHICLES = """
INSERT INTO continuous_resources (id, resource_type, name, attributes)
SELECT {id}, 'Car', 'Car' || number, '{{"seats": 4}}' FROM ({numbers}) AS numbers"""
# The most that a request may read (rows of vehicles) or execute (SQLite's instructions). A search of the whole fleet
# reads 2,000 rows, or executes at least 90,000 instructions.
LIMITS = {"postgresql": 21 * SAMPLE, "sqlite": 40_000}
ALLOCATIONS = """
INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends)
SELECT {id}, key, '2000-01-01 00:00:00.000000', '2100-01-01 00:00:00.000000' FROM continuous_resources
WHERE key % 100 <> 0"""

LOCK = "SELECT 1 FROM continuous_resources WHERE id IN ({ids}) FOR UPDATE"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The settings, with the strategy best_fit and a small sample."""
    return environ | {"INVSYS_API_ANY_STRATEGY": "best_fit", "INVSYS_API_BEST_FIT_SAMPLE": str(SAMPLE)}


@pytest.fixture
def fleet(engine: str, app: Flask) -> None:
    """Register two thousand vehicles, all of them free."""
    _execute(app, engine, VEHICLES.format(id=IDS[engine], numbers=NUMBERS[engine]))


@pytest.fixture
def busy_fleet(engine: str, app: Flask, fleet: None) -> None:
    """Register two thousand vehicles, of which one in a hundred is free."""
    _execute(app, engine, ALLOCATIONS.format(id=IDS[engine]))


def _execute(app: Flask, engine: str, statement: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(statement), {"fleet": FLEET})
        # SQLite's statistics would remain in the file, and change the query plans of later tests.
        if engine == "postgresql":
            connection.execute(text("ANALYZE"))


@pytest.fixture
def work(engine: str, app: Flask, client: FlaskClient) -> Callable[..., int]:
    """Return a function that requests any vehicle and returns the cost of its queries.

    The cost is the number of vehicle rows that PostgreSQL reads, or of instructions that SQLite executes.
    """

    def work(**fields: Any) -> int:
        with app.app_context():
            engines = list(db.engines.values())
            queries: list[tuple[str, Any]] = []

            def remember(connection: Any, cursor: Any, statement: str, params: Any, context: Any, many: bool) -> None:
                queries.append((statement, params))

            for one in engines:
                event.listen(one, "before_cursor_execute", remember)
            answer = client.post("/api/cars/any/allocations", json=period_fields(10, 12) | fields)
            for one in engines:
                event.remove(one, "before_cursor_execute", remember)
            assert answer.status_code == 201, answer.text
            measure = _instructions if engine == "sqlite" else _vehicles_read
            return sum(measure(db.engine, *query) for query in queries if query[0].startswith("SELECT"))

    return work


def _instructions(engine: Engine, statement: str, params: Any) -> int:
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    with closing(engine.raw_connection()) as pooled:
        connection: Any = pooled.driver_connection
        connection.set_progress_handler(step, 1)
        connection.execute(statement, params).fetchall()
        connection.set_progress_handler(None, 1)
    return count


def _vehicles_read(engine: Engine, statement: str, params: Any) -> int:
    with engine.connect() as connection:
        plans = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", params).scalar_one()
    return int(sum(_rows(plans[0]["Plan"])))


def _rows(plan: dict[str, Any]) -> Iterator[float]:
    if plan.get("Relation Name") == "continuous_resources":
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from _rows(inner)


@pytest.mark.parametrize("fields", [{}, {"attributes": {"seats": 4}}, {"quantity": 5}], ids=str)
@pytest.mark.usefixtures("fleet")
def test_only_a_sample_of_the_fleet_is_examined(engine: str, work: Callable[..., int], fields: dict[str, Any]) -> None:
    assert work(**fields) <= LIMITS[engine]


@pytest.mark.usefixtures("busy_fleet")
def test_a_bounded_part_of_the_fleet_is_examined_if_few_vehicles_are_free(
    engine: str, work: Callable[..., int]
) -> None:
    assert work() <= LIMITS[engine]


@pytest.mark.usefixtures("fleet")
def test_samples_start_at_different_vehicles(client: FlaskClient) -> None:
    orders = [client.post("/api/cars/any/allocations", json=period_fields(hour, hour + 1)) for hour in range(8)]
    assert len({order.json["resource_id"] for order in orders if order.json}) > 1


@pytest.mark.usefixtures("busy_fleet")
def test_an_order_is_only_refused_if_no_vehicle_is_free(client: FlaskClient) -> None:
    free = FLEET // 100
    several = client.post("/api/cars/any/allocations", json=period_fields(10, 12) | {"quantity": free - 2})
    assert several.status_code == 201, several.text
    statuses = [client.post("/api/cars/any/allocations", json=period_fields(10, 12)).status_code for _ in range(3)]
    assert statuses == [201, 201, 409]


@pytest.mark.usefixtures("engine")
def test_a_sample_continues_at_the_start_of_the_fleet(client: FlaskClient, register: Callable[..., str]) -> None:
    cars = {register(f"Car{number}")[-36:] for number in range(SAMPLE + 5)}
    orders = [client.post("/api/cars/any/allocations", json=period_fields(10, 12)) for _ in cars]
    assert {order.json["resource_id"] for order in orders if order.json} == cars


def test_locked_vehicles_are_skipped_even_if_they_fit_best(
    engine: str, database_url: str, client: FlaskClient, car: str, register: Callable[..., str]
) -> None:
    # There are more of these vehicles than candidates in the first attempt.
    tight = [car, *(register(f"Tight{number}") for number in range(SAMPLE - 5))]
    for path in tight:
        assert client.post(f"{path}/allocations", json=period_fields(8, 10)).status_code == 201
    other = register("Other")
    ids = ", ".join(f"'{path[-36:]}'" for path in tight)
    lock = nullcontext() if engine == "sqlite" else locked(database_url, LOCK.format(ids=ids))
    with lock:
        order = client.post("/api/cars/any/allocations", json=period_fields(10, 12))
    assert order.status_code == 201, order.text
    if engine == "postgresql":
        assert order.json is not None
        assert order.json["resource_id"] == other[-36:]
