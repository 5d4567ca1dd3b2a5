"""Schemas of the response that shows the utilisation of a fleet."""

from typing import Any

from marshmallow import Schema, fields

from invsys.inventory.schemas.fields import UtcDateTimeField
from invsys.inventory.schemas.outputs import Output


class Seconds(fields.Field[Any]):
    """A number of seconds, with a fraction if there is one; dumped unchanged."""


class UtilisationStep(Output):
    """A step of a window, with the use of the fleet in it."""

    unconverted = (*Output.unconverted, Seconds)

    from_datetime = UtcDateTimeField(attribute="start")
    vehicles = fields.Integer(metadata={"description": "Vehicles in circulation at the start of the step"})
    held = Seconds(metadata={"description": "Seconds in which a vehicle is held, added up over all vehicles"})
    allocated = fields.Dict(
        values=Seconds(), metadata={"description": "The same for confirmed allocations, by `allocation_type`"}
    )


class UtilisationSteps(fields.List[Any]):
    """A list of steps, each dumped as ``UtilisationStep``."""

    def __init__(self) -> None:
        super().__init__(fields.Nested(UtilisationStep))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> list[Any]:
        return [_utilisation_step.dump(step._asdict()) for step in value]


_utilisation_step = UtilisationStep()


class Utilisation(Output):
    """The use of a fleet in a window, step by step."""

    from_datetime = UtcDateTimeField(attribute="start")
    to_datetime = UtcDateTimeField(attribute="end")
    step = fields.String(metadata={"description": "The length of a step, as in the query"})
    steps = UtilisationSteps()


# Instantiated once, because building a schema costs more than using it.
utilisation = Utilisation()

# The schemas in the OpenAPI document.
RESPONSE_SCHEMAS: list[type[Schema]] = [UtilisationStep, Utilisation]
