"""The periods that callers ask for: hours of two days, so that callers often want the same ones."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

HOURS = 48
_LONGEST = 6
# Allocations of cars are in the future. Those of lorries have ended, so that lorries can be decommissioned.
FIRST = {"cars": datetime(2099, 1, 1, tzinfo=UTC), "lorries": datetime(2020, 1, 1, tzinfo=UTC)}
TYPES = {"cars": "Car", "lorries": "Lorry"}

Fields = dict[str, Any]


def instant(collection: str, hour: int) -> str:
    """Return the beginning of an hour."""
    return (FIRST[collection] + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")


def hours(chance: random.Random) -> tuple[int, int]:
    """Return the first hour of a random period and the one after it."""
    length = chance.randrange(1, _LONGEST + 1)
    start = chance.randrange(HOURS - length + 1)
    return start, start + length


def period(collection: str, chance: random.Random) -> Fields:
    """Return the fields of a random period; a few have no start or no end."""
    start, end = hours(chance)
    fields: Fields = {"from_datetime": instant(collection, start), "to_datetime": instant(collection, end)}
    if chance.random() < 0.004:
        del fields["to_datetime"]
        fields["to_infinity"] = True
    elif chance.random() < 0.004:
        del fields["from_datetime"]
        fields["from_infinity"] = True
    return fields


def window(collection: str, chance: random.Random, longest: int = HOURS) -> tuple[str, str]:
    """Return the start and the end of a random window of up to ``longest`` hours."""
    length = chance.randrange(1, longest + 1)
    start = chance.randrange(HOURS - length + 1)
    return instant(collection, start), instant(collection, start + length)
