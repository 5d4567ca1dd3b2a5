"""A script for race tests: for each line of its input, all its threads send the same POST at the same time.

Arguments: database URL, number of threads. A line on standard input consists of a path, a space and a JSON body. For
each line, the script prints the statuses of the responses.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from invsys.inventory import settings
from invsys.inventory.application import build_app

# As in ``tests.support.waiting``, which this script cannot import.
_LONG_TIMEOUTS = {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "120", "INVSYS_DATABASE_CONNECT_TIMEOUT": "60"}


def main() -> None:
    url, threads = sys.argv[1], int(sys.argv[2])
    app = build_app(settings.load(environ={"INVSYS_DATABASE_URL": url, **_LONG_TIMEOUTS}))
    barrier = Barrier(threads)

    def attempt(path: str, body: str) -> int:
        with app.test_client() as client:
            barrier.wait()
            return client.post(path, data=body, content_type="application/json").status_code

    with ThreadPoolExecutor(threads) as pool:
        for line in sys.stdin:
            path, body = line.split(" ", 1)
            statuses = pool.map(lambda _, path=path, body=body: attempt(path, body), range(threads))
            print(*statuses, flush=True)


main()
