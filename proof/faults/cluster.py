"""Faults of the pair of PostgreSQL servers: failover, and an inventory on the standby."""

import json
import os
from collections.abc import Iterator
from contextlib import closing

from proof.faults.calls import call
from proof.faults.fault import POSTGRESQL, FaultProblem, Scene, fault
from proof.system.server import Server
from proof.system.stack import APP, CLIENT


@fault("database", engines=POSTGRESQL)
def failover(scene: Scene) -> Iterator[None]:
    """Lose the primary and promote its standby, by the steps of docs/source/failover.rst that Patroni also takes.

    The services connect to the new primary by themselves. Afterwards the old one is rewound and becomes the standby.
    """
    cluster = scene.cluster
    cluster.primary.stop("immediate")
    scene.afterwards.callback(cluster.rejoin)
    yield
    cluster.fail_over()
    scene.detail["primary"] = cluster.primary.name


@fault("database", engines=POSTGRESQL, seconds=6, weight=1)
def standby_stopped(scene: Scene) -> Iterator[None]:
    """Stop the standby: the primary acknowledges no change until it is back."""
    standby = scene.cluster.standby
    standby.stop("fast")
    yield
    standby.start()


@fault("database", engines=POSTGRESQL, weight=1)
def standby_killed(scene: Scene) -> Iterator[None]:
    """Stop the standby as in a crash, and start it again: the reads that it was answering go to the primary."""
    standby = scene.cluster.standby
    standby.stop("immediate")
    yield
    standby.start()


@fault("database", engines=POSTGRESQL, seconds=6, weight=1)
def standby_suspended(scene: Scene) -> Iterator[None]:
    """Suspend all processes of the standby: reads must not wait for it, except those that it was answering."""
    standby = scene.cluster.standby
    standby.suspend()
    try:
        yield
    finally:
        standby.resume()


@fault("database", engines=POSTGRESQL, seconds=10)
def replay_paused(scene: Scene) -> Iterator[None]:
    """Pause the replay of the standby, for longer or shorter than its data may be old."""
    standby = scene.cluster.standby
    standby.query("SELECT pg_wal_replay_pause()::text AS paused")
    try:
        yield
    finally:
        standby.query("SELECT pg_wal_replay_resume()::text AS resumed")


@fault("database", engines=POSTGRESQL, weight=1)
def inventory_on_a_standby(scene: Scene) -> Iterator[None]:
    """Start an inventory on the standby: it answers reads or refuses them, and it refuses changes with 503."""
    standby, folder = scene.cluster.standby, scene.stack.folder / "standby"
    folder.mkdir(exist_ok=True)
    url = f"{standby.url()}?target_session_attrs=any"
    server = Server("standby", APP, folder, {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": url})
    with closing(_Stopping(server)):
        server.start()
        _check_reads(server.url)
        _check_writes(server.url)
        yield


class _Stopping:
    def __init__(self, server: Server) -> None:
        self.close = server.stop


def _check_reads(url: str) -> None:
    for path in ("/api/cars?limit=1000", "/api/cars/all/allocations?limit=1000", "/api/events", "/readyz"):
        response = call(url, "GET", path, {"X-Client-Id": CLIENT})
        if response.status not in (200, 503):
            raise FaultProblem(f"GET {path} on a standby: {response.status}")
        if response.status == 503 and path.startswith("/api") and not json.loads(response.body).get("detail"):
            raise FaultProblem(f"GET {path} on a standby: 503 without a reason")


def _check_writes(url: str) -> None:
    response = call(url, "POST", "/api/trucks", {"X-Client-Id": CLIENT}, {"name": "probe-on-a-standby"})
    if response.status != 503:
        raise FaultProblem(f"POST on a standby: {response.status}")
