"""Who sends a request: ``Authorization: Bearer`` with an API key or a token; on some paths, Basic with a key."""

from dataclasses import dataclass

from flask import request

from invsys.gateway.auth import api_keys
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.clients_file import ClientsFile
from invsys.gateway.auth.jwt import Tokens, UnacceptableToken
from invsys.gateway.errors import Unauthenticated

_BEARER = 'Bearer realm="invsys"'
_BASIC = 'Basic realm="invsys", charset="UTF-8"'


@dataclass(frozen=True)
class Authentication:
    """Knows the clients by their keys, and by tokens where an issuer is trusted."""

    clients: ClientsFile
    tokens: Tokens | None

    def require_client(self, *, basic: bool) -> Client:
        """Return the client that sends the current request; ``basic``: accept Basic with its name and key, too.

        Raises Unauthenticated, KeysUnavailable.
        """
        scheme, _, sent = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        text = sent.strip(" ")
        if scheme.lower() == "bearer" and text:
            client = self._bearer(text)
        elif basic and scheme.lower() == "basic":
            client = self._basic()
        else:
            raise _unauthenticated("Say who you are with Authorization: Bearer and your API key.", basic)
        if client is None:
            raise _unauthenticated("This API key or token is not accepted.", basic, ', error="invalid_token"')
        return client

    def _bearer(self, text: str) -> Client | None:
        if api_keys.is_key(text):
            return self.clients.known_by(text)
        if self.tokens is None:
            return None
        try:
            return self.tokens.client(text)
        except UnacceptableToken:
            return None

    def _basic(self) -> Client | None:
        try:
            said = request.authorization
        except ValueError:  # not base64 of UTF-8
            return None
        if said is None or not said.password:
            return None
        client = self.clients.known_by(said.password)
        return client if client is not None and client.id == said.username else None


def _unauthenticated(detail: str, basic: bool, error: str = "") -> Unauthenticated:
    challenge = _BEARER + error
    # Basic first: browsers look no further than the first one.
    return Unauthenticated(detail, {"WWW-Authenticate": f"{_BASIC}, {challenge}" if basic else challenge})
