"""Faults of the gateway and of the Redis that counts for its limits."""

from collections.abc import Iterator
from signal import SIGKILL

from proof.faults.fault import Reason, Scene, fault
from proof.system.server import Server, send_signal
from proof.system.stack import Stack


def _gateway(stack: Stack) -> Server:
    assert stack.gateway is not None
    return stack.gateway


def _no_redis(stack: Stack) -> Reason:
    return None if stack.redis else "redis-server is not installed"


@fault("gateway", weight=1)
def gateway_killed(scene: Scene) -> Iterator[None]:
    """Kill the gateway with its workers. It is started again."""
    _gateway(scene.stack).kill()
    yield
    _gateway(scene.stack).launch()


@fault("gateway")
def gateway_worker_killed(scene: Scene) -> Iterator[None]:
    """Kill a worker of the gateway in the middle of its requests."""
    gateway = _gateway(scene.stack)
    gateway.wait_for_workers()
    send_signal(scene.random.choice(gateway.worker_pids()), SIGKILL)
    yield


@fault("redis", seconds=2, weight=3, left_out=_no_redis)
def redis_killed(scene: Scene) -> Iterator[None]:
    """Kill Redis: the gateway must not refuse requests because it cannot count them. Redis is started again."""
    redis = scene.stack.redis
    assert redis is not None
    redis.kill()
    yield
    redis.start()
