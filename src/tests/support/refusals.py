"""What every refusal looks like (RFC 9457), of whichever service."""


def refused(response, status, code):
    """Check an answer against the contract of refusals; gives its body."""
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
