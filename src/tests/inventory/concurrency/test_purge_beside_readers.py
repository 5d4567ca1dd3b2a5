"""Feed readers during a purge: each reader gets every event in order, or a 410 cursor_expired."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from invsys.inventory.db.models import Event, db
from invsys.inventory.maintenance import purge

FEED = "/api/events"
CARS, DAY = 40, 86400


def write_and_purge(app):
    """Register cars, age their events and purge after every second car; return the number of deleted events."""
    client, purged = app.test_client(), 0
    for number in range(CARS):
        assert client.post("/api/cars", json={"name": f"{number}"}).status_code == 201
        with app.app_context():
            with db.engine.begin() as connection:
                connection.execute(update(Event).values(at=datetime.now(UTC) - timedelta(days=2)))
            purged += purge.purge(DAY, 1).events if number % 2 else 0
    return purged


def read(app, limit, writer):
    """Follow the feed until the writer has ended, starting again after each 410; return the car numbers of each run."""
    client, after, runs = app.test_client(), None, [[]]
    while True:
        writer_done = writer.done()
        response = client.get(FEED, query_string={"after": after, "limit": limit})
        if response.status_code == 410:
            after = None
            runs.append([])
            continue
        assert response.status_code == 200, response.text
        after = response.json["next"]
        runs[-1] += [int(event["data"]["name"]) for event in response.json["events"]]
        if writer_done and not response.json["events"]:
            return runs


def test_a_reader_loses_no_event_without_a_410(app):
    with ThreadPoolExecutor(4) as pool:
        writer = pool.submit(write_and_purge, app)
        readers = [pool.submit(read, app, limit, writer) for limit in (1, 3, 1000)]
    assert writer.result() == CARS - 1
    for reader in readers:
        runs = reader.result()
        assert runs[-1][-1] == CARS - 1
        for run in runs:
            assert run == list(range(run[0], run[0] + len(run))) if run else True
