"""Public keys of the token issuer: a JSON Web Key Set (RFC 7517) in a file or at a URL, reloaded periodically."""

import json
import logging
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from joserfc import jwk
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import base64_to_int

from invsys.gateway.errors import KeysUnavailable
from invsys.gateway.upstream.pool import ConnectFailed, ConnectionPool
from invsys.gateway.upstream.response import BrokenResponse

logger = logging.getLogger(__name__)

# The minimum time between two attempts to load, in seconds. It limits the load from tokens with unknown keys.
_RETRY_INTERVAL = 10.0
# Seconds for which a request waits while another one loads the first keys.
_LOAD_WAIT = 0.5
_CONNECT_TIMEOUT, _READ_TIMEOUT = 2.0, 3.0
_MAX_BYTES = 1024 * 1024
# RFC 7518, 3.3 and 3.5.
_MIN_RSA_BITS = 2048
# Exceptions that json and joserfc raise for content that is not a valid key set.
_PARSE_ERRORS = (JoseError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


class KeySource:
    """The keys at ``location``, a path or an http(s) URL, reloaded after ``refresh`` seconds.

    If loading fails, the keys that were loaded last stay valid, and the reason is logged.
    """

    def __init__(self, location: str, refresh: float) -> None:
        self._location = location
        self._refresh = refresh
        self._lock = threading.Lock()
        self._loaded_at = self._tried_at = float("-inf")
        self._keys: KeySet | None = None

    def current(self) -> KeySet:
        """Return the keys, reloaded if they are older than ``refresh`` seconds.

        Raises KeysUnavailable if no keys were ever loaded.
        """
        if time.monotonic() - self._loaded_at > self._refresh:
            self.reload()
        if self._keys is None:
            raise KeysUnavailable("The token issuer's keys cannot be loaded; see the gateway's log for the reason.")
        return self._keys

    def reload(self) -> KeySet | None:
        """Load the keys again and return them.

        Returns None if loading fails, if another thread is loading them, or if the last attempt was less than
        ``_RETRY_INTERVAL`` seconds ago.
        """
        # While another thread loads, use the present keys; without any, wait for a short time.
        if self._tried_recently() or not self._lock.acquire(timeout=_LOAD_WAIT if self._keys is None else 0):
            return None
        try:
            if self._tried_recently():
                return None
            self._keys = _parse_key_set(_load(self._location))
            self._loaded_at = time.monotonic()
        except (OSError, ConnectFailed, BrokenResponse, *_PARSE_ERRORS) as error:
            logger.error("the token issuer's keys cannot be loaded: %s", error)  # noqa: TRY400
            return None
        else:
            return self._keys
        finally:
            self._tried_at = time.monotonic()
            self._lock.release()

    def _tried_recently(self) -> bool:
        return time.monotonic() - self._tried_at < _RETRY_INTERVAL


def _parse_key_set(content: bytes) -> KeySet:
    """Parse a key set; weak keys and keys of unknown types are ignored (RFC 7517, 5). Raises ``_PARSE_ERRORS``."""
    keys = []
    for key in json.loads(content)["keys"]:
        try:
            _require_strong_rsa(key)
            keys.append(jwk.import_key(dict(key)))
        except _PARSE_ERRORS as error:
            logger.warning("a key of the token issuer is ignored: %s", error)
    if not keys:
        raise ValueError("the key set contains no usable key")
    return KeySet(keys)


def _require_strong_rsa(key: Mapping[str, Any]) -> None:
    # joserfc only logs a warning for a short RSA key.
    if key["kty"] == "RSA" and (bits := base64_to_int(key["n"]).bit_length()) < _MIN_RSA_BITS:
        raise ValueError(f"RSA key of {bits} bits; at least {_MIN_RSA_BITS} are required")


def _load(location: str) -> bytes:
    if not location.startswith(("http://", "https://")):
        return Path(location).read_bytes()
    parts = urlsplit(location)
    base = f"{parts.scheme}://{parts.netloc}"
    pool = ConnectionPool(base, _CONNECT_TIMEOUT, _READ_TIMEOUT, max_idle=0)
    response = pool.send("GET", location.removeprefix(base) or "/", {})
    try:
        if response.status != HTTPStatus.OK:
            raise ValueError(f"{location} responded with status {response.status}")
        return b"".join(response.iter_body(_READ_TIMEOUT, _MAX_BYTES))
    finally:
        response.close()
