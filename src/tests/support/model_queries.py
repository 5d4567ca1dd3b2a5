"""Reads from the service and its model: lists, availability, the change feed."""

from invsys.inventory.maintenance import purge
from tests.support.change_feed import FeedReader
from tests.support.days_around_now import day_start, days_of, query
from tests.support.model import divide_window, numbers, overlap
from tests.support.model_runner import ALL, CARS, DAY, ModelRunner
from tests.support.replay import ReplayedFeed, without_expires


class ModelQueries(ModelRunner):
    """The operations that read from both and compare the results."""

    def _get(self, url, params=None):
        response = self.client.get(url, query_string={"limit": 1000, **(params or {})})
        assert response.status_code == 200, response.text
        return response.json

    def compare_lists(self):
        """Compare all vehicles and all allocations."""
        rows = self._get(CARS)
        assert {row["id"]: (row["name"], row["attributes"], row["closed_from"]) for row in rows} == {
            key: (vehicle.name, vehicle.attributes, day_start(vehicle.closed_from))
            for key, vehicle in self.fleet.vehicles.items()
        }
        assert [row["id"] for row in rows] == list(self.fleet.vehicles)
        self._compare_rows(self._get(ALL), self.fleet.active())

    def _compare_rows(self, rows, expected):
        assert {row["id"] for row in rows} == set(expected)
        for row in rows:
            self.check_allocation(row, expected[row["id"]])
        starts = [numbers(days_of(row))[0] for row in rows]
        assert starts == sorted(starts)

    def allocations(self, vehicle, window, status):
        """Compare a vehicle's allocations in a window; if ``status`` is not None, only those with this status."""
        expected = {
            key: allocation
            for key, allocation in self.fleet.active().items()
            if allocation.vehicle == vehicle
            and overlap(allocation.period, window)
            and status in (None, allocation.status)
        }
        self._compare_rows(
            self._get(f"{CARS}/{vehicle}/allocations", query(window) | ({"status": status} if status else {})), expected
        )

    def availability(self, window):
        """Compare the free and busy periods of each vehicle."""
        rows = self._get(f"{CARS}/all/availability", query(window))
        assert [row["resource_id"] for row in rows] == list(self.fleet.vehicles)
        for row in rows:
            periods = tuple([days_of(period) for period in row[kind]] for kind in ("free", "busy"))
            assert periods == divide_window(self.fleet.busy_periods(row["resource_id"]), window)
            response = self.client.get(f"{CARS}/{row['resource_id']}/availability", query_string=query(window))
            assert response.json == row

    def free(self, window, attributes):
        """Compare the vehicles with these attributes that are free during the whole window."""
        params = query(window, ("available_from", "available_to"))
        filters = {f"attribute.{key}": str(value) for key, value in attributes.items()}
        expected = self.fleet.free(window, attributes)
        assert [row["id"] for row in self._get(CARS, params | filters)] == expected

    def purge(self):
        """Purge the database, which also writes the events of all expired holds."""
        with self.app.app_context():
            purge.purge(DAY, 0)

    def compare_feed(self):
        """Replay the change feed from its start, and compare the result with the lists."""
        self.purge()
        replayed = ReplayedFeed()
        replayed.apply(FeedReader(self.client, limit=7).new_events())
        replayed.require_no_overlaps()
        expired = {
            key: ["expired"] for key, allocation in self.fleet.allocations.items() if self.fleet.is_expired(allocation)
        }
        assert replayed.kinds == {key: kinds + expired.get(key, []) for key, kinds in self.kinds.items()}
        assert list(replayed.vehicles.values()) == self._get(CARS)
        listed = {row["id"]: without_expires(row) for row in self._get(ALL)}
        assert listed == {key: without_expires(allocation) for key, allocation in replayed.allocations.items()}
