"""All operations in random order, with expiring holds, Idempotency-Keys and If-Match: the service and its model agree.

The result of replaying the change feed also agrees with the lists.
"""

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from invsys.testing.database import delete_all_rows
from tests.support.effort import hypothesis_settings
from tests.support.model import is_empty
from tests.support.model_change_lists import ANY
from tests.support.service_and_model import ServiceAndModel

machine_settings = hypothesis_settings(5, 20, stateful_step_count=40, print_blob=True)

# An item is chosen by this index, modulo the number of existing items.
index = st.integers(0, 9)
day, hours = st.integers(0, 12), st.integers(1, 5)
bound = st.none() | day
short = st.builds(lambda start, length: (start, start + length), day, st.integers(1, 3))
periods = short | st.tuples(bound, bound).filter(lambda period: not is_empty(period))
windows = periods.filter(lambda window: window != (None, None))
holds = st.none() | hours
orders = st.lists(st.tuples(index, short, holds), min_size=2, max_size=8)
names = st.builds("Car{}".format, st.integers(0, 7))
attributes = st.fixed_dictionaries({}, optional={"seats": st.sampled_from([2, 4]), "city": st.just("Leeds")})
required_attributes = st.sampled_from([{}, {}, {"seats": 4}, {"city": "Leeds", "seats": 4}])
descriptions = st.sampled_from([None, "Fair", "<&>"])
closures = st.none() | st.integers(2, 12)
keys = st.sampled_from([None, None, "key-1", "key-2", "key-3", "key-4"])
matches = st.sampled_from([None, None, "any", "present", "stale"])
settlements = st.builds(dict, hold=hours) | st.just({"confirm": True})
changes_of_period = st.fixed_dictionaries({}, optional={"start": bound, "end": bound})
# The target of an entry of a change list: its current vehicle, ``any``, or a vehicle of the fleet.
targets = st.none() | st.just(ANY) | index
entries = st.tuples(index, changes_of_period | settlements, targets)

are_vehicles = precondition(lambda self: self.runner.fleet.vehicles)
are_allocations = precondition(lambda self: self.runner.fleet.active())
are_keys = precondition(lambda self: self.runner.keys)


def pick(number, items):
    return list(items)[number % len(items)]


class Machine(RuleBasedStateMachine):
    """The operations as rules of a Hypothesis state machine."""

    def __init__(self, app):
        super().__init__()
        with app.app_context():
            delete_all_rows()
        self.runner = ServiceAndModel(app)

    def vehicle(self, number):
        return pick(number, self.runner.fleet.vehicles)

    def allocation(self, number, status=None):
        active = self.runner.fleet.active()
        return pick(number, [key for key in active if active[key].status == status] or active)

    @initialize(fleet=st.lists(attributes, min_size=2, max_size=4), orders=orders)
    def begin(self, fleet, orders):
        for number, attributes in enumerate(fleet):
            self.runner.register(f"Car{number}", attributes, None)
        for vehicle, period, hold in orders:
            self.runner.allocate(self.vehicle(vehicle), period, hold, None, None)

    @rule(name=names, attributes=attributes, key=keys)
    def register(self, name, attributes, key):
        self.runner.register(name, attributes, key)

    @are_vehicles
    @rule(vehicle=index, period=periods, hold=holds, description=descriptions, key=keys, despite_closed=st.booleans())
    def allocate(self, vehicle, period, hold, description, key, despite_closed):
        self.runner.allocate(self.vehicle(vehicle), period, hold, description, key, despite_closed)

    @rule(quantity=st.sampled_from([1, 1, 2, 3]), period=periods, attributes=required_attributes, hold=holds, key=keys)
    def allocate_any(self, quantity, period, attributes, hold, key):
        if quantity == 1:
            self.runner.allocate_any(period, attributes, hold, key)
        else:
            self.runner.allocate_several(quantity, period, attributes, hold, key)

    @are_keys
    @rule(key=index)
    def repeat(self, key):
        self.runner.repeat(pick(key, self.runner.keys))

    @are_vehicles
    @rule(vehicle=index, name=st.none() | names, attributes=st.none() | attributes, match=matches)
    def change_vehicle(self, vehicle, name, attributes, match):
        fields = {"name": name, "attributes": attributes}
        changes = {field: value for field, value in fields.items() if value is not None}
        self.runner.change_vehicle(self.vehicle(vehicle), changes, match)

    @are_vehicles
    @rule(vehicle=index, closed_from=closures, match=matches)
    def close_or_open(self, vehicle, closed_from, match):
        self.runner.change_vehicle(self.vehicle(vehicle), {"closed_from": closed_from}, match)

    @are_vehicles
    @rule(vehicle=index, match=matches)
    def decommission(self, vehicle, match):
        self.runner.decommission(self.vehicle(vehicle), match)

    @are_allocations
    @rule(allocation=index, changes=changes_of_period, description=descriptions, to=st.none() | index, match=matches)
    def change(self, allocation, changes, description, to, match):
        vehicle = {} if to is None else {"vehicle": self.vehicle(to)}
        self.runner.change(self.allocation(allocation), changes | vehicle | {"description": description}, match)

    @are_allocations
    @rule(allocation=index, settlement=settlements, changes=changes_of_period, match=matches)
    def settle(self, allocation, settlement, changes, match):
        self.runner.change(self.allocation(allocation, "held"), changes | settlement, match)

    @are_allocations
    @rule(listed=st.lists(entries, min_size=1, max_size=4))
    def change_several(self, listed):
        changes = {}
        for allocation, fields, target in listed:
            vehicle = target if target in (None, ANY) else self.vehicle(target)
            changes[self.allocation(allocation)] = fields | ({} if vehicle is None else {"vehicle": vehicle})
        self.runner.change_several(changes)

    @are_allocations
    @rule(allocation=index, match=matches)
    def deallocate(self, allocation, match):
        self.runner.deallocate(self.allocation(allocation), match)

    @precondition(lambda self: self.runner.removed_items())
    @rule(item=index, changes=st.just({}) | settlements, match=matches)
    def use_removed_item(self, item, changes, match):
        self.runner.use_removed_item(pick(item, self.runner.removed_items()), changes, match)

    @rule(hours=hours, purge=st.booleans())
    def hours_pass(self, hours, purge):
        self.runner.hours_pass(hours)
        if purge:
            self.runner.purge()

    @are_keys
    @rule()
    def expire_keys(self):
        self.runner.expire_keys()

    @are_vehicles
    @rule(vehicle=index, window=windows, attributes=required_attributes)
    def query(self, vehicle, window, attributes):
        for status in (None, "held", "confirmed"):
            self.runner.allocations(self.vehicle(vehicle), window, status)
        self.runner.availability(window)
        self.runner.free(window, attributes)

    @invariant()
    def agree(self):
        self.runner.compare_lists()

    def teardown(self):
        self.runner.compare_feed()


def test_the_service_its_model_and_the_feed_agree_after_any_steps(app):
    run_state_machine_as_test(lambda: Machine(app), settings=machine_settings)
