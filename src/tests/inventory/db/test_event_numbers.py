"""Event keys: a transaction announces, with an advisory lock, a number below all keys that it draws."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg

TRIES = 20_000

# The block draws keys without writing events, because only the order of announcing and drawing matters.
WRITE = f"""
DO $$
DECLARE
    drawn bigint;
    announced bigint;
BEGIN
    FOR try IN 1..{TRIES} LOOP
        drawn := next_event_key();
        SELECT objid::bigint INTO announced FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
        IF announced >= drawn THEN
            RAISE 'announced %, but drew %', announced, drawn;
        END IF;
        COMMIT;
    END LOOP;
END $$"""


def draw(url, finished):
    """Draw numbers until ``finished`` is set."""
    with psycopg.connect(url, autocommit=True) as other:
        while not finished.is_set():
            other.execute("SELECT count(nextval('events_key_seq')) FROM generate_series(1, 1000)")


def test_announcements_work_after_the_sequence_was_set_to_a_new_value(engine, database_url, client, register):
    if engine == "sqlite":
        return
    register("Car1")
    # Operators may do this, for example after moving the data to another server.
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("ALTER SEQUENCE events_key_seq RESTART WITH 1000000")
    with psycopg.connect(database_url) as late, psycopg.connect(database_url, autocommit=True) as writer:
        (first,) = late.execute("SELECT next_event_key()").fetchone()
        (second,) = writer.execute("SELECT next_event_key()").fetchone()
        assert first < second
        (horizon,) = writer.execute("SELECT event_horizon()").fetchone()
        assert horizon < first
        late.commit()
        assert writer.execute("SELECT event_horizon()").fetchone() == (second,)
    register("Car2")
    assert len(client.get("/api/events").json["events"]) == 2


def test_an_announced_number_is_below_the_drawn_one_despite_concurrent_draws(engine, database_url):
    if engine == "sqlite":
        return
    finished = Event()
    with ThreadPoolExecutor(2) as pool, psycopg.connect(database_url, autocommit=True) as writer:
        for _ in range(2):
            pool.submit(draw, database_url, finished)
        try:
            writer.execute(WRITE)
        finally:
            finished.set()
