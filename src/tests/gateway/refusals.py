"""What every refusal of the gateway looks like (RFC 9457)."""

import re


def refused(answer, status, code):
    """Check an answer against the contract of refusals; gives its body."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    body = answer.get_json()
    assert {key: body[key] for key in ("type", "status", "code", "request_id")} == {
        "type": f"/docs/problems/{code}",
        "status": status,
        "code": code,
        "request_id": answer.headers["X-Request-Id"],
    }
    assert all(isinstance(body[key], str) and body[key] for key in ("title", "detail"))
    return body


def challenges(answer):
    """Give what an answer asks for in WWW-Authenticate, by scheme (RFC 9110, 11.6.1)."""
    whole = ", ".join(answer.headers.getlist("WWW-Authenticate"))
    schemes = re.findall(r'(\w+) ((?:[\w-]+="[^"]*"(?:, ?|$))*)', whole)
    assert "".join(f"{scheme} {rest}" for scheme, rest in schemes) == whole
    return {scheme: dict(re.findall(r'([\w-]+)="([^"]*)"', rest)) for scheme, rest in schemes}
