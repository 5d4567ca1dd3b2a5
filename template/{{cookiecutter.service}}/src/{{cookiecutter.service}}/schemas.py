"""The wire format: schemas (marshmallow) of request bodies, responses and queries.

Each schema is instantiated once, because building one costs more than using it.
"""

from collections.abc import Callable
from typing import Any

from flask_marshmallow.sqla import SQLAlchemySchema
from marshmallow import Schema, fields, validate
from marshmallow_sqlalchemy import auto_field

from depot.chassis import names
from depot.db.models import Pallet

_NAME_VALIDATORS: list[Callable[[Any], Any]] = [validate.Length(1, 36), *names.VALIDATORS]


class Input(SQLAlchemySchema):
    """A schema of a request body; it loads a dictionary, because an instance of the model could be an existing row."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Load with marshmallow's own method; that of marshmallow-sqlalchemy is not thread-safe."""
        return Schema.load(self, data, **kwargs)


class NewPallet(Input):
    """The body that registers a pallet."""

    class Meta:
        model = Pallet

    name = names.Name(required=True, validate=_NAME_VALIDATORS)
    description = auto_field(load_default=None)


class ChangedPallet(Input):
    """The body that changes a pallet; omitted fields keep their values."""

    class Meta:
        model = Pallet

    name = names.Name(validate=_NAME_VALIDATORS)
    description = auto_field()


class PalletOutput(SQLAlchemySchema):
    """A pallet in a response."""

    class Meta:
        model = Pallet

    id = auto_field()
    name = auto_field()
    description = auto_field()
    # The value is not converted here, because ``chassis.http.responses`` serialises datetimes.
    created = fields.Raw()
    created_by = auto_field()


class PageQuery(Schema):
    """The query of a list: the limit, and the name after which the page begins."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))
    after = fields.String(load_default="")


new_pallet = NewPallet()
changed_pallet = ChangedPallet()
pallet = PalletOutput()
pallets = PalletOutput(many=True)
page_query = PageQuery()
