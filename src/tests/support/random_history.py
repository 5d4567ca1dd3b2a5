"""A random history of operations, the same for each seed, that can be played on any engine.

Items are chosen by their position. ``any`` vehicle is only requested with attributes that one vehicle has, because the
service chooses at random among several.
"""

import random

from tests.support.service_and_model import ServiceAndModel

_MATCHES = (None, None, None, "any", "present", "stale")
_KEYS = (None, None, "key-1", "key-2", "key-3", "key-4")


class RandomHistory:
    """The history of one seed, played on ``app``, an application with an empty database."""

    def __init__(self, app, seed):
        self.runner = ServiceAndModel(app)
        self._random = random.Random(seed)
        self._registered = 0

    def play(self, count):
        """Execute ``count`` operations; after each, compare the lists with the model."""
        for _ in range(4):
            self._register()
        operations = {
            self._register: 2,
            self._allocate: 10,
            self._allocate_any: 4,
            self._repeat: 2,
            self._change_vehicle: 3,
            self._close_or_open: 1,
            self._decommission: 1,
            self._change: 8,
            self._settle: 4,
            self._change_several: 4,
            self._deallocate: 3,
            self._use_removed_item: 2,
            self._hours_pass: 2,
            self._query: 4,
        }
        for operation in self._random.choices(list(operations), list(operations.values()), k=count):
            operation()
            self.runner.compare_lists()
        self.runner.compare_feed()

    def _pick(self, items):
        return self._random.choice(list(items))

    def _period(self):
        start = self._random.randint(0, 12)
        bounds = start, start + self._random.randint(1, 4)
        return tuple(None if self._random.random() < 0.05 else bound for bound in bounds)

    def _hold(self):
        return self._pick((None, None, 1, 3, 5))

    def _vehicle(self):
        return self._pick(self.runner.fleet.vehicles)

    def _allocation(self):
        return self._pick(self.runner.fleet.active())

    def _register(self):
        self._registered += 1
        name = f"Car{self._random.randint(0, 9)}" if self._registered > 4 else f"First{self._registered}"
        self.runner.register(name, {"number": self._registered}, self._pick(_KEYS))

    def _allocate(self):
        if self.runner.fleet.vehicles:
            text = self._pick((None, "Fair", "<&>"))
            despite_closed = self._random.random() < 0.2
            self.runner.allocate(self._vehicle(), self._period(), self._hold(), text, self._pick(_KEYS), despite_closed)

    def _allocate_any(self):
        number = self._random.randint(1, self._registered)
        self.runner.allocate_any(self._period(), {"number": number}, self._hold(), self._pick(_KEYS))

    def _repeat(self):
        if self.runner.keys:
            self.runner.repeat(self._pick(self.runner.keys))
        if self._random.random() < 0.2:
            self.runner.expire_keys()

    def _change_vehicle(self):
        if self.runner.fleet.vehicles:
            changes = {"name": f"Car{self._random.randint(0, 9)}"}
            self.runner.change_vehicle(self._vehicle(), changes, self._pick(_MATCHES))

    def _close_or_open(self):
        if self.runner.fleet.vehicles:
            closed_from = self._pick((None, 8, 12))
            self.runner.change_vehicle(self._vehicle(), {"closed_from": closed_from}, self._pick(_MATCHES))

    def _decommission(self):
        if len(self.runner.fleet.vehicles) > 2:
            self.runner.decommission(self._vehicle(), self._pick(_MATCHES))

    def _changes(self):
        start, end = self._period()
        changes = {"start": start, "end": end, "vehicle": self._vehicle()}
        return {name: value for name, value in changes.items() if self._random.random() < 0.5}

    def _change(self):
        if self.runner.fleet.active():
            self.runner.change(self._allocation(), self._changes(), self._pick(_MATCHES))

    def _settle(self):
        if self.runner.fleet.active():
            settlement = self._pick(({"confirm": True}, {"hold": 2}))
            self.runner.change(self._allocation(), settlement, self._pick(_MATCHES))

    def _change_several(self):
        if self.runner.fleet.active():
            self.runner.change_several({self._allocation(): self._changes() for _ in range(3)})

    def _deallocate(self):
        if self.runner.fleet.active():
            self.runner.deallocate(self._allocation(), self._pick(_MATCHES))

    def _use_removed_item(self):
        if items := self.runner.removed_items():
            self.runner.use_removed_item(self._pick(items), {}, self._pick(_MATCHES))

    def _hours_pass(self):
        self.runner.hours_pass(self._random.randint(1, 3))
        if self._random.random() < 0.3:
            self.runner.purge()

    def _query(self):
        start = self._random.randint(0, 8)
        window = start, start + self._random.randint(1, 5)
        for status in (None, "held", "confirmed"):
            if self.runner.fleet.vehicles:
                self.runner.allocations(self._vehicle(), window, status)
        self.runner.availability(window)
        self.runner.free(window, {})
