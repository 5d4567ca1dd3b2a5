"""Run a command while callers register vehicles, and check that no request was lost.

    python3 load.py URL -- COMMAND [ARGUMENT ...]

Afterwards the acknowledged vehicles are compared with those in the inventory. A request without a response, or with a
5xx, is sent again with its Idempotency-Key, as the booking monolith does. Prints how many requests were refused and for
how long. The exit status is 1 if a vehicle is missing or registered twice, 2 if the command failed.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from typing import Self

CALLERS = 4
# Seconds of load before and after the command.
MARGIN = 2.0


class Callers:
    """Threads that register vehicles until the context ends."""

    def __init__(self, url: str) -> None:
        self.url, self.stop = url, threading.Event()
        self.acknowledged: list[str] = []
        self.refused: list[float] = []
        self.kinds: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        while not self.stop.is_set():
            name, key = str(uuid.uuid4()), str(uuid.uuid4())
            while not self._register(name, key):
                time.sleep(0.01)
            self.acknowledged.append(name)

    def _register(self, name: str, key: str) -> bool:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        request = urllib.request.Request(f"{self.url}/api/cars", json.dumps({"name": name}).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30):
                return True
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise
            self.kinds[str(error.code)] += 1
        except OSError as error:
            self.kinds[type(getattr(error, "reason", error)).__name__] += 1
        self.refused.append(time.monotonic())
        return False


def registered(url: str) -> Counter[str]:
    """Return the names of all vehicles, and how often each occurs."""
    names: Counter[str] = Counter()
    cursor: str | None = f"{url}/api/cars?limit=1000"
    while cursor:
        with urllib.request.urlopen(cursor) as response:
            names.update(vehicle["name"] for vehicle in json.load(response))
            link = response.headers.get("Link") or ""
        cursor = url + link.partition("<")[2].partition(">")[0] if 'rel="next"' in link else None
    return names


def main(url: str, command: list[str]) -> int:
    """Run the command under load, print the counts, and return the exit status."""
    with Callers(url) as callers:
        time.sleep(MARGIN)
        started = time.monotonic()
        status = subprocess.run(command, check=False).returncode
        took = time.monotonic() - started
        time.sleep(MARGIN)
    refused = f"{max(callers.refused) - min(callers.refused):.2f} s" if callers.refused else "0 s"
    counts = registered(url)
    lost = [name for name in callers.acknowledged if counts[name] != 1]
    print(
        f"command {took:.1f} s, acknowledged {len(callers.acknowledged)}, refused {len(callers.refused)}"
        f" within {refused} {dict(callers.kinds)}, lost or twice {len(lost)}"
    )
    return 1 if lost else 2 if status else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[3:]))
