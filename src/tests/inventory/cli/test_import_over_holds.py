"""Imports of periods that are held: a hold does not count as the allocation of the line, because it may expire."""

import pytest

from invsys.inventory.commands import bulk_load
from invsys.inventory.commands.bulk_load import ImportItem
from invsys.inventory.schemas import inputs
from tests.support.hours_in_2099 import hour_start, period_fields


@pytest.mark.parametrize("confirmed", [True, False])
def test_only_a_confirmed_allocation_counts_as_already_known(app, client, car, allocate, confirmed):
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).headers["Location"]
    if confirmed:
        assert client.patch(hold, json={"status": "confirmed"}).status_code == 200
    with app.app_context():
        order = ImportItem("Car", "Car1", {}, inputs.imported_allocation.load(period_fields(10, 12)))
        (outcome,) = bulk_load.load([order]).outcomes
    assert (outcome == bulk_load.UNCHANGED) is confirmed
