"""Headers of every response, unless the response has its own.

They are added where the server starts a response: an ``after_request`` function would make five times as many calls.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_DEFAULTS = (
    # Browsers must not guess another type than that of the response.
    ("X-Content-Type-Options", "nosniff"),
    # No other site learns the addresses of pages here.
    ("Referrer-Policy", "no-referrer"),
    # No cache keeps what a client may see. Calendars, GBFS and files have their own.
    ("Cache-Control", "no-store"),
    # Without it granian (2.8) sends its own name, and has no option against that. The development server drops it.
    ("Server", ""),
)


def complete(headers: list[tuple[str, str]]) -> None:
    """Add the defaults that are missing; the names of headers have to be in their usual case, such as Cache-Control."""
    present = dict(headers)
    headers += [default for default in _DEFAULTS if default[0] not in present]


def register(app: Flask) -> None:
    """Complete the headers of every response of ``app``; what wraps the application later is not seen."""
    serve = app.wsgi_app

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            complete(headers)
            return start_response(status, headers, exc_info)

        return serve(environ, start)

    app.wsgi_app = call  # type: ignore[method-assign]
