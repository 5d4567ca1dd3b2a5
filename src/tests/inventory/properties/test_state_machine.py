"""Every verb in any order, holds that expire, keys, conditions: the service does what a model in plain integers does.

And whoever knows nothing but the change feed knows everything.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import delete_all_rows
from tests.support.model import is_empty
from tests.support.model_changes import ModelChanges
from tests.support.model_orders import ModelOrders
from tests.support.model_queries import ModelQueries

thorough = settings(max_examples=20, stateful_step_count=40, deadline=None, database=None, print_blob=True)

# One of those that there are, by its place among them.
which = st.integers(0, 9)
day, hours = st.integers(0, 12), st.integers(1, 5)
bound = st.none() | day
short = st.builds(lambda start, length: (start, start + length), day, st.integers(1, 3))
periods = short | st.tuples(bound, bound).filter(lambda period: not is_empty(period))
windows = periods.filter(lambda window: window != (None, None))
holds = st.none() | hours
orders = st.lists(st.tuples(which, short, holds), min_size=2, max_size=8)
names = st.builds("Car{}".format, st.integers(0, 7))
attributes = st.fixed_dictionaries({}, optional={"seats": st.sampled_from([2, 4]), "city": st.just("Leeds")})
wanted = st.sampled_from([{}, {}, {"seats": 4}, {"city": "Leeds", "seats": 4}])
descriptions = st.sampled_from([None, "Fair", "<&>"])
keys = st.sampled_from([None, None, "key-1", "key-2", "key-3", "key-4"])
matches = st.sampled_from([None, None, "any", "present", "stale"])
settlements = st.builds(dict, hold=hours) | st.just({"confirm": True})
changes_of_period = st.fixed_dictionaries({}, optional={"start": bound, "end": bound})

are_vehicles = precondition(lambda self: self.both.fleet.vehicles)
are_allocations = precondition(lambda self: self.both.fleet.live())
are_keys = precondition(lambda self: self.both.keys)


def pick(number, items):
    return list(items)[number % len(items)]


class Verbs(ModelOrders, ModelChanges, ModelQueries):
    """The service and its model, with everything that can be asked of them."""

    def come_too_late(self, item, changes, match):
        """Try to use what is gone."""
        if "resource_registered" in self.kinds[item]:
            self.allocate(item, (1, 2), None, None, None)
            self.change_vehicle(item, {"name": "Late"}, match)
            self.decommission(item, match)
        else:
            self.change(item, changes, match)
            self.deallocate(item, match)


class Machine(RuleBasedStateMachine):
    """The verbs, as hypothesis draws them."""

    def __init__(self, app):
        super().__init__()
        with app.app_context():
            delete_all_rows()
        self.both = Verbs(app)

    def vehicle(self, number):
        return pick(number, self.both.fleet.vehicles)

    def allocation(self, number, status=None):
        live = self.both.fleet.live()
        return pick(number, [each for each in live if live[each].status == status] or live)

    @initialize(fleet=st.lists(attributes, min_size=2, max_size=4), orders=orders)
    def begin(self, fleet, orders):
        for number, given in enumerate(fleet):
            self.both.register(f"Car{number}", given, None)
        for vehicle, period, hold in orders:
            self.both.allocate(self.vehicle(vehicle), period, hold, None, None)

    @rule(name=names, attributes=attributes, key=keys)
    def register(self, name, attributes, key):
        self.both.register(name, attributes, key)

    @are_vehicles
    @rule(vehicle=which, period=periods, hold=holds, description=descriptions, key=keys)
    def allocate(self, vehicle, period, hold, description, key):
        self.both.allocate(self.vehicle(vehicle), period, hold, description, key)

    @rule(quantity=st.sampled_from([1, 1, 2, 3]), period=periods, attributes=wanted, hold=holds, key=keys)
    def allocate_any(self, quantity, period, attributes, hold, key):
        if quantity == 1:
            self.both.allocate_any(period, attributes, hold, key)
        else:
            self.both.allocate_several(quantity, period, attributes, hold, key)

    @are_keys
    @rule(key=which)
    def repeat(self, key):
        self.both.repeat(pick(key, self.both.keys))

    @are_vehicles
    @rule(vehicle=which, name=st.none() | names, attributes=st.none() | attributes, match=matches)
    def change_vehicle(self, vehicle, name, attributes, match):
        given = {"name": name, "attributes": attributes}
        changes = {field: value for field, value in given.items() if value is not None}
        self.both.change_vehicle(self.vehicle(vehicle), changes, match)

    @are_vehicles
    @rule(vehicle=which, match=matches)
    def decommission(self, vehicle, match):
        self.both.decommission(self.vehicle(vehicle), match)

    @are_allocations
    @rule(allocation=which, changes=changes_of_period, description=descriptions, to=st.none() | which, match=matches)
    def change(self, allocation, changes, description, to, match):
        vehicle = {} if to is None else {"vehicle": self.vehicle(to)}
        self.both.change(self.allocation(allocation), changes | vehicle | {"description": description}, match)

    @are_allocations
    @rule(allocation=which, settlement=settlements, changes=changes_of_period, match=matches)
    def settle(self, allocation, settlement, changes, match):
        self.both.change(self.allocation(allocation, "held"), changes | settlement, match)

    @are_allocations
    @rule(allocation=which, match=matches)
    def deallocate(self, allocation, match):
        self.both.deallocate(self.allocation(allocation), match)

    @precondition(lambda self: self.both.gone())
    @rule(item=which, changes=st.just({}) | settlements, match=matches)
    def come_too_late(self, item, changes, match):
        self.both.come_too_late(pick(item, self.both.gone()), changes, match)

    @rule(hours=hours, purge=st.booleans())
    def hours_pass(self, hours, purge):
        self.both.hours_pass(hours)
        if purge:
            self.both.purge()

    @are_keys
    @rule()
    def keys_grow_old(self):
        self.both.keys_grow_old()

    @are_vehicles
    @rule(vehicle=which, window=windows, attributes=wanted)
    def ask(self, vehicle, window, attributes):
        for status in (None, "held", "confirmed"):
            self.both.allocations(self.vehicle(vehicle), window, status)
        self.both.availability(window)
        self.both.free(window, attributes)

    @invariant()
    def agree(self):
        self.both.everything()

    def teardown(self):
        self.both.feed()


def test_whatever_is_done_the_service_and_its_model_agree_and_the_feed_tells_it_all(app):
    run_state_machine_as_test(lambda: Machine(app), settings=thorough)
