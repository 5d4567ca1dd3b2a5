"""Reads from standbys: what they answer, how old the answers are, and when the primary answers instead."""

import threading
import time
import uuid
from datetime import datetime

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import event, text

from invsys.inventory.db import engine, session
from invsys.inventory.db.standbys import positions, reads
from tests.support import standbys
from tests.support.hours_in_2099 import period_fields
from tests.support.standbys import AVAILABILITY, NO_CACHE, is_from_standby, wait_for_standby
from tests.support.waiting import until

FROM, TO = "2099-03-01T00:00:00Z", "2099-03-02T00:00:00Z"
WINDOW = f"from={FROM}&to={TO}"
BEHIND = "it is more than 2 seconds behind."


@pytest.fixture(scope="module")
def servers(request):
    """A primary with a migrated database, and its standby."""
    if request.config.getoption("--sqlite-only"):
        pytest.skip("PostgreSQL only")
    with standbys.primary() as primary, standbys.standby_of(primary) as standby:
        yield primary, standby


@pytest.fixture
def primary(servers):
    return servers[0]


@pytest.fixture
def standby(servers):
    return servers[1]


@pytest.fixture
def client(primary, standby):
    """A client of a service that reads from the standby."""
    with standbys.service(primary, standby) as client:
        yield client


@pytest.fixture
def car(client):
    """The URL of a car, which the standby knows."""
    url = client.post("/api/cars", json={"name": f"Car {uuid.uuid4().hex[:20]}"}).headers["Location"]
    until(lambda: url.rpartition("/")[2] in wait_for_standby(client).text)
    yield url
    for allocation in client.get(f"{url}/allocations").json:
        client.delete(f"{url}/allocations/{allocation['id']}")
    client.delete(url)


def pause(standby):
    standby.query("SELECT pg_wal_replay_pause()::text")
    until(lambda: standby.query("SELECT pg_get_wal_replay_pause_state()") == ["paused"])


def resume(standby):
    standby.query("SELECT pg_wal_replay_resume()::text")


@pytest.fixture
def paused(standby):
    """Stop the replay of the standby until the end of the test."""
    pause(standby)
    yield
    resume(standby)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/api/cars/all/availability?{WINDOW}", True),
        (f"{{car}}/availability?{WINDOW}", True),
        (f"{{car}}/allocations?{WINDOW}", True),
        (f"/api/cars/all/allocations?from={FROM}", True),
        (f"/api/cars/all/allocations?to={TO}&order=-from&count=true", True),
        (f"/api/cars?available_from={FROM}&available_to={TO}", True),
        (f"/api/cars/utilisation?{WINDOW}", True),
        ("/api/cars/gbfs/vehicle_availability.json", True),
        ("{car}/allocations.ics", True),
        # Lists without a window, single items and look-ups by the caller's own name may follow a change.
        ("/api/cars", False),
        (f"/api/cars?name=Car1&available_from={FROM}", False),
        ("/api/cars/all/allocations", False),
        (f"/api/cars/all/allocations?reference=7&from={FROM}", False),
        ("{car}/allocations", False),
        ("{car}", False),
        ("/api/events", False),
        ("/table", False),
    ],
)
def test_standbys_answer_reads_that_may_be_a_moment_old(client, car, path, expected):
    path = path.format(car=car)
    if not expected:
        response = client.get(path)
        assert response.status_code == 200, response.text
        assert "Age" not in response.headers
    else:
        response = wait_for_standby(client, path)
        until(lambda: "Age" in client.head(path).headers)
        # A feed of GBFS contains the time of the answer.
        current = client.get(path, headers=NO_CACHE)
        assert "gbfs" in path or current.data == response.data


def test_no_cache_asks_the_primary(client, car):
    for value in ("no-cache", "No-Cache", "max-age=60, NO-CACHE", "no-store,no-cache", 'no-cache="x"'):
        assert not is_from_standby(client.get(AVAILABILITY, headers={"Cache-Control": value}))
    for value in ("no-store", "max-age=60", "max-age=x", "no-cached", ""):
        headers = {"Cache-Control": value}
        until(lambda headers=headers: is_from_standby(client.get(AVAILABILITY, headers=headers)))


