"""Faults of the clock."""

from collections.abc import Iterator

from proof.faults.fault import Reason, Scene, fault
from proof.system.stack import Stack


def _no_clock(stack: Stack) -> Reason:
    return None if stack.clock and stack.clock.available else "there is no C compiler"


@fault("clock", seconds=3, weight=4, left_out=_no_clock)
def clock_stepped(scene: Scene) -> Iterator[None]:
    """Step the clock of the services by up to two minutes, and back.

    On SQLite the services read the time themselves, and share a machine: both are stepped. On PostgreSQL the clock of
    the database decides, and only service 2 is stepped.
    """
    clock = scene.stack.clock
    assert clock is not None
    seconds = scene.detail["step_seconds"] = scene.random.choice([-120, -30, -2, 2, 30, 120])
    clock.step(seconds)
    yield
    clock.step(0)
