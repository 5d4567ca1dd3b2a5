"""Allocating ``any`` vehicle when thousands of expired holds overlap the requested period."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, db
from invsys.inventory.db.session import disable_timeouts

EPOCH, HOUR = datetime(2000, 1, 1, tzinfo=UTC), timedelta(hours=1)


@pytest.fixture(params=["random", "best_fit"])
def environ(environ, request):
    return environ | {"INVSYS_API_ANY_STRATEGY": request.param}


@pytest.fixture
def cars(register):
    """The URLs of three cars."""
    return [register(f"Car{number}") for number in range(3)]


def test_very_many_expired_holds_do_not_block_a_request(app, client, cars):
    with app.app_context(), db.engine.begin() as connection:
        disable_timeouts(connection)
        keys = connection.scalars(select(ContinuousResource.key)).all()
        hours = [EPOCH + hour * HOUR for hour in range(2000)]
        holds = [
            {"resource_key": key, "starts": hour, "ends": hour + HOUR, "expires": EPOCH}
            for hour in hours
            for key in keys
        ]
        connection.execute(insert(ContinuousResourceAllocation), holds)
    period = {"from_datetime": EPOCH.isoformat(), "to_infinity": True}
    response = client.post("/api/cars/any/allocations", json=period)
    assert response.status_code == 201
    # Only the holds of one vehicle were deleted.
    with app.app_context(), session.read() as connection:
        assert connection.scalar(select(func.count()).select_from(Event).where(Event.kind == "expired")) < 4000
