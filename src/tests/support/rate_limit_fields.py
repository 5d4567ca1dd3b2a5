"""Parses the response headers RateLimit-Policy and RateLimit as structured fields (RFC 9651)."""

import re
from typing import Any

HEADERS = ("RateLimit-Policy", "RateLimit")

# A list member: a string, then parameters whose values are integers or strings.
_MEMBER = r'"[a-z0-9_]+"(?:;[a-z]+=(?:0|[1-9][0-9]{0,14}|"[a-z-]+"))+'

Members = dict[str, dict[str, Any]]


def members(response: Any, header: str) -> Members:
    """Return the parameters of each member of the header, by the member's name."""
    [field] = response.headers.getlist(header)
    assert re.fullmatch(rf"{_MEMBER}(?:, {_MEMBER})*", field), field
    return dict(_member(text) for text in field.split(", "))


def _member(text: str) -> tuple[str, dict[str, Any]]:
    name, *parameters = text.split(";")
    pairs = (parameter.split("=") for parameter in parameters)
    return name.strip('"'), {key: int(value) if value.isdecimal() else value.strip('"') for key, value in pairs}


def announced(response: Any) -> dict[str, tuple[int, int]]:
    """Return the quota and the remaining requests of each rate in RateLimit."""
    policies, limits = (members(response, header) for header in HEADERS)
    return {
        name: (policies[name]["q"], limit["r"]) for name, limit in limits.items() if policies[name].keys() == {"q", "w"}
    }


def reset(response: Any, limit: str) -> int:
    """Return the seconds after which the limit allows more requests."""
    seconds: int = members(response, "RateLimit")[limit]["t"]
    return seconds
