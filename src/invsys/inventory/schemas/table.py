"""The schema of the query of the list at ``/table``."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, fields, validate, validates

from invsys.inventory.db.models import MAX_NAME
from invsys.inventory.schemas.fields import Cursor, QueryInteger

DEFAULT_DAYS, MAX_DAYS = 7, 31


class Day(fields.Field[date]):
    """A day, such as ``2026-11-28``."""

    default_error_messages = {"invalid": "Not a day such as 2026-11-28.", "range": "Outside the years 1900 to 9998."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:
        # date.fromisoformat alone would also accept 20261128 and 2026-W48-6.
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
            raise self.make_error("invalid")
        if not "1900" <= value[:4] <= "9998":
            raise self.make_error("range")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise self.make_error("invalid") from error


class TableQuery(Schema):
    """The query of the list, which ignores invalid values; in the OpenAPI document, any text is therefore valid."""

    collection = fields.String()
    name = fields.String()
    day = Day(
        metadata={
            "type": "string",
            "description": "The first day in UTC, as 2026-11-28; without it, the list begins now",
        }
    )
    days = QueryInteger(
        metadata={"type": "string", "description": f"The number of days, 1 to {MAX_DAYS}; by default {DEFAULT_DAYS}"}
    )
    cursor = Cursor(1)

    # Methods, because the document would contain the limits of validators.
    @validates("name")
    def _validate_name(self, name: str, **_: Any) -> None:
        validate.Length(max=MAX_NAME)(name)

    @validates("days")
    def _validate_days(self, days: int, **_: Any) -> None:
        validate.Range(1, MAX_DAYS)(days)


table_query = TableQuery()
