"""An HTTP client on raw sockets: it sends any bytes, and parses responses strictly to detect truncated ones."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

# Longer than every timeout of the gateway: a request that takes this long hangs.
SECONDS = 60


@dataclass
class Response:
    """A response; ``whole`` is False if it was truncated."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    whole: bool = True

    def values(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name.lower()]

    def value(self, name: str) -> str | None:
        return ", ".join(self.values(name)) if self.values(name) else None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_problem(self) -> bool:
        return self.value("content-type") == "application/problem+json" and self.json["status"] == self.status

    @property
    def code(self) -> str | None:
        return self.json["code"] if self.is_problem else None


def request(method: str, target: str, key: str | None, *lines: str, body: bytes | None = None) -> bytes:
    """Return the bytes of a request; ``lines`` are additional header lines."""
    head = [f"{method} {target} HTTP/1.1", "Host: gateway"]
    head += [f"Authorization: Bearer {key}"] if key else []
    head += lines
    head += [f"Content-Length: {len(body)}"] if body is not None else []
    return "\r\n".join([*head, "", ""]).encode("latin-1") + (body or b"")


def send(port: int, data: bytes, source: str | None = None) -> Response:
    """Send a request over a new connection, from the local address ``source``; return the response."""
    source_address = (source, 0) if source else None
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS, source_address=source_address) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as stream:
            return read(stream, data.startswith(b"HEAD "))


def send_all(port: int, data: bytes) -> list[Response]:
    """Send bytes, then a request that closes the connection; return all responses except the one to that request.

    If the gateway rejects the bytes, it closes the connection before that request.
    """
    last = b"GET /healthz HTTP/1.1\r\nHost: last\r\nX-Request-Id: the-last-one\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        with suppress(ConnectionError):  # refused before all bytes were sent
            connection.sendall(data + last)
        with connection.makefile("rb") as stream:
            return [response for response in _all(stream) if response.value("x-request-id") != "the-last-one"]


def _all(stream: BinaryIO) -> Iterator[Response]:
    try:
        while stream.peek(1):  # type: ignore[attr-defined]
            yield read(stream)
    except ConnectionError:
        return


def read(stream: BinaryIO, is_head: bool = False) -> Response:
    """Read a response (without a body if ``is_head``); raises ConnectionError if there is none."""
    version, _, rest = stream.readline().partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise ConnectionError(f"no response: {version!r}")
    response = Response(int(rest[:3]), [])
    while (line := stream.readline()) not in (b"\r\n", b""):
        assert line.endswith(b"\r\n")
        name, _, value = line.decode("latin-1").partition(":")
        response.headers.append((name.lower(), value.strip()))
    if not is_head and response.status >= 200 and response.status not in (204, 304):
        response.body, response.whole = _body(stream, response)
    return response


def _body(stream: BinaryIO, response: Response) -> tuple[bytes, bool]:
    lengths, chunked = response.values("content-length"), response.values("transfer-encoding")
    assert len(lengths) + len(chunked) <= 1
    try:
        if chunked:
            return _chunks(stream)
        if lengths:
            body = stream.read(int(lengths[0]))
            return body, len(body) == int(lengths[0])
        return stream.read(), True
    except ConnectionError:
        return b"", False


def _chunks(stream: BinaryIO) -> tuple[bytes, bool]:
    chunks: list[bytes] = []
    while True:
        try:
            size = stream.readline()
            length = int(size, 16) if size.endswith(b"\r\n") else -1
            chunk = stream.read(length + 2) if length >= 0 else b""
        except ConnectionError:
            return b"".join(chunks), False
        if not chunk.endswith(b"\r\n"):
            return b"".join([*chunks, chunk]), False
        if length == 0:
            return b"".join(chunks), True
        chunks.append(chunk[:-2])
