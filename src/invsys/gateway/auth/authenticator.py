"""Authentication: ``Authorization: Bearer`` with an API key or a token; on some paths also Basic with an API key.

``api_keys`` checks a key, ``jwt`` checks a token.
"""

from dataclasses import dataclass

from flask import request

from invsys.gateway.auth import api_keys
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.clients_file import ClientsFile
from invsys.gateway.auth.jwt import InvalidToken, TokenVerifier
from invsys.gateway.errors import Unauthenticated

_BEARER = 'Bearer realm="invsys"'
_BASIC = 'Basic realm="invsys", charset="UTF-8"'


@dataclass(frozen=True)
class Authenticator:
    """Finds the client of a request by its API key, or by its token if an issuer is configured."""

    clients: ClientsFile
    tokens: TokenVerifier | None

    def require_client(self, *, basic: bool) -> Client:
        """Return the client that sent the current request; ``basic``: also accept Basic with client name and API key.

        Raises Unauthenticated, KeysUnavailable.
        """
        scheme, _, parameters = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        credential = parameters.strip(" ")
        if scheme.lower() == "bearer" and credential:
            client = self._bearer_client(credential)
        elif basic and scheme.lower() == "basic":
            client = self._basic_client()
        else:
            raise _unauthenticated("Send your API key or token in the header Authorization: Bearer.", basic)
        if client is None:
            raise _unauthenticated("The API key or token is not valid.", basic, ', error="invalid_token"')
        return client

    def _bearer_client(self, credential: str) -> Client | None:
        if api_keys.is_key(credential):
            return self.clients.find_by_key(credential)
        if self.tokens is None:
            return None
        try:
            return self.tokens.client(credential)
        except InvalidToken:
            return None

    def _basic_client(self) -> Client | None:
        try:
            authorization = request.authorization
        except ValueError:  # the value is not Base64-encoded UTF-8
            return None
        if authorization is None or not authorization.password:
            return None
        client = self.clients.find_by_key(authorization.password)
        return client if client is not None and client.id == authorization.username else None


def _unauthenticated(detail: str, basic: bool, error: str = "") -> Unauthenticated:
    challenge = _BEARER + error
    # Basic comes first because browsers evaluate only the first challenge.
    return Unauthenticated(detail, {"WWW-Authenticate": f"{_BASIC}, {challenge}" if basic else challenge})
