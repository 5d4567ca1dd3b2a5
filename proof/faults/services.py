"""Faults of the inventory's processes. Two services use one database all the time."""

from collections.abc import Iterator
from signal import SIGCONT, SIGHUP, SIGKILL, SIGSTOP

from proof.faults.fault import Scene, fault
from proof.system.server import Server, send_signal
from proof.system.waiting import until


def _any_service(scene: Scene) -> Server:
    service = scene.random.choice(scene.stack.services)
    scene.detail["service"] = service.name
    return service


def _any_worker(scene: Scene, service: Server) -> int:
    service.wait_for_workers()
    return scene.random.choice(service.worker_pids())


@fault("services", weight=4)
def worker_killed(scene: Scene) -> Iterator[None]:
    """Kill a worker with SIGKILL; the supervisor starts another one."""
    send_signal(_any_worker(scene, _any_service(scene)), SIGKILL)
    yield


@fault("services", weight=1)
def worker_killed_twice(scene: Scene) -> Iterator[None]:
    """Kill a worker, and its successor as soon as it exists: the supervisor must not give up."""
    service = _any_service(scene)
    first = _any_worker(scene, service)
    others = set(service.worker_pids()) - {first}
    send_signal(first, SIGKILL)
    until(lambda: set(service.worker_pids()) - others - {first}, "a new worker")
    for pid in set(service.worker_pids()) - others:
        send_signal(pid, SIGKILL)
    yield


@fault("services")
def all_workers_killed(scene: Scene) -> Iterator[None]:
    """Kill all workers of a service at once."""
    service = _any_service(scene)
    service.wait_for_workers()
    for pid in service.worker_pids():
        send_signal(pid, SIGKILL)
    yield


@fault("services", seconds=3, weight=5)
def worker_suspended(scene: Scene) -> Iterator[None]:
    """Suspend a worker with SIGSTOP: it keeps its connections, locks and transactions, and then continues."""
    pid = _any_worker(scene, _any_service(scene))
    send_signal(pid, SIGSTOP)
    try:
        yield
    finally:
        send_signal(pid, SIGCONT)


@fault("services", seconds=2)
def service_reloaded(scene: Scene) -> Iterator[None]:
    """Send SIGHUP: the workers are replaced one by one."""
    _any_service(scene).signal(SIGHUP)
    yield


@fault("services", weight=1)
def service_stopped(scene: Scene) -> Iterator[None]:
    """Send SIGTERM: the workers finish their requests and the service ends. It is started again."""
    service = _any_service(scene)
    service.stop()
    yield
    service.launch()


@fault("services", weight=1)
def service_killed(scene: Scene) -> Iterator[None]:
    """Kill the supervisor, and with it its workers. The service is started again."""
    service = _any_service(scene)
    service.kill()
    yield
    service.launch()
