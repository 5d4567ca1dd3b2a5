"""The services behind: each on one host or several that are taken in turn."""

import itertools
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from invsys.gateway.errors import UpstreamTimeout, UpstreamUnreachable
from invsys.gateway.upstream.pool import Connections, NotConnected
from invsys.gateway.upstream.response import Broken, Exchange

logger = logging.getLogger(__name__)

# Seconds between two looks at a host that is left out.
_PROBE_INTERVAL = 1.0

_UNREACHABLE = "It cannot be reached; nothing was done."
_LOST = "Its answer was lost; whether it did what was asked is not known."
_TOO_LATE = "It has not answered in time; whether it does what was asked is not known."


class Host:
    """One host of a service; it is ``left_out`` after it could not be reached or was silent, until it answers again."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.left_out = False

    def leave_out(self) -> None:
        """Leave it out, and look from time to time whether it answers."""
        if not self.left_out:
            threading.Thread(target=self._wait_until_it_answers, daemon=True).start()
            self.left_out = True
            logger.warning("%s is left out: it does not answer", self.connections.url)

    def _wait_until_it_answers(self) -> None:
        pause = threading.Event()
        while not pause.wait(_PROBE_INTERVAL) and not self._answers():
            pass
        self.left_out = False
        logger.warning("%s answers again", self.connections.url)

    def _answers(self) -> bool:
        try:
            exchange = self.connections.ask("GET", "/healthz", {})
        except Exception:  # noqa: BLE001 - whatever it is: nobody else looks after this host
            return False
        exchange.end()
        return exchange.status < HTTPStatus.INTERNAL_SERVER_ERROR


class Service:
    """A service, and how to ask it; ``settings`` is the section ``[upstream]``, ``kept`` as in ``Connections``."""

    def __init__(self, urls: Sequence[str], settings: Mapping[str, Any], kept: int) -> None:
        timeouts = settings["connect_timeout"], settings["read_timeout"]
        self._hosts = [Host(Connections(url, *timeouts, kept)) for url in urls]
        self._turn = itertools.count()

    def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, *, repeatable: bool
    ) -> Exchange:
        """Send a request, and give the answer as far as its head.

        A host that cannot be connected to has got nothing, so the next one is asked; where the connection broke later,
        a request is sent once more only if it is ``repeatable``. Raises UpstreamUnreachable, UpstreamTimeout.
        """
        detail, broken = _UNREACHABLE, False
        for host in self._in_turn():
            try:
                return host.connections.ask(method, target, headers, body)
            except NotConnected:
                if len(self._hosts) > 1:
                    host.leave_out()
            except TimeoutError as error:
                if len(self._hosts) > 1:
                    host.leave_out()  # if it is only slow, it is back in a second
                raise UpstreamTimeout(_TOO_LATE) from error
            except Broken as error:
                if broken or not repeatable:
                    raise UpstreamUnreachable(_LOST) from error
                detail, broken = _LOST, True
        raise UpstreamUnreachable(detail)

    def _in_turn(self) -> Iterator[Host]:
        """Give each host, those that are left out last, and then the first once more."""
        first = next(self._turn) % len(self._hosts)
        turn = sorted(self._hosts[first:] + self._hosts[:first], key=lambda host: host.left_out)
        yield from turn
        yield turn[0]
