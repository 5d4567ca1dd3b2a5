"""The failures of the gateway, each with its stable code.

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
    """The request does not say who sends it, or says it with a key or a token that is not accepted."""

    status, code, title = 401, "unauthenticated", "Who are you?"
    adds = "The ``WWW-Authenticate`` header: how to say it."
    advice = (
        "Send ``Authorization: Bearer`` with your API key, or with a JSON Web Token that has not expired. If you did,"
        " the key may have been replaced or revoked: ask the operator for a new one."
    )


class Forbidden(Problem):
    """The client is known, and may not do this."""

    status, code, title = 403, "forbidden", "You may not do this"
    adds = "``scope``: what the client would need. The ``WWW-Authenticate`` header says the same (RFC 6750)."
    advice = "Ask the operator for the ``scope``, if the client is meant to have it."

    def __init__(self, scope: str, challenge: str) -> None:
        super().__init__(f"This takes the scope {scope}.", {"WWW-Authenticate": challenge}, scope=scope)


class RateLimited(Problem):
    """The client asks too much at once; nothing was done."""

    status, code, title = 429, "rate_limited", "Too many requests"
    adds = "The ``Retry-After`` header: how many seconds to wait. ``RateLimit-*``: the limit, and what is left of it."
    advice = "Wait, then send it again; nothing was done. If the limit is too low for the work, ask the operator."

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after)})


class UpstreamUnreachable(Problem):
    """The service behind the gateway cannot be reached, or broke off its answer."""

    status, code, title = 502, "upstream_unreachable", "The service behind cannot be reached"
    advice = (
        "Send it again in a moment; a ``POST`` under the same ``Idempotency-Key``, so that it is done once. Where"
        " ``detail`` says that the answer was lost, the change may have been made: look first."
    )


class UpstreamTimeout(Problem):
    """The service behind the gateway did not answer in time; whether it still does what was asked is not known."""

    status, code, title = 504, "upstream_timeout", "The service behind takes too long"
    advice = "Look whether it was done, or send a ``POST`` again under the same ``Idempotency-Key``: it is done once."


class KeysUnavailable(Unavailable):
    """What the gateway knows callers by cannot be read for now; nothing was done."""

    code, title = "keys_unavailable", "Nobody can be recognised for now"
