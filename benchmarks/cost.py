"""Measures the CPU time and the function calls of each request, and compares them with minimal code for the same work.

``python -m benchmarks.cost [--engine ENGINE] [--json FILE] [--compare FILE]``. With ``--compare``, the exit status is 1
if a row of the table costs more than in the earlier run. The measured package ``invsys`` is the one that Python
imports: to measure another checkout, set ``PYTHONPATH`` to its ``src``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson

from benchmarks import cost_report, cost_rows, databases, processes, seeds
from benchmarks.datasets import SERVICE
from invsys.chassis.ops import draining, metrics

# A folder in memory, so that the CPU time of the disk driver is not measured.
_MEMORY = "/dev/shm"

_ENGINES: dict[str, tuple[str, Callable[[], AbstractContextManager[databases.Databases]]]] = {
    "sqlite": ("SQLite", lambda: databases.sqlite(_memory())),
    "postgresql": ("PostgreSQL", databases.postgresql),
}


def main() -> int:
    """Measure, print, save and compare; return 1 if a row costs more, 2 if the measurement or comparison failed."""
    options = _parser().parse_args()
    try:
        return _run(options)
    except cost_report.UnusableReport as error:
        print(f"{options.compare}: {error}", file=sys.stderr)
    except OSError as error:
        print(error, file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[0]} failed with status {error.returncode}; its own message is above", file=sys.stderr)
    return 2


def _run(options: argparse.Namespace) -> int:
    name, engine = _ENGINES[options.engine]
    before = None
    if options.compare is not None:
        before = cost_report.load(options.compare)
        cost_report.require_comparable(before, name)
    report = measure(name, engine, options.processes, options.rounds, options.requests)
    print(*cost_report.lines(report), sep="\n")
    if options.json is not None:
        cost_report.save(report, options.json)
    if before is None:
        return 0
    rises = list(cost_report.rises(before, report))
    print(*(rises or [f"No row costs more than in {options.compare}."]), sep="\n")
    return 1 if rises else 0


def _memory() -> str | None:
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--engine", choices=_ENGINES, default="sqlite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="compare with figures that --json saved")
    parser.add_argument("--processes", type=_positive, default=3, help="processes, measured one after another")
    parser.add_argument("--rounds", type=_positive, default=20, help="rounds over all rows in each process")
    parser.add_argument("--requests", type=_positive, default=25, help="requests of each row in each round")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def measure(
    name: str,
    engine: Callable[[], AbstractContextManager[databases.Databases]],
    count: int,
    rounds: int,
    requests: int,
) -> cost_report.Report:
    """Measure every row in ``count`` processes, one after another, each with its own databases."""
    with engine() as engine_databases:
        outputs = [_process(engine_databases, number, rounds, requests) for number in range(count)]
    return cost_report.report(name, outputs)


def _process(engine_databases: databases.Databases, number: int, rounds: int, requests: int) -> dict[str, Any]:
    url, floor_url = (engine_databases.create(f"{app}_{number}") for app in ("service", "floor"))
    for database_url in (url, floor_url):
        seeds.fill(database_url, cost_rows.VEHICLES, cost_rows.ALLOCATIONS_PER_VEHICLE)
    port = processes.free_port()
    upstream = processes.granian(SERVICE, port, workers=1, threads=1)
    with (
        tempfile.TemporaryDirectory(prefix="invsys-cost-") as folder,
        processes.running(upstream, port, {"INVSYS_DATABASE_URL": url}),
    ):
        arguments = (url, floor_url, str(port), folder, str(rounds), str(requests))
        command = [sys.executable, "-m", "benchmarks.cost_process", *arguments]
        environ = {**os.environ, **_as_served(folder), "PYTHONHASHSEED": str(number)}
        done = subprocess.run(command, env=environ, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    result: dict[str, Any] = orjson.loads(done.stdout)
    return result


def _as_served(folder: str) -> Mapping[str, str]:
    """Return the environment variables that the production server sets.

    The number of workers is so high that the application never starts to close keep-alive connections.
    """
    return {metrics.DIRECTORY_VARIABLE: folder, draining.WORKERS_VARIABLE: "1000"}


if __name__ == "__main__":
    raise SystemExit(main())