def test_max_age_limits_the_age(client, car):
    for value in ("max-age=0", "no-store, Max-Age = 0", 'max-age="0"', "max-age=0, max-age=59"):
        assert not is_from_standby(client.get(AVAILABILITY, headers={"Cache-Control": value}))
    response = client.get(AVAILABILITY, headers={"Cache-Control": "max-age=59"})
    assert int(response.headers.get("Age", 0)) <= 59


def test_what_a_standby_does_not_know_yet_is_answered_by_the_primary(client, car, paused):
    new = client.post("/api/cars", json={"name": "Car2"}).headers["Location"]
    response = client.get(f"{new}/availability")
    assert response.status_code == 200
    assert "Age" not in response.headers
    # The standby still answers, as of a moment ago.
    assert new.rpartition("/")[2] not in wait_for_standby(client).text
    assert new.rpartition("/")[2] in client.get(AVAILABILITY, headers=NO_CACHE).text
    client.delete(new)


def is_over(client, hold):
    with client.application.app_context():
        return session.now() > datetime.fromisoformat(hold["expires"])


def test_a_hold_that_was_confirmed_after_the_time_of_the_data_does_not_seem_expired(client, car, standby):
    url = f"{car}/allocations?{WINDOW}"
    for seconds in (2, 10, 60):
        hold = client.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": seconds}).json
        until(lambda hold=hold: client.get(url).json or is_over(client, hold))
        pause(standby)
        confirmation = client.patch(f"{car}/allocations/{hold['id']}", json={"status": "confirmed"})
        if confirmation.status_code == 200:
            break
        # The machine was too busy to confirm the hold in time.
        resume(standby)
    assert confirmation.status_code == 200
    until(lambda: is_over(client, hold))
    response = wait_for_standby(client, url)
    resume(standby)
    # The standby has the hold, and not its confirmation: it shows what was true a moment ago.
    assert [row["id"] for row in response.json] == [hold["id"]]


def test_an_expired_hold_disappears_from_a_standby(client, car):
    url = f"{car}/allocations?{WINDOW}"
    for seconds in (1, 10, 60):
        hold = client.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": seconds}).json
        until(lambda hold=hold: is_over(client, hold) or wait_for_standby(client, url).json)
        if seen := wait_for_standby(client, url).json:
            break
        # The machine was too busy to see the hold in time.
    assert seen
    until(lambda: not wait_for_standby(client, url).json)


def test_invalid_requests_get_the_same_problem(client, car):
    responses = [
        client.get(f"{AVAILABILITY}&cursor=x", headers=headers) for headers in ({}, {"Cache-Control": "no-cache"})
    ]
    assert [response.status_code for response in responses] == [422, 422]


def test_a_paused_standby_is_left_out_when_it_is_too_old_and_comes_back(primary, standby, caplog):
    with standbys.service(primary, standby, max_staleness=2) as client:
        wait_for_standby(client)
        pause(standby)
        car = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
        registered_at = time.monotonic()
        while True:
            sent_at = time.monotonic()
            response = client.get(AVAILABILITY)
            if "Age" not in response.headers:
                break
            assert int(response.headers["Age"]) <= 2
            # The standby does not have the car, so its data are at least as old as the car.
            assert sent_at - registered_at <= int(response.headers["Age"]) <= 2
        assert car.rpartition("/")[2] in response.text
        # On a busy machine, there may be other warnings.
        until(lambda: f"The standby {standby.address} is left out, and the primary answers: {BEHIND}" in caplog.text)
        for _ in range(20):
            assert not is_from_standby(client.get(AVAILABILITY))
        resume(standby)
        assert car.rpartition("/")[2] in wait_for_standby(client).text
        client.delete(car)


def test_an_idle_primary_does_not_make_a_standby_old(primary, standby):
    with standbys.service(primary, standby, max_staleness=1) as client:
        wait_for_standby(client)
        # The next record would begin after the header of a page, which no standby has replayed.
        primary.query("SELECT pg_switch_wal()::text")
        switched = time.monotonic()
        until(lambda: time.monotonic() > switched + 3 and age_of(standby) < 1)
        wait_for_standby(client)


def age_of(standby):
    return REGISTRY.get_sample_value("database_standby_age_seconds", {"standby": standby.address})


