"""The public keys of who issues tokens: a JSON Web Key Set (RFC 7517) in a file or at a URL, read anew now and then."""

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
from invsys.gateway.upstream.pool import Connections, NotConnected
from invsys.gateway.upstream.response import Broken

logger = logging.getLogger(__name__)

# Seconds between two attempts at least: whoever sends tokens with keys that nobody knows makes no more work than that.
_PAUSE = 10.0
# Seconds for which a request waits for keys that another one is just reading.
_PATIENCE = 0.5
# To connect, and to answer.
_TIMEOUTS = 2.0, 3.0
_LARGEST = 1024 * 1024
# RFC 7518, 3.3 and 3.5.
_SHORTEST_RSA = 2048
# What comes of content that is no set of keys.
_UNREADABLE = (JoseError, AttributeError, KeyError, RecursionError, TypeError, ValueError)


class Keys:
    """The keys at ``place``, a path or an http(s) URL, read again after ``refresh`` seconds.

    While the place cannot be read, the keys stay those that were read last, and the log says why.
    """

    def __init__(self, place: str, refresh: float) -> None:
        self._place = place
        self._refresh = refresh
        self._lock = threading.Lock()
        self._read_at = self._tried_at = float("-inf")
        self._keys: KeySet | None = None

    def current(self) -> KeySet:
        """Give the keys; raises KeysUnavailable while they were never read."""
        if time.monotonic() - self._read_at > self._refresh:
            self.newer()
        if self._keys is None:
            raise KeysUnavailable("The keys of the token's issuer cannot be read; the gateway's log says why.")
        return self._keys

    def newer(self) -> KeySet | None:
        """Read the keys again; gives None where that was tried a moment ago, or failed."""
        # Others go on with the keys that are there; where there are none, they wait, but not for long.
        if self._was_tried() or not self._lock.acquire(timeout=_PATIENCE if self._keys is None else 0):
            return None
        try:
            if self._was_tried():
                return None
            self._keys = _key_set(_content(self._place))
            self._read_at = time.monotonic()
        except (OSError, NotConnected, Broken, *_UNREADABLE) as error:
            logger.error("the keys of the token's issuer cannot be read: %s", error)  # noqa: TRY400
            return None
        else:
            return self._keys
        finally:
            self._tried_at = time.monotonic()
            self._lock.release()

    def _was_tried(self) -> bool:
        return time.monotonic() - self._tried_at < _PAUSE


def _key_set(content: bytes) -> KeySet:
    """Read the keys, without those that are weak or of an unknown kind (RFC 7517, 5); raises ``_UNREADABLE``."""
    keys = []
    for each in json.loads(content)["keys"]:
        try:
            _refuse_short_rsa(each)
            keys.append(jwk.import_key(dict(each)))
        except _UNREADABLE as error:
            logger.warning("a key of the token's issuer is left out: %s", error)
    if not keys:
        raise ValueError("none of its keys can be used")
    return KeySet(keys)


def _refuse_short_rsa(key: Mapping[str, Any]) -> None:
    # joserfc only warns of it.
    if key["kty"] == "RSA" and (bits := base64_to_int(key["n"]).bit_length()) < _SHORTEST_RSA:
        raise ValueError(f"an RSA key of {bits} bits; at least {_SHORTEST_RSA} are required")


def _content(place: str) -> bytes:
    if not place.startswith(("http://", "https://")):
        return Path(place).read_bytes()
    parts = urlsplit(place)
    base = f"{parts.scheme}://{parts.netloc}"
    exchange = Connections(base, *_TIMEOUTS, kept=0).ask("GET", place.removeprefix(base) or "/", {})
    try:
        if exchange.status != HTTPStatus.OK:
            raise ValueError(f"{place} answered {exchange.status}")
        return b"".join(exchange.pieces(_TIMEOUTS[1], _LARGEST))
    finally:
        exchange.end()
