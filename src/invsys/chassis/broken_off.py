"""Responses that the production server breaks off after their last byte, to close the connection.

While a thread reads a request's body, granian (2.8) closes the connection only when its client does, or when a response
ends before the length that it announced. So these announce a byte more than they have.

A request's thread also must not return to granian while another thread reads the body: it would wait for that thread,
and hold the interpreter's lock, so that the whole worker stood still. The last thing before its return is that the
iterable of its response is deleted.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response

from invsys.chassis.answers import Answer
from invsys.chassis.body_reader import Abandoned
from invsys.chassis.problems import RequestTimeout

# Seconds that the server gets to send a response before it is broken off. Refusals must not occupy threads for long; a
# client that gets no more than the end of the connection knows as well that nothing was done.
_FOR_TIMEOUT, _FOR_REFUSAL = 0.5, 0.02


class _BrokenOff(Answer):
    """A response with an iterable of its own."""

    pieces: "_Pieces"

    def get_app_iter(self, environ: Any) -> Any:
        """Return the iterable, to which nothing else refers."""
        pieces = self.pieces
        del self.pieces
        return pieces


class _Pieces:
    """The body, and a pause after it."""

    def __init__(self, body: bytes, seconds: float, wait: Callable[[], object]) -> None:
        self._body, self._seconds, self._wait = body, seconds, wait

    def __iter__(self) -> Iterator[bytes]:
        yield self._body
        threading.Event().wait(self._seconds)

    def close(self) -> None:
        """Close nothing: the response has not ended yet."""

    def __del__(self) -> None:
        self._wait()


def response(complete: Response, abandoned: Abandoned) -> Response:
    """Return a response like ``complete`` that ends the read that was abandoned."""
    body = complete.get_data()
    seconds = _FOR_TIMEOUT if isinstance(abandoned.problem, RequestTimeout) else _FOR_REFUSAL
    made = _BrokenOff(status=complete.status, headers=complete.headers)
    made.headers["Content-Length"] = str(len(body) + 1)
    made.pieces = _Pieces(body, seconds, abandoned.wait)
    return made
