"""JSON Web Tokens (RFC 7519, RFC 9068): who calls, and what they may do, as an issuer says that the gateway trusts."""

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from invsys.chassis.http import headers
from invsys.gateway.auth import scopes
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.jwks import Keys

# Public keys only: with a shared secret, whoever can check a token could issue one.
ALGORITHMS = (
    *(f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)),
    "Ed25519",
    "Ed448",
    "EdDSA",
)


class UnacceptableToken(Exception):
    """The token is none, is not signed by the issuer, is for somebody else, or has expired."""


class Tokens:
    """Tokens of one issuer, for one audience; ``settings`` is the section ``[jwt]``."""

    def __init__(self, settings: Mapping[str, Any], keys: Keys) -> None:
        self._keys = keys
        self._algorithms = settings["algorithms"].split()
        self._client, self._scopes = settings["client"], settings["scopes"]
        self._claims = jwt.JWTClaimsRegistry(
            leeway=settings["leeway"],
            iss={"essential": True, "value": settings["issuer"]},
            aud={"essential": True, "value": settings["audience"]},
            exp={"essential": True},
        )

    def client(self, text: str) -> Client:
        """Give the client that a token is about; raises UnacceptableToken, KeysUnavailable."""
        try:
            token = self._verified(text)
            self._claims.validate(token.claims)
        # joserfc raises the others on values of types that it does not expect, and on brackets without end.
        except (JoseError, RecursionError, TypeError, ValueError) as error:
            raise UnacceptableToken(str(error)) from error
        name = token.claims.get(self._client)
        if not isinstance(name, str) or not headers.is_visible(name):
            raise UnacceptableToken(f"the claim {self._client} does not name a client")
        return Client(name, scopes.read_known(self._granted(token.claims)))

    def _granted(self, claims: Mapping[str, Any]) -> list[str]:
        """Return the scopes in the claim: a text with blanks between (RFC 8693, 4.2), or a list, as some issuers do."""
        granted = claims.get(self._scopes, "")
        if isinstance(granted, str):
            return granted.split()
        if not isinstance(granted, list) or not all(isinstance(word, str) for word in granted):
            raise UnacceptableToken(f"the claim {self._scopes} is neither a text nor a list of texts")
        return granted

    def _verified(self, text: str) -> jwt.Token:
        try:
            return self._decode(text, self._keys.current())
        except InvalidKeyIdError:
            # The issuer may have taken a new key since the keys were read.
            if (newer := self._keys.newer()) is None:
                raise
            return self._decode(text, newer)

    def _decode(self, text: str, keys: KeySet) -> jwt.Token:
        token = jwt.decode(text, keys, algorithms=self._algorithms)
        if "crit" in token.header:
            # No extension is understood here (RFC 7515, 4.1.11). joserfc accepts an empty list.
            raise UnacceptableToken("the header crit names extensions that have to be understood")
        return token
