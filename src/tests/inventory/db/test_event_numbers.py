"""What the feed's readers rely on: whoever writes an event announces a number below every one that it draws."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg

TRIES = 20_000

# One number is as good as an event: what counts is when it was drawn.
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
    """Draw numbers for as long as nobody has finished."""
    with psycopg.connect(url, autocommit=True) as other:
        while not finished.is_set():
            other.execute("SELECT count(nextval('events_key_seq')) FROM generate_series(1, 1000)")


def test_a_sequence_that_was_set_anew_announces_too(engine, database_url, client, register):
    if engine == "sqlite":
        return
    register("Car1")
    # As after a move of the data to another server.
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


def test_an_announcement_is_below_what_is_drawn_however_many_draw_at_once(engine, database_url):
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
