"""The fields of the wire format: how an instant, a flag, a count, a cursor look, and what of them is refused."""

import base64
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from marshmallow import fields

from invsys.chassis import identifiers
from invsys.inventory.period import EARLIEST, LATEST
from invsys.inventory.queries.cursors import NOT_A_CURSOR

# RFC 3339, and of ISO 8601 what is close to it: seconds, the offset and its minutes may be left out. PostgreSQL writes
# 2026-11-20 10:00:00+01.
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.(?P<fraction>[0-9]+))?)?([Zz]|[+-][0-9]{2}(:?[0-5][0-9])?)?"
)

# In the place of a cursor of the change feed: its end.
NOW = "now"
# What AES-SIV adds to the text that it encrypts.
_TAG_BYTES = 16


class UtcDateTimeField(fields.Field[datetime]):
    """A date-time in UTC; one without an offset is UTC too, unless the setting refuses it."""

    default_error_messages = {
        "invalid": "Not an ISO 8601 date-time such as 2026-11-20T10:00:00Z.",
        "fraction": "At most six digits of a second's fraction.",
        "range": "Not between the years 1900 and 9998.",
        "naive": "An offset is needed, such as Z or +01:00.",
    }

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        # UTC it is, so what is cut off is +00:00.
        return None if value is None else f"{value.isoformat()[:-6]}Z"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not (parts := _DATETIME.fullmatch(value)):
            raise self.make_error("invalid")
        # PostgreSQL would round, Python would cut off.
        if len(parts["fraction"] or "") > 6:
            raise self.make_error("fraction")
        # Before the conversion, which overflows at either end of what Python can hold.
        if not "1900" <= value[:4] <= "9998":
            raise self.make_error("range")
        try:
            instant = datetime.fromisoformat(value.upper())
        except ValueError as error:
            raise self.make_error("invalid") from error
        if instant.tzinfo is None:
            if current_app.config["NAIVE_DATETIMES"] == "refuse":
                raise self.make_error("naive")
            return instant.replace(tzinfo=UTC)
        instant = instant.astimezone(UTC)
        if not EARLIEST <= instant < LATEST:
            raise self.make_error("range")
        return instant


class StrictBoolean(fields.Boolean):
    """true or false, and none of the words and numbers that marshmallow takes for them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Infinite(fields.Field[Any]):
    """Whether the period has no bound on this side: the wire's form of a null."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> bool:
        return value is None


class Status(fields.Field[Any]):
    """Whether the allocation stands for good, or is held until it expires."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return "confirmed" if value is None else "held"


class WholeNumber(fields.Integer):
    """A JSON number without a fraction; neither a text of digits nor true, which Python takes for 1."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class Id(fields.UUID):
    """An id as it is given out: a UUID in lower case, with hyphens."""

    default_error_messages = {"invalid_uuid": "Not an id as the service gives it out: a UUID in lower case."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> uuid.UUID:
        if not isinstance(value, str) or not re.fullmatch(identifiers.PATTERN, value):
            raise self.make_error("invalid_uuid")
        return uuid.UUID(value)


class QueryInteger(fields.Integer):
    """A number in a query, in plain digits (int() alone would also take ``1_0`` and Arabic-Indic ones)."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Cursor(fields.Field[bytes]):
    """Where a page ended, as one opaque word: the encrypted sort key of its last item, ``length`` numbers.

    Loads the encrypted bytes, which ``cursors.read`` decrypts.
    """

    default_error_messages = {"invalid": NOT_A_CURSOR}

    def __init__(self, length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._bytes = _TAG_BYTES + 8 * length

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bytes:
        cursor = _decoded(value)
        if cursor is None or len(cursor) != self._bytes:
            raise self.make_error("invalid")
        return cursor


class FeedCursor(Cursor):
    """A cursor of the change feed, or ``now``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(2, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value == NOW:
            return NOW
        # Before migration 0004 a cursor was a plain number: of the right form, and no longer known.
        if re.fullmatch(rb"\[[0-9]{1,19}\]", _decoded(value) or b""):
            return b""
        return super()._deserialize(value, attr, data, **kwargs)


def _decoded(value: Any) -> bytes | None:
    """Decode base64url without padding; None for anything else."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
