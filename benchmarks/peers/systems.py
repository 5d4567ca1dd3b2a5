"""InvSys and its peers: how each is filled with cars and allocations, and served."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from benchmarks import seeds
from benchmarks.datasets import SERVICE
from benchmarks.peers import tutorial

# Takes a database URL, a number of cars and the number of allocations of each; returns the ids of the cars.
Fill = Callable[[str, int, int], list[uuid.UUID]]

_DRF = "benchmarks.peers.drf"
# The environment of every system.
ENVIRON = {"DJANGO_SETTINGS_MODULE": "benchmarks.peers.drf_settings"}
_DRF_ALLOCATIONS = """
    INSERT INTO peers_allocation (id, car_id, from_datetime, to_datetime, allocation_type, description)
    SELECT gen_random_uuid(), peers_car.id, start, start + interval '1 hour', 'booking', ''
    FROM peers_car, LATERAL (SELECT timestamptz '2000-01-01Z' + n * interval '2 hours' AS start
                             FROM generate_series(0, %(each)s - 1) AS n) AS hours
"""


@dataclass(frozen=True)
class System:
    """An application that creates allocations; ``name`` and the shorter ``nick`` are for readers."""

    key: str
    name: str
    nick: str
    app: str
    fill: Fill


def _fill_tutorial(url: str, cars: int, allocations: int) -> list[uuid.UUID]:
    ids = tutorial.seed(url, cars, allocations)
    _vacuum(url)
    return ids


def _fill_drf(url: str, cars: int, allocations: int) -> list[uuid.UUID]:
    environ = {**os.environ, **ENVIRON, "INVSYS_DATABASE_URL": url}
    subprocess.run([sys.executable, "-m", _DRF], check=True, env=environ)
    ids = [uuid.uuid4() for _ in range(cars)]
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO peers_car (id) VALUES (%s)", [(car,) for car in ids])
        cursor.execute(_DRF_ALLOCATIONS, {"each": allocations})
    _vacuum(url)
    return ids


def _vacuum(url: str) -> None:
    """Collect statistics for the query planner, as ``seeds.fill`` does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


SYSTEMS = (
    System("invsys", "InvSys", "InvSys", SERVICE, seeds.fill),
    System("orm", "ORM without a check", "ORM", "benchmarks.peers.orm:app", seeds.fill),
    System("drf", "check, then insert (Django REST)", "Django REST", f"{_DRF}:app", _fill_drf),
    System("tutorial", "the tutorial's algorithm", "tutorial", "benchmarks.peers.tutorial:app", _fill_tutorial),
)
