"""Callers of a fleet that count every failed response: threads that book, and one that follows the change feed."""

import http.client
import json
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

from tests.support.waiting import SECONDS, until

THREADS = 2
_MONDAY, _HOUR = datetime(2099, 3, 2, tzinfo=UTC), timedelta(hours=1)


class Bookers:
    """Book hours of cars of one fleet until the context ends; every failed booking is repeated with its key.

    ``ids`` maps the key of each acknowledged booking to the id of its allocation. ``failures`` has the time, the status
    and the Retry-After of each other response, status 0 for a lost connection. ``events`` has the ids of the events
    that the feed has yielded, in this order.
    """

    def __init__(self, port, token, prefix):
        self.ids, self.failures, self.events = {}, [], []
        self._port, self._token, self._prefix = port, token, prefix
        self._stop = threading.Event()
        cars = [self._call("POST", "/api/cars", {"name": f"Car{number}"}) for number in range(THREADS)]
        self._threads = [
            threading.Thread(target=self._book, args=(number, car["id"])) for number, car in enumerate(cars)
        ]
        self._follower = threading.Thread(target=self._follow)

    def __enter__(self):
        for thread in (*self._threads, self._follower):
            thread.start()
        return self

    def __exit__(self, *_):
        """End the bookings, then the reader of the feed when it has seen them all."""
        self._stop.set()
        for thread in (*self._threads, self._follower):
            thread.join(SECONDS)

    def wait_for_progress(self, bookings=10):
        """Return once there are this many bookings more."""
        enough = len(self.ids) + bookings
        until(lambda: len(self.ids) >= enough)

    @property
    def outage(self):
        """The seconds between the first and the last failure."""
        times = [at for at, *_ in self.failures]
        return max(times) - min(times) if times else 0.0

    def _book(self, number, car):
        turn = 0
        while not self._stop.is_set():
            start = _MONDAY + turn * _HOUR
            body = {"from_datetime": start.isoformat(), "to_datetime": (start + _HOUR).isoformat()}
            key = f"{number}-{turn}"
            self.ids[key] = self._call("POST", f"/api/cars/{car}/allocations", body, key)["id"]
            turn += 1

    def _follow(self):
        cursor, path, is_last = "", "/api/events?limit=1000", False
        while not is_last:
            # Read once more after the last booking.
            is_last = not any(thread.is_alive() for thread in self._threads)
            page = self._call("GET", f"{path}&after={cursor}" if cursor else path)
            cursor = page["next"]
            self.events += [event["id"] for event in page["events"]]
            time.sleep(0.02)

    def _call(self, method, path, body=None, key=None):
        """Send a request until it succeeds; return the document."""
        while True:
            status, retry_after, document = self._attempt(method, path, body, key)
            if status in (200, 201):
                return document
            self.failures.append((time.monotonic(), status, retry_after))
            time.sleep(0.02)

    def _attempt(self, method, path, body, key):
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        content = None if body is None else json.dumps(body)
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)) as connection:
            try:
                connection.request(method, self._prefix + path, content, headers)
                response = connection.getresponse()
                return response.status, response.headers["Retry-After"], json.loads(response.read())
            except (OSError, http.client.HTTPException):
                return 0, None, None
