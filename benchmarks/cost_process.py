"""A process that ``cost`` starts: it measures every row with the databases in its arguments, and prints a JSON object.

``python -m benchmarks.cost_process URL FLOOR_URL UPSTREAM_PORT FOLDER ROUNDS REQUESTS``
"""

import gc
import sys
from dataclasses import asdict
from pathlib import Path

import orjson

from benchmarks import cost_meter, cost_rows

# For each row, the number of warm-up requests, and also of the requests whose function calls are counted.
_COUNTED = 15


def main(url: str, floor_url: str, upstream: str, folder: str, rounds: str, requests: str) -> None:
    """Print a JSON object: for each row of the table, the measurements of the service and of its baseline (the floor).

    A measurement has ``calls`` (the median numbers of calls) and ``seconds`` (the CPU seconds of each request).
    """
    rows = cost_rows.measured_apps(url, floor_url, int(upstream), Path(folder))
    for apps in rows.values():
        cost_meter.cpu_seconds(apps, _COUNTED)
    # The production server does the same in ``invsys.inventory.wsgi``.
    gc.collect()
    gc.freeze()
    calls = {name: [asdict(cost_meter.calls(app, _COUNTED)) for app in apps] for name, apps in rows.items()}
    seconds: dict[str, list[list[float]]] = {name: [[], []] for name in rows}
    for _ in range(int(rounds)):
        for name, apps in rows.items():
            for total, round_seconds in zip(seconds[name], cost_meter.cpu_seconds(apps, int(requests)), strict=True):
                total.extend(round_seconds)
    result = {name: [{"calls": calls[name][app], "seconds": seconds[name][app]} for app in (0, 1)] for name in rows}
    sys.stdout.buffer.write(orjson.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
