"""The path prefix under which callers know the service, if a proxy removes it from the paths (``X-Forwarded-Prefix``).

It becomes WSGI's ``SCRIPT_NAME``: routes do not contain it, and ``url_for`` and ``for_caller`` add it to links. The
header is ignored unless the request comes from a trusted proxy.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, request

from invsys.chassis.access import allowed_hosts, proxies
from invsys.chassis.http.problems import status_problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEADER = "X-Forwarded-Prefix"

_KEY = "HTTP_X_FORWARDED_PREFIX"
# Plain segments only, because the prefix is part of links in headers and pages. A slash at the end is ignored.
_PREFIX = re.compile(r"((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+){0,8})/?")


def for_caller(path: str) -> str:
    """Return a path of the service as its callers know it."""
    return f"{request.script_root}{path}"


def register(app: Flask) -> None:
    """Use the prefix that trusted proxies send; refuse a malformed one with 400."""
    serve = app.wsgi_app

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if _KEY in environ and proxies.is_trusted_address(environ.get("REMOTE_ADDR"), app.config["TRUSTED_PROXIES"]):
            prefix = _PREFIX.fullmatch(environ[_KEY])
            if prefix is None:
                problem = status_problem(HTTPStatus.BAD_REQUEST)(f"The header {HEADER} is malformed.")
                return allowed_hosts.refusal(app, environ, problem)(environ, start_response)
            environ["SCRIPT_NAME"] = prefix[1]
        return serve(environ, start_response)

    app.wsgi_app = call  # type: ignore[method-assign]
