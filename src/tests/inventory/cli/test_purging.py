"""``invsys-manage purge``: it deletes old rows and keeps all others, and readers of the feed can continue."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResourceAllocation, Event, IdempotencyKey, db
from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.time_travel import shift_timestamps

TTL, DAY = 60, 86400
EXPIRES, CREATED, AT = ContinuousResourceAllocation.expires, IdempotencyKey.created, Event.at


@pytest.fixture
def environ(environ, request):
    """The settings, which retain Idempotency-Keys for TTL seconds, or for the seconds in the test's parameter."""
    return environ | {"INVSYS_API_IDEMPOTENCY_TTL": str(getattr(request, "param", TTL))}


@pytest.fixture
def purge(run, environ, monkeypatch):
    """Return a function that runs the command with the given settings of ``[api]`` and returns the printed counts."""

    def purge(**api):
        for name, value in {**environ, **_variables(api)}.items():
            monkeypatch.setenv(name, value)
        status, printed, _ = run("purge")
        assert status == 0
        return {name: int(number) for name, number in (line.split(": ") for line in printed.splitlines())}

    return purge


def _variables(api):
    return {f"INVSYS_API_{name.upper()}": str(value) for name, value in api.items()}


@pytest.fixture
def send(client, car):
    """Return a function that allocates the car for an hour, with an Idempotency-Key."""

    def send(hour, key):
        return client.post(f"{car}/allocations", json=period_fields(hour, hour + 1), headers={"Idempotency-Key": key})

    return send


@pytest.fixture
def stored_keys(app):
    """Return a function that returns the stored Idempotency-Keys."""

    def stored_keys():
        with app.app_context(), session.read() as connection:
            return connection.scalars(select(IdempotencyKey.key).order_by(IdempotencyKey.key)).all()

    return stored_keys


def counts(holds=0, keys=0, events=0):
    return {"expired holds": holds, "idempotency keys": keys, "events": events}


def is_replayed(response):
    assert response.status_code == 201, response.text
    return "Idempotency-Replayed" in response.headers


def kinds(events):
    return [(event["kind"], event["allocation_id"]) for event in events]


def test_a_purge_without_old_rows_changes_nothing(car, booking, purge, nothing_changes):
    with nothing_changes():
        assert purge() == purge(events_ttl=1) == counts()


def test_expired_holds_are_deleted_with_an_event_each(app, client, car, booking, allocate, purge):
    expiring = [allocate(car, hour_start(hour), hour_start(hour + 1), hold_seconds=60).json["id"] for hour in (8, 9)]
    hold = allocate(car, hour_start(13), hour_start(14), hold_seconds=600).json
    reader = FeedReader(client)
    reader.new_events()
    shift_timestamps(app, EXPIRES, seconds=60)
    before = client.get(f"{car}/allocations").json
    assert purge() == counts(holds=2)
    assert sorted(kinds(reader.new_events())) == sorted(("expired", hold_id) for hold_id in expiring)
    assert client.get(f"{car}/allocations").json == before
    assert [row["id"] for row in before] == [booking[-36:], hold["id"]]
    assert purge() == counts()
    assert reader.new_events() == []


@pytest.mark.parametrize(("age", "is_old"), [(TTL - 30, False), (TTL, True), (10 * DAY, True)])
def test_keys_are_remembered_for_the_time_in_the_settings(app, send, purge, stored_keys, age, is_old):
    first = send(10, "old")
    shift_timestamps(app, CREATED, seconds=age)
    send(11, "new")
    assert purge() == counts(keys=int(is_old))
    assert stored_keys() == (["new"] if is_old else ["new", "old"])
    assert is_replayed(send(11, "new"))
    repeated = send(10, "old")
    assert (repeated.status_code, repeated.json.get("id")) == ((409, None) if is_old else (201, first.json["id"]))


def test_the_setting_changes_how_long_keys_are_remembered(app, send, purge, stored_keys):
    send(10, "old")
    shift_timestamps(app, CREATED, seconds=10 * TTL)
    assert purge(idempotency_ttl=11 * TTL) == counts()
    assert stored_keys() == ["old"]


def test_an_old_key_can_be_reused_without_a_purge(app, client, send, stored_keys):
    first = send(10, "key")
    shift_timestamps(app, CREATED, seconds=TTL)
    second = send(11, "key")
    assert not is_replayed(second)
    assert is_replayed(send(11, "key"))
    assert send(10, "key").json["code"] == "idempotency_key_reused"
    assert stored_keys() == ["key"]
    listed = [row["id"] for row in client.get("/api/cars/all/allocations").json]
    assert listed == [first.json["id"], second.json["id"]]


