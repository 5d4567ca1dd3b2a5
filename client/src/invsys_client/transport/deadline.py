"""The deadline of a blocking attempt: it holds even if the response arrives byte by byte.

The timeouts of httpx2 limit each read, so a response that never ends would never time out. Therefore each operation of
a connection gets at most the time that is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

# The seconds that are left of the attempt that this thread makes.
_left: ContextVar[Callable[[], float]] = ContextVar("left", default=lambda: math.inf)
# So many bytes are sent before the time is checked again.
_PIECE = 64 * 1024


@contextmanager
def limited_to(seconds: float, clock: Callable[[], float]) -> Iterator[None]:
    """Limit the operations of the block to these seconds together."""
    end = clock() + seconds
    token = _left.set(lambda: end - clock())
    try:
        yield
    finally:
        _left.reset(token)


def require_time() -> None:
    """Raise ReadTimeout if no time is left."""
    if _left.get()() <= 0:
        raise httpx2.ReadTimeout("the deadline has passed")


def keep_deadline(transport: httpx2.BaseTransport) -> httpx2.BaseTransport:
    """Return the transport, whose connections now keep the deadline.

    httpx2 has no argument for the network backend of httpcore2. Transports of other kinds keep their own time.
    """
    pool: Any = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if isinstance(backend, httpcore2.NetworkBackend) and not isinstance(backend, _Backend):
        pool._network_backend = _Backend(backend)  # noqa: SLF001
    return transport


def _limit(timeout: float | None, error: type[httpcore2.TimeoutException]) -> float | None:
    """Return the timeout of an operation; raises the error if no time is left."""
    left = _left.get()()
    if left <= 0:
        raise error("the deadline has passed")
    seconds = min(left, math.inf if timeout is None else timeout)
    return None if seconds == math.inf else seconds


class _Stream(httpcore2.NetworkStream):
    """A connection whose operations get at most the time that is left."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _limit(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], _limit(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = _limit(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Opens such connections."""

    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = _limit(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, seconds, local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        seconds = _limit(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._backend.connect_unix_socket(path, seconds, socket_options))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)
