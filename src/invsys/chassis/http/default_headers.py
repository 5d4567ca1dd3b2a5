"""Default headers of every response; a response that sets such a header itself keeps its own value.

They are added in ``start_response``, because an ``after_request`` function costs five times as many calls.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_DEFAULTS = (
    # Browsers must use the media type of the response instead of guessing it.
    ("X-Content-Type-Options", "nosniff"),
    # Links from these pages to other sites must not reveal the URL.
    ("Referrer-Policy", "no-referrer"),
    # Caches must not store a client's data. Calendars, GBFS documents and files set their own value.
    ("Cache-Control", "no-store"),
    # Otherwise granian (2.8) sends its name; it has no option to turn that off. The development server drops the
    # header.
    ("Server", ""),
)


def add_defaults(headers: list[tuple[str, str]]) -> None:
    """Add the missing defaults to ``headers``; header names must be in canonical case, such as Cache-Control."""
    present = dict(headers)
    headers += [default for default in _DEFAULTS if default[0] not in present]


def register(app: Flask) -> None:
    """Complete the headers of every response of ``app``, except for WSGI middleware that is added later."""
    serve = app.wsgi_app

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            add_defaults(headers)
            return start_response(status, headers, exc_info)

        return serve(environ, start)

    app.wsgi_app = call  # type: ignore[method-assign]
