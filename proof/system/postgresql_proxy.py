"""A proxy for PostgreSQL's protocol, which can cut and delay its messages.

Every message is a type, a length and a payload (PostgreSQL, chapter 55.2.1); only the first ones of a client have no
type. The client must use ``sslmode=disable`` and ``gssencmode=disable``, so that the proxy can read them.
"""

import asyncio
from collections.abc import Iterator
from enum import Enum

from proof.system.tcp_proxy import Connection, CutError, Direction, Proxy

# Messages of the server.
_COMMAND_COMPLETE, _READY = b"C", b"Z"
# Messages of the client: those that run a statement, and those that contain its text or its name.
_QUERY, _EXECUTE, _PARSE, _BIND = b"Q", b"E", b"P", b"B"
_CHANGES = (b"INSERT", b"UPDATE", b"DELETE", b"COMMIT")
# The end of the tag of a statement that changed no row.
_NO_ROW = b" 0\0"


class Cut(Enum):
    """Where a connection is cut."""

    BEFORE_DELIVERY = "before a statement is delivered"
    AFTER_COMMIT = "after the commit, before its answer"
    BEFORE_READY = "between CommandComplete and ReadyForQuery"


class PostgresqlProxy(Proxy):
    """A proxy that cuts the next ``cuts`` connections that come to ``place``, and delays what the server sends."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self.cuts, self.place = 0, Cut.BEFORE_DELIVERY
        # Seconds before each delivery to the client.
        self.delay = 0.0

    def cut(self, connections: int, place: Cut) -> None:
        """Cut the next connections that come to ``place``."""
        self.place, self.cuts = place, connections

    def new_connection(self) -> Connection:
        """Return a connection whose messages this proxy may cut and delay."""
        connection = Connection()
        statement = _Statement()
        connection.to_server, connection.to_client = _Requests(self, statement), _Responses(self, statement)
        return connection

    def takes(self, place: Cut) -> bool:
        """Return whether a connection at ``place`` has to be cut, and count it."""
        if self.place is not place or self.cuts <= 0:
            return False
        self.cuts -= 1
        return True


class _Messages:
    """Splits a stream of bytes into messages."""

    def __init__(self, has_type: bool) -> None:
        self._buffer, self._has_type = b"", has_type

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the messages that are complete."""
        self._buffer += data
        start = 0
        while (end := self._end(start)) is not None and end <= len(self._buffer):
            yield self._buffer[start:end]
            start, self._has_type = end, True
        self._buffer = self._buffer[start:]

    def _end(self, start: int) -> int | None:
        """Return where the message that begins at ``start`` ends; None if its length has not been received."""
        length = start + (1 if self._has_type else 0)
        if len(self._buffer) < length + 4:
            return None
        return length + int.from_bytes(self._buffer[length : length + 4], "big")


class _Statement:
    """What the client executes: whether the current statement can change rows, by its text or its name."""

    def __init__(self) -> None:
        self.changes = False
        self._changing_names = set[bytes]()

    def read(self, message: bytes) -> None:
        """Take note of a message of the client."""
        kind, payload = message[:1], message[5:]
        if kind == _PARSE:
            name, text = payload.split(b"\0", 2)[:2]
            self._changing_names.discard(name)
            if _mentions_change(text):
                self._changing_names.add(name)
        elif kind == _BIND:
            self.changes = payload.split(b"\0", 2)[1] in self._changing_names
        elif kind == _QUERY:
            self.changes = _mentions_change(payload)


def _mentions_change(text: bytes) -> bool:
    upper = text.upper()
    return any(word in upper for word in _CHANGES)


class _Requests(Direction):
    def __init__(self, proxy: PostgresqlProxy, statement: _Statement) -> None:
        self._proxy, self._statement, self._messages = proxy, statement, _Messages(has_type=False)

    async def pass_on(self, data: bytes) -> bytes:
        for message in self._messages.feed(data):
            self._statement.read(message)
            if message[:1] in (_QUERY, _EXECUTE) and self._statement.changes and self._proxy.takes(Cut.BEFORE_DELIVERY):
                raise CutError
        return data


class _Responses(Direction):
    """Passes on the end of the answer to a change as a whole, up to ReadyForQuery, so that it can be cut before."""

    def __init__(self, proxy: PostgresqlProxy, statement: _Statement) -> None:
        self._proxy, self._statement, self._messages = proxy, statement, _Messages(has_type=True)
        # CommandComplete of a change, and what follows it.
        self._held = b""

    async def pass_on(self, data: bytes) -> bytes:
        if self._proxy.delay:
            await asyncio.sleep(self._proxy.delay)
        passed = b""
        for message in self._messages.feed(data):
            kind = message[:1]
            if not self._held and not (kind == _COMMAND_COMPLETE and self._changed_rows(message)):
                passed += message
                continue
            self._held += message
            if kind == _READY:
                passed, self._held = passed + self._whole_or_cut(passed, message), b""
        return passed

    def _changed_rows(self, message: bytes) -> bool:
        return self._statement.changes and not message.endswith(_NO_ROW)

    def _whole_or_cut(self, passed: bytes, ready: bytes) -> bytes:
        # In the state "idle", the transaction has been committed.
        if ready[5:6] == b"I":
            if self._proxy.takes(Cut.AFTER_COMMIT):
                raise CutError
            if self._proxy.takes(Cut.BEFORE_READY):
                raise CutError(passed + self._held[: -len(ready)])
        return self._held
