"""Cursors: encrypted sort keys, which hide row numbers from callers (AES-SIV, RFC 5297).

The encryption is deterministic and authenticated. A position always has the same cursor, and the cursors of adjacent
positions look unrelated. A cursor that was altered, or created for another list or database, is rejected.
"""

import base64
import struct
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from flask import Flask, current_app
from marshmallow import ValidationError
from sqlalchemy import event, select

from invsys.inventory.db import session
from invsys.inventory.db.models import CursorState, db
from invsys.inventory.errors import UnusableDatabase

# The purpose of cursors of the change feed. The purpose of a list's cursors is its path and the parameters on which the
# list depends. A cursor is valid only for its purpose.
EVENTS = "events"

NOT_A_CURSOR = "Not a valid cursor of this list: it belongs to one path, one order and one set of filters."
NOT_A_FEED_CURSOR = "Not a cursor of the change feed: send `next` of an earlier response, or `now`."

# The values that determine an item's place in a list: integers or None, then possibly a text.
SortKey = tuple[Any, ...]

_CIPHER = "invsys.cursor_cipher"
_SECRET = select(CursorState.secret)

# Represents null. No instant or row number is that small.
_NULL = -(2**63)


class UnreadableCursor(Exception):
    """The cursor was altered, or it was created for another list or database."""


class _Cipher:
    """The cipher of the current database. A new connection clears the cache: it may lead to another database."""

    def __init__(self) -> None:
        self._cached: AESSIV | None = None

    def clear(self, *_: Any) -> None:
        self._cached = None

    def get(self) -> AESSIV:
        # A local variable, because another thread may clear the cache at any time.
        cipher = self._cached
        if cipher is None:
            # Reading the secret may open a connection, which clears the cache. Therefore the cache is set afterwards.
            self._cached = cipher = AESSIV(_secret())
        return cipher


def _secret() -> bytes:
    with session.read_primary() as connection:
        secret: bytes | None = connection.scalar(_SECRET)
    if secret is None:
        raise missing_state()
    return secret


def missing_state() -> UnusableDatabase:
    """Return the error for a database without the row that migration 0004 inserts."""
    return UnusableDatabase("The table cursor_state has no row. Copy the table from a backup, or restore the database.")


def register(app: Flask) -> None:
    """Create the cipher of ``app``, whose engines must exist."""
    cipher = app.extensions[_CIPHER] = _Cipher()
    with app.app_context():
        for engine in db.engines.values():
            event.listen(engine, "connect", cipher.clear)


def write(purpose: str, *sort_key: Any) -> str:
    """Return the cursor of a sort key, for example of the key of a row."""
    return encrypt(_cipher().get(), purpose, *sort_key)


def read(purpose: str, cursor: bytes, *, numbers: int | None = None) -> SortKey:
    """Return the sort key of a cursor (as ``fields.Cursor`` loads it); raises UnreadableCursor.

    ``numbers`` is the number of parts before the text of the sort key (None: it has no text). If the cursor cannot be
    decrypted, the secret is read again: the database may have been replaced.
    """
    try:
        return _decrypt(_cipher().get(), purpose, cursor, numbers)
    except InvalidTag:
        _cipher().clear()
    try:
        return _decrypt(_cipher().get(), purpose, cursor, numbers)
    except InvalidTag:
        raise UnreadableCursor from None


def of_query(purpose: str, query: Mapping[str, Any], *, numbers: int | None = None) -> SortKey | None:
    """Return the sort key of the query's ``cursor``, None without a cursor; raises ValidationError if it is invalid.

    ``numbers`` is as in ``read``.
    """
    if "cursor" not in query:
        return None
    try:
        return read(purpose, query["cursor"], numbers=numbers)
    except UnreadableCursor:
        raise ValidationError({"cursor": [NOT_A_CURSOR]}) from None


def encrypt(cipher: AESSIV, purpose: str, *sort_key: Any) -> str:
    """Return the cursor of a sort key, encrypted with this cipher."""
    text = sort_key[-1] if isinstance(sort_key[-1], str) else ""
    numbers = sort_key[:-1] if text else sort_key
    # Numbers have a fixed length, because the length of the cursor would reveal the number of digits.
    packed = struct.pack(f">{len(numbers)}q", *(_NULL if part is None else part for part in numbers)) + text.encode()
    return base64.urlsafe_b64encode(cipher.encrypt(packed, [purpose.encode()])).decode().rstrip("=")


def _decrypt(cipher: AESSIV, purpose: str, cursor: bytes, numbers: int | None) -> SortKey:
    packed = cipher.decrypt(cursor, [purpose.encode()])
    text_start = len(packed) if numbers is None else 8 * numbers
    sort_key = struct.unpack(f">{text_start // 8}q", packed[:text_start])
    text = (packed[text_start:].decode(),) if numbers is not None else ()
    return (*(None if part == _NULL else part for part in sort_key), *text)


def _cipher() -> _Cipher:
    cipher: _Cipher = current_app.extensions[_CIPHER]
    return cipher
