"""The problems of the gateway, each with its stable code.

::

    Problem
    ├── Unauthenticated        401 unauthenticated
    ├── Forbidden              403 forbidden
    ├── RateLimited            429 rate_limited
    ├── UpstreamUnreachable    502 upstream_unreachable
    ├── UpstreamTimeout        504 upstream_timeout
    └── Unavailable
        └── KeysUnavailable    503 keys_unavailable
"""

from invsys.chassis.http.problems import Problem, Unavailable


class Unauthenticated(Problem):
    """The request has no API key or token, or an invalid one."""

    status, code, title = 401, "unauthenticated", "Authentication required"
    additional_data = "The ``WWW-Authenticate`` header: the accepted authentication schemes."
    advice = (
        "Send ``Authorization: Bearer`` with your API key, or with a JSON Web Token that has not expired. If you did,"
        " the key may have been rotated or revoked: ask the operator for a new one."
    )


class Forbidden(Problem):
    """The client is authenticated, but does not have the required scope."""

    status, code, title = 403, "forbidden", "Permission denied"
    additional_data = "``scope``: the required scope. The ``WWW-Authenticate`` header contains it too (RFC 6750)."
    advice = "If the client should have this permission, ask the operator for the ``scope``."

    def __init__(self, scope: str, challenge: str) -> None:
        super().__init__(f"This request requires the scope {scope}.", {"WWW-Authenticate": challenge}, scope=scope)


class RateLimited(Problem):
    """The client exceeded a limit; the request was not executed."""

    status, code, title = 429, "rate_limited", "Too many requests"
    additional_data = (
        "The ``Retry-After`` header: seconds to wait. The ``RateLimit`` header: the limit that refused the request;"
        " ``RateLimit-Policy``: all limits."
    )
    advice = "Wait, then send the request again. If the limit is too low for the client, ask the operator to raise it."

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after)})


class UpstreamUnreachable(Problem):
    """The gateway cannot connect to the service behind it, or did not receive a complete response from it."""

    status, code, title = 502, "upstream_unreachable", "The service behind the gateway cannot be reached"
    advice = (
        "Send the request again in a moment, a ``POST`` with the same ``Idempotency-Key``, so that it is executed only"
        " once. If ``detail`` says that the response was lost, the change may have been made: check first."
    )


class UpstreamTimeout(Problem):
    """The service behind the gateway did not respond in time; it may still execute the request."""

    status, code, title = 504, "upstream_timeout", "The service behind the gateway took too long"
    advice = (
        "Check whether the request was executed, or send a ``POST`` again with the same ``Idempotency-Key``: it is"
        " executed only once."
    )


class KeysUnavailable(Unavailable):
    """The gateway cannot read the clients file or the token issuer's keys; the request was not executed."""

    code, title = "keys_unavailable", "Authentication is temporarily unavailable"
