"""The utilisation of a fleet, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from invsys_client.records import parse_instant

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class UtilisationStep:
    """A step that begins at ``start``: the vehicles in circulation then, and the allocated seconds of all vehicles.

    ``allocated`` contains the seconds of confirmed allocations by type, without types that have none; ``held`` are
    those of holds.
    """

    start: datetime
    vehicles: int
    held: float
    allocated: Mapping[str, float] = field(hash=False)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create a step from its document."""
        start = parse_instant(document["from_datetime"])
        return cls(start, document["vehicles"], document["held"], document["allocated"])


@dataclass(frozen=True, slots=True)
class Utilisation:
    """The steps from ``start`` to ``end``; each ends when the next one starts, the last one at ``end``."""

    start: datetime
    end: datetime
    steps: tuple[UtilisationStep, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Create the utilisation from its document."""
        start, end = (parse_instant(document[name]) for name in ("from_datetime", "to_datetime"))
        return cls(start, end, tuple(map(UtilisationStep.from_json, document["steps"])))
