"""A check of error responses, which have the same format in every service (RFC 9457)."""


def refused(response, status, code):
    """Check status, code and members of a problem response; return its body."""
    assert (response.status_code, response.mimetype) == (status, "application/problem+json"), response.text
    body = response.get_json()
    assert {key: body[key] for key in ("type", "status", "code", "request_id")} == {
        "type": f"/docs/problems/{code}",
        "status": status,
        "code": code,
        "request_id": response.headers["X-Request-Id"],
    }
    assert all(isinstance(body[key], str) and body[key] for key in ("title", "detail"))
    return body
