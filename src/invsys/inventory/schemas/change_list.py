"""Schemas of the body that changes several allocations, all or none."""

import uuid
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from invsys.inventory.db.models import ContinuousResourceAllocation
from invsys.inventory.schemas.fields import Id, WholeNumber
from invsys.inventory.schemas.inputs import ChangedAllocation, Input


class ShortList(fields.List[Any]):
    """A list of 1 to ``maximum`` items.

    A longer list is refused before its items are validated: a body has space for thousands of them.
    """

    def __init__(self, item: fields.Field[Any], maximum: int, **kwargs: Any) -> None:
        self._length = validate.Length(1, maximum)
        super().__init__(item, validate=self._length, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._length(value)
        return super()._deserialize(value, attr, data, **kwargs)


class ListedChange(ChangedAllocation):
    """An item of ``ChangeList``: the change of one allocation."""

    class Meta:
        model = ContinuousResourceAllocation
        unknown = RAISE

    id = Id(required=True)
    version = WholeNumber(
        validate=validate.Range(1),
        metadata={"description": "Change the allocations only if this one still has this version; otherwise 412"},
    )


class ChangeList(Input):
    """The body that changes several allocations, all or none."""

    class Meta:
        unknown = RAISE

    changes = ShortList(
        fields.Nested(ListedChange), maximum=100, required=True, metadata={"description": "At most one for each `id`"}
    )

    @validates_schema
    def _each_id_once(self, data: dict[str, Any], **_: Any) -> None:
        ids: set[uuid.UUID] = set()
        for index, change in enumerate(data["changes"]):
            if change["id"] in ids:
                raise ValidationError({"changes": {index: {"id": ["Must not be repeated."]}}})
            ids.add(change["id"])


# Instantiated once, because building a schema costs more than using it.
change_list = ChangeList()

# The schemas in the OpenAPI document.
REQUEST_SCHEMAS: list[type[Schema]] = [ListedChange, ChangeList]
