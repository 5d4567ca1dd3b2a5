"""WSGI applications called in this process, as the production server calls them: CPU time and function calls.

Nothing else is counted: the requests are prepared beforehand, and the caller does no more than
``app(environ, start_response)``.
"""

import gc
import io
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# As granian passes it; ``environ`` adds the values of the request.
_ENVIRON: Environ = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "SCRIPT_NAME": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SERVER_SOFTWARE": "Granian",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": False,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
}


@dataclass(frozen=True)
class Side:
    """An application, the requests to send it as bytes, and the status that each has to get."""

    app: App
    requests: Iterator[bytes]
    status: int

    def environs(self, count: int) -> list[Environ]:
        """Return the next ``count`` requests as WSGI environments."""
        return [environ(request) for request in islice(self.requests, count)]


def environ(request: bytes) -> Environ:
    """Return the WSGI environment of a request of ``calls``."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers = {}
    for line in lines:
        name, _, value = line.partition(": ")
        key = name.upper().replace("-", "_")
        headers[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    request_line = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    return {**_ENVIRON, **request_line, **headers, "wsgi.input": io.BytesIO(body)}


class _Statuses(list[int]):
    """The statuses of the responses; called as WSGI's ``start_response``."""

    def __call__(self, status: str, headers: Sequence[tuple[str, str]], error: object = None) -> None:
        self.append(int(status[:3]))


def _send(app: App, request: Environ, statuses: _Statuses) -> None:
    response = app(request, statuses)
    b"".join(response)
    if (close := getattr(response, "close", None)) is not None:
        close()


def cpu_seconds(sides: Sequence[Side], count: int) -> list[list[float]]:
    """Return, for each side, the CPU seconds of this process, user and system, for each of ``count`` requests.

    The sides take turns at every request, so that other load on the machine slows both.
    """
    environs, statuses = [side.environs(count) for side in sides], [_Statuses() for _ in sides]
    seconds: list[list[float]] = [[] for _ in sides]
    gc.collect()
    gc.disable()
    try:
        for number in range(count):
            # Each side goes first equally often, so that warm caches favour none.
            for turn in range(len(sides)):
                side = (turn + number) % len(sides)
                app, request = sides[side].app, environs[side][number]
                began = time.process_time()
                _send(app, request, statuses[side])
                seconds[side].append(time.process_time() - began)
    finally:
        gc.enable()
    for side, answered in zip(sides, statuses, strict=True):
        _require(side, answered, count)
    return seconds


@dataclass(frozen=True)
class Calls:
    """Function calls of one request: in Python (resuming a generator counts as a call), and in C."""

    python: int
    c: int


def calls(side: Side, count: int) -> Calls:
    """Return the median calls of ``count`` requests, so that occasional work does not count."""
    statuses = _Statuses()
    counted = [_count(side.app, one, statuses) for one in side.environs(count)]
    _require(side, statuses, count)
    return Calls(
        statistics.median_low(one.python for one in counted),
        statistics.median_low(one.c for one in counted),
    )


def _count(app: App, request: Environ, statuses: _Statuses) -> Calls:
    python = c = 0

    def observe(frame: FrameType, event: str, argument: object) -> None:
        nonlocal python, c
        if frame.f_code.co_filename == __file__:
            return  # the caller
        python += event == "call"
        c += event == "c_call"

    sys.setprofile(observe)
    try:
        _send(app, request, statuses)
    finally:
        sys.setprofile(None)
    return Calls(python, c)


def _require(side: Side, statuses: _Statuses, count: int) -> None:
    if statuses != [side.status] * count:
        raise RuntimeError(f"answered {sorted(set(statuses))}, expected {count} times {side.status}")