def test_a_request_with_an_old_key_can_conflict(app, client, send, refused):
    first = send(10, "key")
    shift_timestamps(app, CREATED, seconds=TTL)
    refused(send(10, "key"), 409, "period_taken")
    client.delete(first.headers["Location"])
    repeated = send(10, "key")
    assert not is_replayed(repeated)
    assert repeated.json["id"] != first.json["id"]


def test_events_are_retained_for_400_days_by_default(app, client, car, booking, allocate, purge):
    shift_timestamps(app, AT, days=1)
    later = allocate(car, hour_start(13), hour_start(14)).json["id"]
    shift_timestamps(app, AT, days=398)
    assert purge() == counts()
    shift_timestamps(app, AT, days=1)
    assert purge() == counts(events=2)
    # Without a cursor, the feed begins at the oldest retained event.
    assert kinds(FeedReader(client).new_events()) == [("allocated", later)]


def test_with_0_days_events_are_retained_forever(app, client, send, purge):
    send(10, "key")
    shift_timestamps(app, AT, days=10_000)
    shift_timestamps(app, CREATED, days=10_000)
    before = FeedReader(client).new_events()
    assert purge(events_ttl=0) == counts(keys=1)
    assert FeedReader(client).new_events() == before


def test_old_events_are_deleted_after_the_time_in_the_settings(app, client, car, booking, purge):
    shift_timestamps(app, AT, days=1)
    other = client.post("/api/cars", json={"name": "Car2"}).json["id"]
    assert purge(events_ttl=2) == counts()
    assert purge(events_ttl=1) == counts(events=2)
    assert [event["resource_id"] for event in FeedReader(client).new_events()] == [other]


@pytest.mark.parametrize("environ", [3 * DAY], indirect=True, ids=["keys are remembered longer than events"])
def test_events_that_a_key_refers_to_are_retained(app, client, send, purge):
    first = send(10, "key")
    for column in (AT, CREATED):
        shift_timestamps(app, column, days=2)
    assert purge(events_ttl=1) == counts()
    assert is_replayed(send(10, "key"))
    for column in (AT, CREATED):
        shift_timestamps(app, column, days=1, seconds=60)
    assert purge(events_ttl=1) == counts(keys=1, events=1)
    assert kinds(FeedReader(client).new_events()) == [("allocated", first.json["id"])]
    assert client.get(first.headers["Location"]).status_code == 200


@pytest.mark.parametrize("limit", [1, 1000])
def test_the_newest_event_is_retained_and_a_reader_continues_at_its_cursor(
    app, client, car, booking, allocate, purge, limit
):
    reader = FeedReader(client, limit)
    reader.new_events()
    shift_timestamps(app, AT, days=2)
    assert purge(events_ttl=1) == counts(events=1)
    assert reader.next_page() == []
    assert kinds(FeedReader(client).new_events()) == [("allocated", booking[-36:])]
    new_id = allocate(car, hour_start(13), hour_start(14)).json["id"]
    assert kinds(reader.new_events()) == kinds(FeedReader(client).new_events()[1:]) == [("allocated", new_id)]


def test_a_reader_whose_events_were_deleted_has_to_start_again(app, client, car, booking, allocate, purge, refused):
    start = client.get("/api/events?limit=1").json["next"]
    shift_timestamps(app, AT, days=2)
    new_id = allocate(car, hour_start(13), hour_start(14)).json["id"]
    purge(events_ttl=1)
    body = refused(client.get("/api/events", query_string={"after": start}), 410, "cursor_expired")
    assert "after=now" in body["detail"]
    assert kinds(FeedReader(client).new_events()) == [("allocated", new_id)]


def test_an_old_event_after_a_newer_one_is_retained(app, client, car, booking, allocate, purge):
    allocate(car, hour_start(13), hour_start(14))
    with app.app_context(), db.engine.begin() as connection:
        old, last = datetime.now(UTC) - timedelta(days=2), select(func.max(Event.key)).scalar_subquery()
        connection.execute(update(Event).where(Event.key == last - 1).values(at=old))
    before = FeedReader(client).new_events()
    assert purge(events_ttl=1) == counts()
    assert FeedReader(client, limit=1).new_events() == before


def test_events_with_a_time_in_the_future_do_not_stop_the_purge(app, client, car, booking, allocate, purge):
    shift_timestamps(app, AT, days=2)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(update(Event).where(Event.kind == "allocated").values(at=datetime(2200, 1, 1, tzinfo=UTC)))
    allocate(car, hour_start(13), hour_start(14))
    assert purge(events_ttl=1) == counts(events=2)