def test_answers_are_never_older_than_they_say(primary, standby):
    """While a thread registers vehicles, each answer has all those that were acknowledged before ``Age`` began."""
    with standbys.service(primary, standby, max_staleness=1) as client:
        wait_for_standby(client)
        registered, stop = [], threading.Event()

        def register():
            other = client.application.test_client()
            while not stop.is_set():
                location = other.post("/api/lorries", json={"name": f"L{len(registered)}"}).headers["Location"]
                registered.append((time.monotonic(), location.rpartition("/")[2]))

        thread = threading.Thread(target=register)
        thread.start()
        try:
            answered = 0
            while answered < 40:
                sent_at = time.monotonic()
                count = len(registered)
                response = client.get(f"/api/lorries?available_from={FROM}&limit=1000")
                if is_from_standby(response):
                    answered += 1
                    limit = sent_at - int(response.headers["Age"])
                    missing = {car for at, car in registered[:count] if at < limit} - {c["id"] for c in response.json}
                    assert len(response.json) == 1000 or not missing
        finally:
            stop.set()
            thread.join()


def test_the_primary_answers_if_the_replay_cancels_a_read(primary, standby, client, car):
    """The replay of a vacuum ends transactions that may still read the removed rows."""
    with client.application.app_context():
        (standby_engine,) = engine.current().standbys.values()
    primary.execute("CREATE TABLE removed AS SELECT 1")
    statements = []

    def cause_conflict(connection, cursor, statement, *_):
        if "continuous_resource" not in statement:
            # The background check.
            return
        statements.append(statement)
        if len(statements) == 2:
            # The first statement has taken the snapshot of the transaction.
            for cause in ("DELETE FROM removed", "VACUUM removed"):
                primary.execute(cause)
            (position,) = primary.query("SELECT pg_current_wal_flush_lsn()::text")
            until(lambda: standby.query(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == [True])

    event.listen(standby_engine, "before_cursor_execute", cause_conflict)

    def is_cancelled():
        # On a busy machine, the primary may answer without an attempt on the standby.
        statements.clear()
        assert not is_from_standby(client.get(f"/api/cars/utilisation?{WINDOW}"))
        return len(statements) == 2

    until(is_cancelled)
    event.remove(standby_engine, "before_cursor_execute", cause_conflict)
    primary.execute("DROP TABLE removed")
    wait_for_standby(client)


def test_commands_never_use_a_standby(client, car):
    with client.application.app_context():
        choices = []
        until(lambda: choices.append(reads.of_app().choose()) or choices[-1])
        standby = choices[-1]
        with reads.from_standby(standby, 60):
            with session.read() as connection:
                assert connection.scalar(text("SELECT pg_is_in_recovery()"))
            with session.snapshot() as connection:
                assert connection.scalar(text("SELECT pg_is_in_recovery()"))
                assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
            for connect in (session.write, session.transaction, session.read_primary):
                with connect() as connection:
                    assert not connection.scalar(text("SELECT pg_is_in_recovery()"))
            assert session.try_without_waiting(lambda c: 1 - c.scalar(text("SELECT pg_is_in_recovery()::int"))) == 1


def test_a_role_without_further_rights_can_read_the_positions(primary, standby):
    primary.execute("CREATE ROLE plain LOGIN")
    # As the role of the service.
    primary.execute("GRANT SELECT ON events TO plain")
    until(lambda: standby.query("SELECT count(*) FROM pg_roles WHERE rolname = 'plain'") == [1])
    with psycopg.connect(primary.url().replace("postgres@", "plain@")) as connection:
        primary_position = positions.of_primary(connection)
    with psycopg.connect(standby.url().replace("postgres@", "plain@")) as connection:
        replayed = positions.of_standby(connection)
    assert (primary_position.is_standby, replayed.is_standby) == (False, True)
    assert primary_position.cluster == replayed.cluster
    assert primary_position.position > 0
    assert replayed.position > 0
    primary.execute("DROP OWNED BY plain; DROP ROLE plain")


def test_own_writes_are_read_with_no_cache(client, car):
    for hour in range(10):
        assert client.post(f"{car}/allocations", json=period_fields(hour, hour + 1)).status_code == 201
        response = client.get(f"{car}/allocations?{WINDOW}", headers=NO_CACHE)
        assert len(response.json) == hour + 1
    until(lambda: len(client.get(f"{car}/allocations?{WINDOW}").json) == 10)
