"""Questions to the service and its model: what is there, who is free when, and what the change feed has told."""

from invsys.inventory.maintenance import purge
from tests.support.change_feed import Reader
from tests.support.days import days, query
from tests.support.model import divided, numbers, overlap
from tests.support.model_runner import ALL, CARS, DAY, Beside
from tests.support.replay import Replayed, but_expires


class Questions(Beside):
    """What is asked."""

    def _ask(self, url, given=None):
        response = self.client.get(url, query_string={"limit": 1000, **(given or {})})
        assert response.status_code == 200, response.text
        return response.json

    def everything(self):
        """Compare all vehicles and all allocations."""
        found = self._ask(CARS)
        assert {each["id"]: (each["name"], each["attributes"]) for each in found} == {
            each: (vehicle.name, vehicle.attributes) for each, vehicle in self.fleet.vehicles.items()
        }
        assert [each["id"] for each in found] == list(self.fleet.vehicles)
        self._are(self._ask(ALL), self.fleet.live())

    def _are(self, rows, expected):
        assert {row["id"] for row in rows} == set(expected)
        for row in rows:
            self.allocation_is(row, expected[row["id"]])
        starts = [numbers(days(row))[0] for row in rows]
        assert starts == sorted(starts)

    def allocations(self, vehicle, window, status):
        """Compare one vehicle's allocations of a status, or any (None), in a window."""
        expected = {
            each: one
            for each, one in self.fleet.live().items()
            if one.vehicle == vehicle and overlap(one.period, window) and status in (None, one.status)
        }
        self._are(
            self._ask(f"{CARS}/{vehicle}/allocations", query(window) | ({"status": status} if status else {})), expected
        )

    def availability(self, window):
        """Compare when each vehicle is free and when it is busy."""
        found = self._ask(f"{CARS}/all/availability", query(window))
        assert [each["resource_id"] for each in found] == list(self.fleet.vehicles)
        for each in found:
            periods = tuple([days(period) for period in each[kind]] for kind in ("free", "busy"))
            assert periods == divided(self.fleet.of(each["resource_id"]), window)
            of_one = self.client.get(f"{CARS}/{each['resource_id']}/availability", query_string=query(window))
            assert of_one.json == each

    def free(self, window, attributes):
        """Compare which vehicles with these attributes are free for all of a window."""
        given = query(window, ("available_from", "available_to"))
        filters = {f"attribute.{key}": str(value) for key, value in attributes.items()}
        expected = self.fleet.free(window, attributes)
        assert [each["id"] for each in self._ask(CARS, given | filters)] == expected

    def purge(self):
        """Purge; afterwards the events have told of every hold that expired."""
        with self.app.app_context():
            purge.purge(DAY, 0)

    def feed(self):
        """Replay the change feed from its beginning, and find what is there."""
        self.purge()
        replayed = Replayed()
        replayed.tell(Reader(self.client, limit=7).news())
        expired = {each: ["expired"] for each, one in self.fleet.allocations.items() if self.fleet.is_expired(one)}
        assert replayed.kinds == {each: kinds + expired.get(each, []) for each, kinds in self.kinds.items()}
        assert list(replayed.vehicles.values()) == self._ask(CARS)
        listed = {row["id"]: but_expires(row) for row in self._ask(ALL)}
        assert listed == {each: but_expires(one) for each, one in replayed.allocations.items()}
