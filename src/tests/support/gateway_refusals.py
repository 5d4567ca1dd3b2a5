"""The authentication challenges in responses of the gateway."""

import re


def challenges(response):
    """Return the parameters of each challenge in WWW-Authenticate, by its scheme (RFC 9110, 11.6.1)."""
    header = ", ".join(response.headers.getlist("WWW-Authenticate"))
    schemes = re.findall(r'(\w+) ((?:[\w-]+="[^"]*"(?:, ?|$))*)', header)
    assert "".join(f"{scheme} {rest}" for scheme, rest in schemes) == header
    return {scheme: dict(re.findall(r'([\w-]+)="([^"]*)"', rest)) for scheme, rest in schemes}
