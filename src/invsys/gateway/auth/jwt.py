"""JSON Web Tokens (RFC 7519, RFC 9068): a trusted issuer names the client and its scopes."""

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from invsys.chassis.http import headers
from invsys.gateway.auth import scopes
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.jwks import KeySource

# Public-key algorithms only: with a shared secret, every party that can verify a token could also issue one.
ALGORITHMS = (
    *(f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)),
    "Ed25519",
    "Ed448",
    "EdDSA",
)


class InvalidToken(Exception):
    """The token is malformed, not signed by the issuer, for another audience, or expired."""


class TokenVerifier:
    """Verifies the tokens of one issuer for one audience; ``settings`` is the section ``[jwt]``."""

    def __init__(self, settings: Mapping[str, Any], keys: KeySource) -> None:
        self._keys = keys
        self._algorithms = settings["algorithms"].split()
        self._client_claim, self._scopes_claim = settings["client"], settings["scopes"]
        self._claims_registry = jwt.JWTClaimsRegistry(
            leeway=settings["leeway"],
            iss={"essential": True, "value": settings["issuer"]},
            aud={"essential": True, "value": settings["audience"]},
            exp={"essential": True},
        )

    def client(self, text: str) -> Client:
        """Verify a token and return its client, with the scopes; raises InvalidToken, KeysUnavailable."""
        try:
            token = self._verify_signature(text)
            self._claims_registry.validate(token.claims)
        # joserfc raises the built-in exceptions for values of unexpected types and for deeply nested JSON.
        except (JoseError, RecursionError, TypeError, ValueError) as error:
            raise InvalidToken(str(error)) from error
        name = token.claims.get(self._client_claim)
        if not isinstance(name, str) or not headers.is_visible(name):
            raise InvalidToken(f"the claim {self._client_claim} does not name a client")
        return Client(name, scopes.parse_known(self._granted_scopes(token.claims)))

    def _granted_scopes(self, claims: Mapping[str, Any]) -> list[str]:
        """Return the scopes in the claim: a space-separated string (RFC 8693, 4.2) or, from some issuers, a list."""
        value = claims.get(self._scopes_claim, "")
        if isinstance(value, str):
            return value.split()
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise InvalidToken(f"the claim {self._scopes_claim} is neither a string nor a list of strings")
        return value

    def _verify_signature(self, text: str) -> jwt.Token:
        try:
            return self._decode(text, self._keys.current())
        except InvalidKeyIdError:
            # The issuer may have published a new key after the keys were loaded.
            if (keys := self._keys.reload()) is None:
                raise
            return self._decode(text, keys)

    def _decode(self, text: str, keys: KeySet) -> jwt.Token:
        token = jwt.decode(text, keys, algorithms=self._algorithms)
        if "crit" in token.header:
            # No extension is supported, so every crit is rejected (RFC 7515, 4.1.11). joserfc accepts an empty list.
            raise InvalidToken("the header crit is not supported")
        return token
