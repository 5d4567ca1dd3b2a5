"""Request lines that Werkzeug would read as another one: refused, because a proxy in front may read them differently.

Werkzeug converts the method to upper case, but methods are case-sensitive (RFC 9110, section 9.1). It also drops all
but one of the slashes at the start of a path, so a proxy that restricts ``/metrics`` would not restrict ``//metrics``.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING

from invsys.chassis.http.problems import NotFound, status_problem

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def is_exact(environ: "WSGIEnvironment") -> bool:
    """Return whether Werkzeug reads the method and the path as they were sent."""
    return environ["REQUEST_METHOD"].isupper() and not environ["PATH_INFO"].startswith("//")


def require_exact(environ: "WSGIEnvironment") -> None:
    """Raise a 400 Problem for a method that is not in upper case, and NotFound for a path that starts with ``//``."""
    if not environ["REQUEST_METHOD"].isupper():
        raise status_problem(HTTPStatus.BAD_REQUEST)("The method is not in upper case.")
    if environ["PATH_INFO"].startswith("//"):
        raise NotFound("Nothing is served at this path.")
