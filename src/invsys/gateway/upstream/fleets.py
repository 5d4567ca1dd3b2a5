"""Fleets apart: each has an inventory of its own. The first part of the path, or the host name, selects one.

The rest of the gateway sees the paths without the fleet. ``/north/api/cars`` becomes ``/api/cars`` with the WSGI
``SCRIPT_NAME`` ``/north``, with which links begin, so that they keep the form that the caller used.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Flask, request

from invsys.chassis.access import allowed_hosts
from invsys.chassis.ops import health

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The service that each fleet has for itself.
INVENTORY = "inventory"

_KEY = "invsys.fleet"


def current() -> str | None:
    """Return the fleet of the current request, or None if it names none."""
    return request.environ.get(_KEY)


def is_root_without_slash() -> bool:
    """Return whether the path of the current request is only the name of a fleet: ``/north`` instead of ``/north/``."""
    return current() is not None and not request.environ["PATH_INFO"]


def register(app: Flask, names: Iterable[str], hosts: Mapping[str, str]) -> None:
    """Select the fleet of each request to ``app``; ``hosts`` maps host names to fleets.

    Call this before ``allowed_hosts.register``, so that only checked host names get here.
    """
    fleets = frozenset(names)
    if not fleets:
        return
    serve = app.wsgi_app

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        fleet = hosts.get(allowed_hosts.host_name(environ["HTTP_HOST"]) or "") if hosts else None
        if fleet is not None:
            environ[_KEY] = fleet
        else:
            _take_from_path(environ, fleets)
        return serve(environ, start_response)

    app.wsgi_app = call  # type: ignore[method-assign]


def _take_from_path(environ: "WSGIEnvironment", fleets: frozenset[str]) -> None:
    name, slash, rest = environ["PATH_INFO"].removeprefix("/").partition("/")
    path = slash + rest
    # /healthz, /readyz and /metrics are those of the gateway, and exist only once.
    if name in fleets and path not in health.FOR_OPERATORS:
        environ[_KEY], environ["SCRIPT_NAME"], environ["PATH_INFO"] = name, f"/{name}", path
