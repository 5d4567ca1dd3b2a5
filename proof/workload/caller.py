"""A caller: it sends requests, records them, and settles unknown outcomes."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace

from proof.history.call import CallRecord
from proof.history.files import Writer
from proof.workload.connection import Connections, NotSent, Request, Target

# Seconds between two attempts, and for all attempts of one request.
_PAUSE, _LONGEST_PAUSE, _PATIENCE = 0.05, 1.0, 100.0


class Unsettled(Exception):
    """The system did not respond for ``_PATIENCE`` seconds."""


class Caller:
    """One caller with its own random numbers; ``name`` begins its request ids and keys."""

    def __init__(self, name: str, targets: Sequence[Target], writer: Writer, chance: random.Random) -> None:
        self.name, self.chance = name, chance
        self._writer = writer
        self._connections, self._others = (Connections(targets, chance) for _ in range(2))
        self.operations = 0

    def next_id(self) -> str:
        """Return a new request id."""
        self.operations += 1
        return f"{self.name}-{self.operations}"

    def send(self, request: Request) -> CallRecord:
        """Send a request and return its record.

        If the outcome is unknown and the request has an Idempotency-Key, it is sent again until the outcome is known.
        Raises Unsettled.
        """
        record = self._send_once(request)
        if request.key is None:
            return record
        pause, deadline = _PAUSE, time.monotonic() + _PATIENCE
        while record["status"] is None:
            if time.monotonic() > deadline:
                raise Unsettled(f"{request.method} {request.path} with the key {request.key}")
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)
            record = self._send_once(replace(request, operation="retry"))
        return record

    def send_twice(self, request: Request) -> CallRecord:
        """Send a request with an Idempotency-Key twice at the same time; return the record that succeeded, if any."""
        first_connection, second_connection = self._connections.any(), self._others.any()
        started = []
        for connection, sent in ((first_connection, request), (second_connection, replace(request, operation="twin"))):
            try:
                started.append((connection, connection.start(sent, self.next_id())))
            except NotSent:
                continue
        records = [connection.finish(record) for connection, record in started]
        for record in records:
            self._writer.write(record)
        if not any(record["status"] is not None for record in records):
            return self.send(replace(request, operation="retry"))
        return min(records, key=lambda record: record["status"] or 999)

    def _send_once(self, request: Request) -> CallRecord:
        pause, deadline = _PAUSE, time.monotonic() + _PATIENCE
        while True:
            connection = self._connections.any()
            try:
                record = connection.finish(connection.start(request, self.next_id()))
                break
            except NotSent as error:
                if time.monotonic() > deadline:
                    raise Unsettled("No target accepts connections.") from error
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)
        self._writer.write(record)
        return record

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()
        self._others.close()
