"""Error pages: explain problems to people who use a browser. Other clients get problem documents instead."""

from http import HTTPStatus
from typing import Any

from flask import Flask, render_template

from invsys.chassis.documentation.problem_pages import POLICY
from invsys.chassis.http import problems, responses
from invsys.chassis.http.problems import Problem
from invsys.chassis.http.responses import RawHeadersResponse

# For each status: what happened, and what to do. The sentences use no HTTP terms, because users of a browser read them.
_WORDS = {
    HTTPStatus.UNAUTHORIZED: (
        "This page needs a key",
        "Either your key was not accepted, or this address needs one. If you have followed a link, it may be wrong.",
    ),
    HTTPStatus.FORBIDDEN: ("You may not see this", "Ask the operator of this service for the permission."),
    HTTPStatus.NOT_FOUND: (
        "There is nothing here",
        "Check the address. What it belongs to may also have been removed.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "This does not work here",
        "This address cannot be used in this way. Nothing was changed.",
    ),
    HTTPStatus.MISDIRECTED_REQUEST: (
        "This name is not served here",
        "The service does not accept requests under the name in the address. Use the name that the operator gave you.",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("Something in the address is wrong", "Nothing was changed."),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "Too many requests",
        "Nothing was changed. Wait a moment, then load the page again.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Something went wrong in the service",
        "Tell the operator the request id below: the log of the service has the cause under it.",
    ),
    HTTPStatus.BAD_GATEWAY: ("The service cannot be reached", "Wait a moment, then load the page again."),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "The service is not available at the moment",
        "Nothing was changed. Wait a moment, then load the page again.",
    ),
    HTTPStatus.GATEWAY_TIMEOUT: ("The service took too long", "Wait a moment, then load the page again."),
}


def register(app: Flask, home: str | None = None) -> None:
    """Show the problems of ``app`` to browsers as pages; ``home`` is the path of the page that these link to."""
    app.config["HOME_PAGE"] = home
    app.extensions[problems.PAGES] = _page


def _page(problem: Problem, document: dict[str, Any]) -> RawHeadersResponse:
    heading, advice = _WORDS.get(HTTPStatus(problem.status), (problem.title, ""))
    html = render_template("documentation/error.html", heading=heading, advice=advice, problem=document)
    return responses.page(html, problem.status, {"Content-Security-Policy": POLICY})
