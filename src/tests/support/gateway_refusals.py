"""What a refusal of the gateway asks for."""

import re


def challenges(answer):
    """Give what an answer asks for in WWW-Authenticate, by scheme (RFC 9110, 11.6.1)."""
    whole = ", ".join(answer.headers.getlist("WWW-Authenticate"))
    schemes = re.findall(r'(\w+) ((?:[\w-]+="[^"]*"(?:, ?|$))*)', whole)
    assert "".join(f"{scheme} {rest}" for scheme, rest in schemes) == whole
    return {scheme: dict(re.findall(r'([\w-]+)="([^"]*)"', rest)) for scheme, rest in schemes}
