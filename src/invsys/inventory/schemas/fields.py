"""The fields of the wire format: date-times, booleans, numbers, ids and cursors."""

import base64
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from marshmallow import ValidationError, fields, validate

from invsys.chassis import identifiers
from invsys.inventory.period import EARLIEST, LATEST
from invsys.inventory.queries.cursors import NOT_A_CURSOR, NOT_A_FEED_CURSOR

# RFC 3339, and a little more of ISO 8601: the seconds, the offset and the minutes of the offset are optional, because
# PostgreSQL writes 2026-11-20 10:00:00+01.
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.(?P<fraction>[0-9]+))?)?([Zz]|[+-][0-9]{2}(:?[0-5][0-9])?)?"
)

# The value of ``resource_id`` that means any other free vehicle.
ANY = "any"
# A duration of ISO 8601 with a fixed length. Years and months have none; weeks and fractions are not needed.
DURATION = "P(?=.)([0-9]{1,8}D)?(T(?=.)([0-9]{1,8}H)?([0-9]{1,8}M)?([0-9]{1,8}S)?)?"
_DURATION = re.compile(DURATION)
_UNITS = {"D": 86400, "H": 3600, "M": 60, "S": 1}

# The maximum number of values of a repeated query parameter.
MAX_VALUES = 100
# The value of ``after`` that means the end of the change feed.
NOW = "now"
# The length of the tag that AES-SIV adds to the ciphertext.
_TAG_BYTES = 16


class UtcDateTimeField(fields.Field[datetime]):
    """A date-time, converted to UTC. [api] naive_datetimes decides whether one without an offset is UTC or refused."""

    default_error_messages = {
        "invalid": "Not an ISO 8601 date-time such as 2026-11-20T10:00:00Z.",
        "fraction": "A fraction of a second has at most six digits.",
        "range": "Outside the years 1900 to 9998.",
        "naive": "An offset such as Z or +01:00 is required.",
    }

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        # The last six characters are +00:00.
        return None if value is None else f"{value.isoformat()[:-6]}Z"

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not (parts := _DATETIME.fullmatch(value)):
            raise self.make_error("invalid")
        # PostgreSQL would round more digits, Python would truncate them.
        if len(parts["fraction"] or "") > 6:
            raise self.make_error("fraction")
        # Before the conversion to UTC, which overflows near the limits of datetime.
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


class Duration(fields.Field[timedelta]):
    """A duration of days, hours, minutes and seconds, longer than zero."""

    default_error_messages = {
        "invalid": "Not an ISO 8601 duration of days, hours, minutes and seconds (up to 8 digits each) such as PT1H.",
        "zero": "Must be longer than zero.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> timedelta:
        if not _DURATION.fullmatch(value):
            raise self.make_error("invalid")
        seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall("([0-9]+)([DHMS])", value))
        if not seconds:
            raise self.make_error("zero")
        return timedelta(seconds=seconds)


class StrictBoolean(fields.Boolean):
    """A JSON boolean; refuses the words and numbers that marshmallow also accepts."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Infinite(fields.Field[Any]):
    """``from_infinity`` or ``to_infinity``: true if that bound of the period is null."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> bool:
        return value is None


class Status(fields.Field[Any]):
    """``confirmed``, or ``held`` if the column ``expires`` is set."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return "confirmed" if value is None else "held"


class WholeNumber(fields.Integer):
    """A JSON integer; refuses strings of digits, and ``true``, which is an integer in Python."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class Id(fields.UUID):
    """An id as the service writes it: a UUID in lower case, with hyphens."""

    default_error_messages = {"invalid_uuid": "Not a UUID in lower case, with hyphens."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> uuid.UUID:
        if not isinstance(value, str) or not re.fullmatch(identifiers.PATTERN, value):
            raise self.make_error("invalid_uuid")
        return uuid.UUID(value)


class IdOrAny(Id):
    """The id of a vehicle, or ``any``."""

    default_error_messages = {"invalid_uuid": "Neither a UUID in lower case, with hyphens, nor `any`."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return ANY if value == ANY else super()._deserialize(value, attr, data, **kwargs)


class Repeated(fields.List[Any]):
    """A query parameter that can be repeated: a list of up to ``MAX_VALUES`` values."""

    def __init__(self, value: fields.Field[Any], **kwargs: Any) -> None:
        at_most = validate.Length(max=MAX_VALUES, error="At most {max} values.")
        super().__init__(value, validate=at_most, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:
            messages = [message for of_value in error.messages_dict.values() for message in of_value]
            raise ValidationError(list(dict.fromkeys(messages))) from error


class QueryBoolean(fields.Boolean):
    """``true`` or ``false`` in a query; refuses the other words that marshmallow accepts."""

    default_error_messages = {"invalid": "Must be true or false."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise self.make_error("invalid", input=value)
        return bool(value == "true")


class ResourceType(fields.String):
    """One of the resource types of the settings, such as ``Car``."""

    default_error_messages = {"unknown": "Must be one of: {known}."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        known: list[str] = sorted(set(current_app.config["COLLECTIONS"].values()))
        if value not in known:
            raise self.make_error("unknown", known=", ".join(known))
        return str(value)


class QueryInteger(fields.Integer):
    """An integer in a query, in ASCII digits; ``int()`` alone would also accept ``1_0`` and non-ASCII digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Cursor(fields.Field[bytes]):
    """A cursor: the sort key of the last item of a page, encrypted and in base64url.

    ``length`` is the number of parts of the sort key, ``text_bytes`` the greatest length of the text that may follow
    them. The loaded value is the encrypted bytes, which ``cursors.read`` decrypts.
    """

    default_error_messages = {"invalid": NOT_A_CURSOR}

    def __init__(self, length: int, text_bytes: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shortest = _TAG_BYTES + 8 * length
        self._longest = self._shortest + text_bytes

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bytes:
        cursor = _decoded(value)
        if cursor is None or not self._shortest <= len(cursor) <= self._longest:
            raise self.make_error("invalid")
        return cursor


class FeedCursor(Cursor):
    """A cursor of the change feed, or ``now``."""

    default_error_messages = {"invalid": NOT_A_FEED_CURSOR}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(2, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value == NOW:
            return NOW
        # Before migration 0004, a cursor was a JSON list of one number. No key decrypts b"", so the response is 410.
        if re.fullmatch(rb"\[[0-9]{1,19}\]", _decoded(value) or b""):
            return b""
        return super()._deserialize(value, attr, data, **kwargs)


def _decoded(value: Any) -> bytes | None:
    """Decode base64url without padding; return None if the text is not valid."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
