"""Changes of allocations that overlap, because they were stored while the constraint was missing.

On SQLite the triggers can be restored while the overlap is still stored; they then reject a change that would keep it.
PostgreSQL refuses to restore the constraint, so there the changes succeed.
"""

import pytest
from flask_migrate import upgrade

from invsys.inventory.maintenance import integrity_check
from tests.support import overlap_constraint
from tests.support.change_lists import CHANGES
from tests.support.hours_in_2099 import hour_start, let_holds_expire

OUTER, INNER, LAST, OPEN = (8, 20), (9, 10), (19, 22), (None, 9)


@pytest.fixture
def client(fresh_app):
    """A test client of a database that only this test uses."""
    upgrade()
    return fresh_app.test_client()


@pytest.fixture
def urls(engine, client, car, allocate):
    """The URLs of overlapping allocations by their hours; on SQLite, the triggers have been restored."""
    statements = overlap_constraint.drop()
    urls = {
        hours: allocate(car, *map(hour_start, hours), hold_seconds=3600).headers["Location"]
        for hours in (OUTER, INNER, LAST, OPEN)
    }
    if engine == "sqlite":
        overlap_constraint.restore(statements)
    return urls


@pytest.fixture
def changed(engine, refused):
    """Return a function that checks the response to a change that keeps the overlap."""

    def changed(response):
        if engine == "sqlite":
            return refused(response, 409, "period_taken")["conflicts"]
        assert response.status_code == 200, response.text
        return None

    return changed


CHANGES_OF_ONE = [
    {"description": "new"},
    {"hold_seconds": 7200},
    {"status": "confirmed"},
    {"dump": {"a": 1}, "reference": "order-1"},
]


@pytest.mark.parametrize("hours", [OUTER, INNER])
def test_a_change_that_keeps_the_overlap_is_refused_with_the_conflicts(client, urls, changed, hours):
    ids = {urls[other][-36:] for other in {OUTER: [INNER, LAST, OPEN], INNER: [OUTER]}[hours]}
    for fields in CHANGES_OF_ONE:
        conflicts = changed(client.patch(urls[hours], json=fields))
        assert conflicts is None or {conflict["id"] for conflict in conflicts} == ids, fields


@pytest.mark.parametrize("hours", [OUTER, INNER])
def test_a_change_list_that_keeps_the_overlap_is_refused_with_the_index(client, urls, changed, hours):
    others = [{"id": urls[other][-36:], "description": "new"} for other in urls if other != hours]
    entry = {"id": urls[hours][-36:], "description": "new"}
    assert changed(client.post(CHANGES, json={"changes": [entry]})) != []
    assert changed(client.post(CHANGES, json={"changes": [entry, *others]})) != []


def test_changes_that_end_the_overlaps_are_made(client, register, urls):
    for hours, fields in (
        (INNER, {"resource_id": register("Car2")[-36:]}),
        (LAST, {"from_datetime": hour_start(20)}),
        (OPEN, {"to_datetime": hour_start(8)}),
    ):
        response = client.patch(urls[hours], json=fields)
        assert response.status_code == 200, response.text
    assert integrity_check.check().overlaps == 0


def test_an_overlapping_allocation_can_be_cancelled(client, urls):
    for hours in (OUTER, OPEN):
        assert client.delete(urls[hours]).status_code == 204
    assert integrity_check.check().overlaps == 0


def test_an_expired_hold_that_overlaps_does_not_prevent_a_change(engine, fresh_app, client, urls):
    statements = overlap_constraint.drop() if engine == "sqlite" else []
    assert client.patch(urls[OUTER], json={"status": "confirmed"}).status_code == 200
    let_holds_expire(fresh_app)
    overlap_constraint.restore(statements)
    assert client.patch(urls[OUTER], json={"description": "new"}).status_code == 200
    entry = {"id": urls[OUTER][-36:], "description": "newer"}
    assert client.post(CHANGES, json={"changes": [entry]}).status_code == 200


def test_new_allocations_are_refused_or_made(engine, client, car, urls, allocate, refused):
    assert allocate(car, hour_start(22), hour_start(23)).status_code == 201
    for hours in ((8, 9), (9, 11), (18, 20), (None, 8)):
        if engine == "sqlite":
            refused(allocate(car, *map(hour_start, hours)), 409, "period_taken")
        else:
            assert allocate(car, *map(hour_start, hours)).status_code == 201
