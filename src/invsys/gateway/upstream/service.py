"""Services behind the gateway, each with one or several hosts that are used in turn (round robin)."""

import itertools
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from invsys.gateway.errors import UpstreamTimeout, UpstreamUnreachable
from invsys.gateway.upstream.pool import ConnectFailed, ConnectionPool
from invsys.gateway.upstream.response import BrokenResponse, UpstreamResponse

logger = logging.getLogger(__name__)

# Seconds between two health checks of a host that is down.
_PROBE_INTERVAL = 1.0

_UNREACHABLE = "The service cannot be reached; the request was not executed."
_LOST = "The response was lost; the request may have been executed."
_TOO_LATE = "The service did not respond in time; it may still execute the request."


class Host:
    """One host of a service; it ``is_down`` from a failed connection or a timeout until a health check succeeds."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool
        self.is_down = False

    def mark_down(self) -> None:
        """Skip the host, and check its health in the background until it responds again."""
        if not self.is_down:
            threading.Thread(target=self._wait_until_healthy, daemon=True).start()
            self.is_down = True
            logger.warning("%s does not respond and is skipped until it does", self.pool.url)

    def _wait_until_healthy(self) -> None:
        pause = threading.Event()
        while not pause.wait(_PROBE_INTERVAL) and not self._is_healthy():
            pass
        self.is_down = False
        logger.warning("%s responds again", self.pool.url)

    def _is_healthy(self) -> bool:
        try:
            response = self.pool.send("GET", "/healthz", {})
        except Exception:  # noqa: BLE001 - any exception would end the thread, and the host would stay down
            return False
        response.close()
        return response.status < HTTPStatus.INTERNAL_SERVER_ERROR


class Service:
    """A service; ``settings`` is the section ``[upstream]``; ``max_idle`` limits the idle connections to each host."""

    def __init__(self, urls: Sequence[str], settings: Mapping[str, Any], max_idle: int) -> None:
        timeouts = settings["connect_timeout"], settings["read_timeout"]
        self._hosts = [Host(ConnectionPool(url, *timeouts, max_idle)) for url in urls]
        self._turn = itertools.count()

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, *, repeatable: bool
    ) -> UpstreamResponse:
        """Send a request to one of the hosts; return the response with status and headers, its body not yet read.

        If connecting fails, nothing was sent, and the next host is tried. If the connection breaks later, the request
        is retried once, but only if it is ``repeatable``. Raises UpstreamUnreachable, UpstreamTimeout.
        """
        detail, was_broken = _UNREACHABLE, False
        for host in self._attempts():
            try:
                return host.pool.send(method, target, headers, body)
            except ConnectFailed:
                if len(self._hosts) > 1:
                    host.mark_down()
            except TimeoutError as error:
                if len(self._hosts) > 1:
                    host.mark_down()  # a host that is merely slow is used again after a second
                raise UpstreamTimeout(_TOO_LATE) from error
            except BrokenResponse as error:
                if was_broken or not repeatable:
                    raise UpstreamUnreachable(_LOST) from error
                detail, was_broken = _LOST, True
        raise UpstreamUnreachable(detail)

    def _attempts(self) -> Iterator[Host]:
        """Yield the hosts in round-robin order, those that are down last, and finally the first one again."""
        first = next(self._turn) % len(self._hosts)
        hosts = sorted(self._hosts[first:] + self._hosts[:first], key=lambda host: host.is_down)
        yield from hosts
        yield hosts[0]
