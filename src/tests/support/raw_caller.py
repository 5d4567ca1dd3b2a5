"""A caller of raw sockets: it sends bytes, and reads answers strictly; what is cut off is seen to be."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

# Longer than whatever the gateway waits for; whoever waits this long has found a request that hangs.
SECONDS = 10


@dataclass
class Answer:
    """An answer; ``whole`` unless it was cut off before its framing says that it ends."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    whole: bool = True

    def values(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name.lower()]

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
    """Write a request; ``lines`` are further lines of its head."""
    head = [f"{method} {target} HTTP/1.1", "Host: gateway"]
    head += [f"Authorization: Bearer {key}"] if key else []
    head += lines
    head += [f"Content-Length: {len(body)}"] if body is not None else []
    return "\r\n".join([*head, "", ""]).encode("latin-1") + (body or b"")


def ask(port: int, data: bytes, source: str | None = None) -> Answer:
    """Send a request over a connection of its own, from the address ``source`` of this machine; return its answer."""
    own = (source, 0) if source else None
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS, source_address=own) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as stream:
            return read(stream, data.startswith(b"HEAD "))


def ask_all(port: int, data: bytes) -> list[Answer]:
    """Send bytes, and behind them a request that closes; give the answers up to that one, without it.

    Where the gateway refuses what it was sent, it closes before.
    """
    last = b"GET /healthz HTTP/1.1\r\nHost: last\r\nX-Request-Id: the-last-one\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(data + last)
        with connection.makefile("rb") as stream:
            return [answer for answer in _all(stream) if answer.value("x-request-id") != "the-last-one"]


def _all(stream: BinaryIO) -> Iterator[Answer]:
    try:
        while stream.peek(1):  # type: ignore[attr-defined]
            yield read(stream)
    except ConnectionError:
        return


def read(stream: BinaryIO, of_head: bool = False) -> Answer:
    """Read an answer; raises ConnectionError where not even a head comes."""
    version, _, rest = stream.readline().partition(b" ")
    if version != b"HTTP/1.1":
        raise ConnectionError(f"no answer: {version!r}")
    answer = Answer(int(rest[:3]), [])
    while (line := stream.readline()) not in (b"\r\n", b""):
        assert line.endswith(b"\r\n")
        name, _, value = line.decode("latin-1").partition(":")
        answer.headers.append((name.lower(), value.strip()))
    if not of_head and answer.status not in (204, 304):
        answer.body, answer.whole = _body(stream, answer)
    return answer


def _body(stream: BinaryIO, answer: Answer) -> tuple[bytes, bool]:
    lengths, chunked = answer.values("content-length"), answer.values("transfer-encoding")
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
    pieces: list[bytes] = []
    while True:
        try:
            size = stream.readline()
            length = int(size, 16) if size.endswith(b"\r\n") else -1
            piece = stream.read(length + 2) if length >= 0 else b""
        except ConnectionError:
            return b"".join(pieces), False
        if not piece.endswith(b"\r\n"):
            return b"".join([*pieces, piece]), False
        if length == 0:
            return b"".join(pieces), True
        pieces.append(piece[:-2])
