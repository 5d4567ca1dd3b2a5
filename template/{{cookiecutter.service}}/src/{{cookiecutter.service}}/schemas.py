"""The wire format: what callers send and get. Each schema is built once, as building one costs more than using it."""

from collections.abc import Callable
from typing import Any

from flask_marshmallow.sqla import SQLAlchemySchema
from marshmallow import Schema, fields, validate
from marshmallow_sqlalchemy import auto_field

from depot.chassis import names
from depot.db.models import Pallet

_A_NAME: list[Callable[[Any], Any]] = [validate.Length(1, 36), *names.VALIDATORS]


class Input(SQLAlchemySchema):
    """A schema of what callers send; loads plain data, as a model's instance could be that of an existing row."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Load as marshmallow does: marshmallow-sqlalchemy's own keeps the session where threads share it."""
        return Schema.load(self, data, **kwargs)


class NewPallet(Input):
    """What registers a pallet."""

    class Meta:
        model = Pallet

    name = names.Name(required=True, validate=_A_NAME)
    description = auto_field(load_default=None)


class ChangedPallet(Input):
    """What changes a pallet; what is left out stays."""

    class Meta:
        model = Pallet

    name = names.Name(validate=_A_NAME)
    description = auto_field()


class ShownPallet(SQLAlchemySchema):
    """A pallet, as callers get it."""

    class Meta:
        model = Pallet

    id = auto_field()
    name = auto_field()
    description = auto_field()
    # As it is: answers write instants.
    created = fields.Raw()
    created_by = auto_field()


class PageQuery(Schema):
    """Which page of a list: so many of those after a name."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))
    after = fields.String(load_default="")


new_pallet = NewPallet()
changed_pallet = ChangedPallet()
pallet = ShownPallet()
pallets = ShownPallet(many=True)
page_query = PageQuery()
