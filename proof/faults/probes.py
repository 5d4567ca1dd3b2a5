"""Changes that the faults request themselves: vehicles in the collection trucks, which no caller uses."""

import http.client
import time
import uuid
from collections.abc import Callable
from functools import partial

from proof.faults.calls import Response, call
from proof.faults.fault import FaultProblem
from proof.system.stack import Stack, Target

PREFIX = "probe-"
COLLECTION, RESOURCE_TYPE = "trucks", "Truck"
# A system that needs longer to recover does not recover.
LONGEST_RECOVERY = 120.0

_PAUSE = 0.05


def new_name() -> str:
    """Return a name for a vehicle, unique and at most 36 characters long."""
    return f"{PREFIX}{uuid.uuid4().hex[:24]}"


def wait_for_recovery(stack: Stack) -> list[str]:
    """Wait until a change succeeds through every URL, and every service is ready; return the registered names.

    Raises FaultProblem if that takes too long, or if a response is neither success nor an announced outage.
    """
    deadline = time.monotonic() + LONGEST_RECOVERY
    names = [_register(target, deadline) for target in stack.urls]
    for service in stack.services:
        _succeed(service.url, deadline, partial(call, service.url, "GET", "/readyz", {}))
    return names


def _register(target: Target, deadline: float) -> str:
    """Register vehicles until one is registered; return its name."""
    name = new_name()

    def register() -> Response:
        nonlocal name
        # The outcome of an attempt that failed is unknown, so its name may exist.
        name = new_name()
        return call(target.url, "POST", f"/api/{COLLECTION}", target.headers, {"name": name})

    _succeed(target.url, deadline, register)
    return name


def _succeed(url: str, deadline: float, attempt: Callable[[], Response]) -> None:
    """Repeat an attempt until it succeeds."""
    last = ""
    while time.monotonic() < deadline:
        try:
            response = attempt()
        except (OSError, http.client.HTTPException) as error:
            last = repr(error)
        else:
            if response.status in (200, 201):
                return
            last = _announced_outage(url, response)
        time.sleep(_PAUSE)
    raise FaultProblem(f"{url} has not recovered within {LONGEST_RECOVERY:g} seconds: {last}")


def _announced_outage(url: str, response: Response) -> str:
    """Return the response as text; raises FaultProblem if it is no announced outage (502 and 504: of the gateway)."""
    text = f"{response.status} {response.body[:300].decode(errors='replace')}"
    if response.status not in (502, 503, 504):
        raise FaultProblem(f"{url}: {text}")
    if response.status == 503 and response.retry_after is None:
        raise FaultProblem(f"{url}: 503 without Retry-After: {text}")
    return text
