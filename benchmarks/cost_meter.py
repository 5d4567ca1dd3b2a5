"""Measures the CPU time and the function calls of WSGI applications.

The applications are called in this process, in the same way as the production server calls them. The requests are
prepared beforehand, so that nothing else is measured.
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

# The variables that granian sets for every request; ``environ`` adds those that depend on the request.
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
class MeasuredApp:
    """An application, its requests as bytes, and the expected status of each response."""

    app: App
    requests: Iterator[bytes]
    status: int

    def environs(self, count: int) -> list[Environ]:
        """Return the next ``count`` requests as WSGI environments."""
        return [environ(request) for request in islice(self.requests, count)]


def environ(request: bytes) -> Environ:
    """Return the WSGI environment of a request from ``calls``."""
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
    """The statuses of the responses; an instance is passed to the application as ``start_response``."""

    def __call__(self, status: str, headers: Sequence[tuple[str, str]], error: object = None) -> None:
        self.append(int(status[:3]))


def _send(app: App, request: Environ, statuses: _Statuses) -> None:
    response = app(request, statuses)
    b"".join(response)
    if (close := getattr(response, "close", None)) is not None:
        close()


def cpu_seconds(measured_apps: Sequence[MeasuredApp], count: int) -> list[list[float]]:
    """Return, for each application, a list of the CPU seconds (user and system) of ``count`` requests.

    The applications take turns after every request, so that other load on the machine slows all of them equally.
    """
    environs, statuses = [measured.environs(count) for measured in measured_apps], [_Statuses() for _ in measured_apps]
    seconds: list[list[float]] = [[] for _ in measured_apps]
    gc.collect()
    gc.disable()
    try:
        for number in range(count):
            # Each application goes first equally often, so that warm caches do not favour one of them.
            for turn in range(len(measured_apps)):
                index = (turn + number) % len(measured_apps)
                app, request = measured_apps[index].app, environs[index][number]
                began = time.process_time()
                _send(app, request, statuses[index])
                seconds[index].append(time.process_time() - began)
    finally:
        gc.enable()
    for measured, app_statuses in zip(measured_apps, statuses, strict=True):
        _require(measured, app_statuses, count)
    return seconds


@dataclass(frozen=True)
class Calls:
    """The function calls of one request: Python functions (resuming a generator counts as a call) and C functions."""

    python: int
    c: int


def calls(measured: MeasuredApp, count: int) -> Calls:
    """Return the median numbers of calls over ``count`` requests; medians ignore work that is done only rarely."""
    statuses = _Statuses()
    counts = [_count(measured.app, request, statuses) for request in measured.environs(count)]
    _require(measured, statuses, count)
    return Calls(
        statistics.median_low(request_calls.python for request_calls in counts),
        statistics.median_low(request_calls.c for request_calls in counts),
    )


def _count(app: App, request: Environ, statuses: _Statuses) -> Calls:
    python = c = 0

    def observe(frame: FrameType, event: str, argument: object) -> None:
        nonlocal python, c
        if frame.f_code.co_filename == __file__:
            return  # a call of this module
        python += event == "call"
        c += event == "c_call"

    sys.setprofile(observe)
    try:
        _send(app, request, statuses)
    finally:
        sys.setprofile(None)
    return Calls(python, c)


def _require(measured: MeasuredApp, statuses: _Statuses, count: int) -> None:
    if statuses != [measured.status] * count:
        raise RuntimeError(f"got the statuses {sorted(set(statuses))}, expected {count} times {measured.status}")
