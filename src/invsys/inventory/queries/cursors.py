"""Cursors: sort keys, encrypted so that callers see no row numbers (AES-SIV, RFC 5297).

The encryption is deterministic and authenticated. A position always has the same cursor. The cursors of neighbouring
positions have nothing in common. A cursor that was altered, or made for another list or database, is refused.
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

# The purpose of the feed's cursors; that of a list's is its path. A cursor is refused for any other purpose.
EVENTS = "events"

NOT_A_CURSOR = "Not a cursor that this service gave."

_CIPHER = "invsys.cursor_cipher"
_SECRET = select(CursorState.secret)

# Stands for a null; no instant and no row number is that small.
_NULL = -(2**63)


class UnreadableCursor(Exception):
    """The cursor was made for another list, by another database, or not by this service."""


class _Cipher:
    """The cipher of the database in use, kept until a new connection is opened: that may lead to another database."""

    def __init__(self) -> None:
        self._kept: AESSIV | None = None

    def forget(self, *_: Any) -> None:
        self._kept = None

    def get(self) -> AESSIV:
        # A local variable: another thread may forget it at any time.
        cipher = self._kept
        if cipher is None:
            # Connecting forgets what was kept, so keep it afterwards.
            self._kept = cipher = AESSIV(_secret())
        return cipher


def _secret() -> bytes:
    with session.read() as connection:
        secret: bytes | None = connection.scalar(_SECRET)
    if secret is None:
        raise missing_state()
    return secret


def missing_state() -> UnusableDatabase:
    """Return the error for a database without the row that a migration has made."""
    return UnusableDatabase("The table cursor_state has no row. Copy the table from a backup, or restore the database.")


def register(app: Flask) -> None:
    """Keep the cipher for ``app``; its engines have to be set up already."""
    cipher = app.extensions[_CIPHER] = _Cipher()
    with app.app_context():
        for engine in db.engines.values():
            event.listen(engine, "connect", cipher.forget)


def write(purpose: str, *sort_key: int | None) -> str:
    """Return the cursor of a sort key, such as the number of a row."""
    return encrypt(_cipher().get(), purpose, *sort_key)


def read(purpose: str, cursor: bytes) -> tuple[int | None, ...]:
    """Return the sort key of a cursor (as ``fields.Cursor`` loads it); raises UnreadableCursor.

    If it cannot be decrypted, the secret is read once more: the database may have been replaced.
    """
    try:
        return _decrypt(_cipher().get(), purpose, cursor)
    except InvalidTag:
        _cipher().forget()
    try:
        return _decrypt(_cipher().get(), purpose, cursor)
    except InvalidTag:
        raise UnreadableCursor from None


def of_query(purpose: str, query: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """Return the sort key of a query's ``cursor``, None if it has none; raises ValidationError if it is unreadable."""
    if "cursor" not in query:
        return None
    try:
        return read(purpose, query["cursor"])
    except UnreadableCursor:
        raise ValidationError({"cursor": [NOT_A_CURSOR]}) from None


def encrypt(cipher: AESSIV, purpose: str, *sort_key: int | None) -> str:
    """Return the cursor of a sort key under this cipher."""
    # Of fixed length: the number of digits would show, too.
    packed = struct.pack(f">{len(sort_key)}q", *(_NULL if part is None else part for part in sort_key))
    return base64.urlsafe_b64encode(cipher.encrypt(packed, [purpose.encode()])).decode().rstrip("=")


def _decrypt(cipher: AESSIV, purpose: str, cursor: bytes) -> tuple[int | None, ...]:
    packed = cipher.decrypt(cursor, [purpose.encode()])
    sort_key = struct.unpack(f">{len(packed) // 8}q", packed)
    return tuple(None if part == _NULL else part for part in sort_key)


def _cipher() -> _Cipher:
    cipher: _Cipher = current_app.extensions[_CIPHER]
    return cipher
