"""HTTP requests of a caller: over one connection for each target, without retries."""

import http
import http.client
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from proof.history.call import UNKNOWN, CallRecord

_TIMEOUT = 15.0


@dataclass(frozen=True)
class Target:
    """A base URL and the headers that must be sent there.

    Not ``proof.system.stack.Target``: that module imports the service, and every caller is a process.
    """

    url: str
    headers: dict[str, str]


class NotSent(Exception):
    """No connection could be made, so nothing was sent."""


@dataclass
class Request:
    """A request before it is sent; ``operation`` is its name in the report."""

    operation: str
    method: str
    path: str
    body: Any = None
    key: str | None = None
    if_match: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Connection:
    """The connection to one target; it is opened again after a failure."""

    def __init__(self, target: Target) -> None:
        address = urlsplit(target.url)
        self._headers = dict(target.headers)
        self._http = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT)

    def start(self, request: Request, request_id: str) -> CallRecord:
        """Send a request and return its record, still without a response; raises NotSent."""
        headers = {"X-Request-Id": request_id, "Accept": "application/json", **self._headers, **request.headers}
        if request.key is not None:
            headers["Idempotency-Key"] = request.key
        if request.if_match is not None:
            headers["If-Match"] = f'"{request.if_match}"'
        content = None
        if request.body is not None:
            content = orjson.dumps(request.body)
            headers["Content-Type"] = "application/json"
        record: CallRecord = {"request_id": request_id, "operation": request.operation, "method": request.method}
        record |= {"path": request.path, "body": request.body, "key": request.key, "if_match": request.if_match}
        try:
            if self._http.sock is None:
                self._http.connect()
        except OSError as error:
            self._http.close()
            raise NotSent from error
        record["begin"] = time.monotonic()
        try:
            self._http.request(request.method, request.path, content, headers)
        except (OSError, http.client.HTTPException) as error:
            self._fail(record, error)
        return record

    def finish(self, record: CallRecord) -> CallRecord:
        """Wait for the response and complete the record."""
        if "end" in record:
            return record
        try:
            response = self._http.getresponse()
            content = response.read()
            _require_complete_head(response)
        except (OSError, http.client.HTTPException) as error:
            self._fail(record, error)
            return record
        record["end"] = time.monotonic()
        if response.status in UNKNOWN:
            record |= {"status": None, "answer": None, "reason": f"{response.status} {_detail(content)}"}
            return record
        record |= {"status": response.status, "answer": orjson.loads(content) if content else None}
        if response.headers.get("Idempotency-Replayed"):
            record["replayed"] = True
        if (age := response.headers.get("Age")) is not None:
            record["age"] = int(age)
        return record

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _fail(self, record: CallRecord, error: Exception) -> None:
        self._http.close()
        record |= {"end": time.monotonic(), "status": None, "answer": None, "reason": type(error).__name__}


def _require_complete_head(response: http.client.HTTPResponse) -> None:
    """Raise IncompleteRead if the head was cut: http.client takes a cut head for a complete one without a length."""
    is_empty = response.status == http.HTTPStatus.NO_CONTENT
    if not is_empty and response.headers.get("Content-Length") is None and not response.chunked:
        raise http.client.IncompleteRead(b"")


def _detail(content: bytes) -> str:
    try:
        return str(orjson.loads(content)["detail"])
    except (ValueError, KeyError, TypeError):
        return ""


class Connections:
    """Connections to all targets; each request takes a random one."""

    def __init__(self, targets: Sequence[Target], chance: random.Random) -> None:
        self._connections = [Connection(target) for target in targets]
        self._chance = chance

    def any(self) -> Connection:
        """Return a random connection."""
        return self._chance.choice(self._connections)

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()
