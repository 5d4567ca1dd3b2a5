"""Faults of the connections: to PostgreSQL, from the gateway to the services, and to the callers."""

from collections.abc import Iterator

from proof.faults.fault import POSTGRESQL, Scene, fault
from proof.system.http_proxy import HttpProxy
from proof.system.postgresql_proxy import Cut, PostgresqlProxy


def _cut_at(scene: Scene, place: Cut) -> Iterator[None]:
    count = scene.detail["connections"] = scene.random.randint(1, 20)
    for proxy in scene.stack.database_proxies:
        proxy.cut(count, place)
    yield
    for proxy in scene.stack.database_proxies:
        proxy.cut(0, place)


@fault("database connections", engines=POSTGRESQL, weight=5)
def connection_cut_before_delivery(scene: Scene) -> Iterator[None]:
    """Reset connections instead of delivering a statement that changes something: it is not executed."""
    yield from _cut_at(scene, Cut.BEFORE_DELIVERY)


@fault("database connections", engines=POSTGRESQL, weight=5)
def connection_cut_after_commit(scene: Scene) -> Iterator[None]:
    """Reset connections after PostgreSQL has committed and before the service learns it."""
    yield from _cut_at(scene, Cut.AFTER_COMMIT)


@fault("database connections", engines=POSTGRESQL, weight=5)
def connection_cut_before_ready(scene: Scene) -> Iterator[None]:
    """Reset connections between CommandComplete and ReadyForQuery."""
    yield from _cut_at(scene, Cut.BEFORE_READY)


@fault("database connections", engines=POSTGRESQL, seconds=2, weight=3)
def database_delayed(scene: Scene) -> Iterator[None]:
    """Delay what PostgreSQL sends, sometimes by more than the statement timeout of four seconds."""
    seconds = scene.detail["delay_seconds"] = scene.random.choice([0.02, 0.1, 0.5, 5.0])
    proxies: list[PostgresqlProxy] = scene.stack.database_proxies
    for proxy in proxies:
        proxy.delay = seconds
    yield
    for proxy in proxies:
        proxy.delay = 0.0


@fault("database connections", engines=POSTGRESQL, weight=3)
def all_database_connections_reset(scene: Scene) -> Iterator[None]:
    """Reset all connections to PostgreSQL at once."""
    for proxy in scene.stack.database_proxies:
        proxy.drop_connections()
    yield


def _cut_responses(scene: Scene, proxies: list[HttpProxy]) -> Iterator[None]:
    count = scene.detail["responses"] = scene.random.randint(1, 20)
    after = scene.detail["after_bytes"] = scene.random.choice([0, 0, 20, 400])
    for proxy in proxies:
        proxy.cut(count, after)
    yield
    for proxy in proxies:
        proxy.cut(0)


@fault("callers", weight=6)
def responses_to_callers_cut(scene: Scene) -> Iterator[None]:
    """Reset connections before or within responses: the service has acted, and the caller does not learn it."""
    assert scene.stack.caller_proxy is not None
    yield from _cut_responses(scene, [scene.stack.caller_proxy])


@fault("gateway", weight=6)
def responses_to_gateway_cut(scene: Scene) -> Iterator[None]:
    """Reset connections before or within responses of the services to the gateway."""
    yield from _cut_responses(scene, scene.stack.gateway_proxies)
