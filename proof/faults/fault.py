"""What a fault is: a generator function that breaks something, waits at its ``yield``, and undoes what it did."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from types import ModuleType
from typing import Any

from proof.system.cluster import Cluster
from proof.system.stack import Engine, Stack

BOTH: tuple[Engine, ...] = ("sqlite", "postgresql")
SQLITE: tuple[Engine, ...] = ("sqlite",)
POSTGRESQL: tuple[Engine, ...] = ("postgresql",)


class FaultProblem(Exception):
    """The system broke its contract in a way that the fault itself sees; the message says how."""


@dataclass
class Scene:
    """One injection: the system, the random choices, and what the report says about it."""

    stack: Stack
    random: Random
    detail: dict[str, Any] = field(default_factory=dict)
    # What is left to do once the system has recovered, and before the next fault.
    afterwards: ExitStack = field(default_factory=ExitStack)

    @property
    def cluster(self) -> Cluster:
        """The cluster of a system on PostgreSQL."""
        assert self.stack.cluster is not None
        return self.stack.cluster


Inject = Callable[[Scene], Iterator[None]]
Reason = str | None


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    ``part`` is what it breaks; two faults of one part never come together. It lasts at most ``seconds``, and comes
    ``weight`` times as often as others. ``left_out`` returns why a system cannot have it, or None.
    """

    name: str
    function: Inject
    engines: tuple[Engine, ...]
    part: str
    seconds: float
    weight: int
    left_out: Callable[[Stack], Reason]

    def injected(self, scene: Scene) -> AbstractContextManager[None]:
        """Return a context manager: the fault lasts as long as its block."""
        return contextmanager(self.function)(scene)


def fault(
    part: str,
    *,
    engines: tuple[Engine, ...] = BOTH,
    seconds: float = 1.0,
    weight: int = 2,
    left_out: Callable[[Stack], Reason] = lambda stack: None,
) -> Callable[[Inject], Kind]:
    """Return a decorator that makes a kind of fault of a function; its name is the function's, with blanks."""

    def decorate(function: Inject) -> Kind:
        name = function.__name__.replace("_", " ")
        return Kind(name, function, engines, part, seconds, weight, left_out)

    return decorate


def kinds_in(module: ModuleType) -> list[Kind]:
    """Return the kinds that a module defines."""
    return [value for value in vars(module).values() if isinstance(value, Kind)]
