"""An import does not take a hold for the allocation that it is to make: the hold may expire."""

import pytest

from invsys.inventory import schemas
from invsys.inventory.commands import bulk_load
from invsys.inventory.commands.bulk_load import Order
from tests.support.instants import at, period_fields


@pytest.mark.parametrize("confirmed", [True, False])
def test_only_a_confirmed_allocation_is_known(app, client, car, allocate, confirmed):
    held = allocate(car, at(10), at(12), hold_seconds=60).headers["Location"]
    if confirmed:
        assert client.patch(held, json={"status": "confirmed"}).status_code == 200
    with app.app_context():
        order = Order("Car", "Car1", {}, schemas.imported_allocation.load(period_fields(10, 12)))
        (fate,) = bulk_load.load([order]).fates
    assert (fate == bulk_load.KNOWN) is confirmed
