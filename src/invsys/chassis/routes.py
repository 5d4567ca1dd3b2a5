"""The spelling of routes in metrics, logs and OpenAPI documents: ``/api/{collection}``."""

import functools
import re

from flask import request

# A variable of a route of Flask, with or without its converter.
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?(\w+)>")


@functools.cache
def path_template(rule: str) -> str:
    """Return a route of Flask as a path template of OpenAPI (4.8.2): ``/api/<uuid:id>`` becomes ``/api/{id}``."""
    return _VARIABLE.sub(r"{\1}", rule)


def current() -> str | None:
    """Return the path template of the current request, or None if no route matches its path."""
    rule = request.url_rule
    return None if rule is None else path_template(rule.rule)
