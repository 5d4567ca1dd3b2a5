"""Reads that a standby of the database may answer (``Operation.standby_with``), unless the caller wants the primary."""

import functools
import re
from collections.abc import Callable
from typing import Any

from flask import Response, request

from invsys.chassis.http.problems import Problem
from invsys.inventory import counters
from invsys.inventory.api.operations import OPERATIONS
from invsys.inventory.db.standbys import reads
from invsys.inventory.db.standbys.reads import Standbys

# Of max-age.
_SECONDS = re.compile(r"[0-9]{1,9}")
# A caller that looks for one item by its own name for it wants to know whether the item exists now.
_LOOKUPS = ("name", "reference")


def allow(standbys: Standbys) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Return a decorator for views: a standby answers if the operation and the caller allow it, and one is usable."""

    def decorator(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Response:
            if not _is_allowed():
                return view(*args, **kwargs)
            response = _from_standby(standbys, _max_age(standbys), lambda: view(*args, **kwargs))
            if response is None:
                counters.count_read("primary")
                response = view(*args, **kwargs)
            return response

        return wrapper

    return decorator


def _is_allowed() -> bool:
    if request.method not in ("GET", "HEAD"):
        return False
    needed = OPERATIONS[str(request.endpoint), "GET"].standby_with
    if needed is None:
        return False
    args = request.args
    return (not needed or any(name in args for name in needed)) and not any(name in args for name in _LOOKUPS)


def _max_age(standbys: Standbys) -> int:
    """Return how many seconds old the answer may be, by the request's ``Cache-Control`` (RFC 9111, 5.2.1).

    With ``no-cache``, also among other directives, the primary must answer: 0. The first of several ``max-age`` counts
    (4.2.1).
    """
    directives = [text.partition("=") for text in request.environ.get("HTTP_CACHE_CONTROL", "").lower().split(",")]
    values = {name.strip(): value.strip(' \t"') for name, _, value in reversed(directives)}
    if "no-cache" in values:
        return 0
    seconds = values.get("max-age", "")
    return min(int(seconds), standbys.max_staleness) if _SECONDS.fullmatch(seconds) else standbys.max_staleness


def _from_standby(standbys: Standbys, max_age: int, view: Callable[[], Response]) -> Response | None:
    """Return the response of a view with ``Age``, read from a standby; None if the primary has to answer.

    A problem, such as an unknown vehicle, is left to the primary: the vehicle may be new.
    """
    standby = standbys.choose() if max_age else None
    if standby is None:
        return None
    try:
        with reads.from_standby(standby, max_age) as reading:
            response = view()
    except (reads.StandbyFailed, Problem):
        return None
    age = reading.age()
    if age > max_age:
        return None
    counters.count_read(standby.name)
    response.headers["Age"] = str(age)
    return response
