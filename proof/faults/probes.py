"""Changes that the faults request themselves: vehicles in the collection trucks, which no caller uses."""

import http.client
import time
import uuid

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
    """Wait until a change succeeds through every URL; return the names of the vehicles that were registered.

    Raises FaultProblem if that takes too long, or if a response is neither success nor an announced outage.
    """
    deadline = time.monotonic() + LONGEST_RECOVERY
    return [_register(target, deadline) for target in stack.urls]


def _register(target: Target, deadline: float) -> str:
    last = ""
    while time.monotonic() < deadline:
        name = new_name()
        try:
            response = call(target.url, "POST", f"/api/{COLLECTION}", target.headers, {"name": name})
        except (OSError, http.client.HTTPException) as error:
            last = repr(error)
        else:
            if response.status == 201:
                return name
            last = _refused(target, response)
        time.sleep(_PAUSE)
    raise FaultProblem(f"{target.url} has not recovered within {LONGEST_RECOVERY:g} seconds: {last}")


def _refused(target: Target, response: Response) -> str:
    """Return the response as text; raises FaultProblem if it is no announced outage (502 and 504: of the gateway)."""
    text = f"{response.status} {response.body[:300].decode(errors='replace')}"
    if response.status not in (502, 503, 504):
        raise FaultProblem(f"POST to {target.url}: {text}")
    return text
