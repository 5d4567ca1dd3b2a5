"""The secret shared by the gateway and a service behind it: the service refuses requests without it.

If no secret is set, any process that can connect from one of ``[server] trusted_proxies`` can act as any client.
"""

import hmac

from flask import Flask, request

from invsys.chassis.http.problems import GatewayRequired
from invsys.chassis.ops import health

HEADER = "X-Gateway-Secret"


def register(app: Flask, secret: str) -> None:
    """Refuse requests to ``app`` without the secret, except those to the paths ``health.FOR_OPERATORS``.

    If ``secret`` is empty, no request is refused.
    """
    if not secret:
        return
    expected = secret.encode()

    @app.before_request
    def check() -> None:
        # As bytes, because compare_digest raises TypeError for a str with non-ASCII characters.
        sent = request.environ.get("HTTP_X_GATEWAY_SECRET", "").encode("utf-8", "replace")
        if not hmac.compare_digest(sent, expected) and request.path not in health.FOR_OPERATORS:
            raise GatewayRequired(f"The header {HEADER} is missing, or its secret is wrong.")
