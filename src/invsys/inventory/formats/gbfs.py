"""The free periods of vehicles as ``vehicle_availability.json`` of GBFS 3.1."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import orjson

from invsys.inventory.db.models import Row
from invsys.inventory.period import Period, free_and_busy

VERSION = "3.1-RC3"
# Seconds for which a reader may cache the document; the standard allows up to five minutes.
TTL = 60

# The characters of the type ID in GBFS.
_ID = re.compile("[!-~]+")
# The equipment that GBFS defines.
_EQUIPMENT = frozenset({"child_seat_a", "child_seat_b", "child_seat_c", "winter_tires", "snow_chains"})

_INSTANT = {"type": "string", "format": "date-time"}
# The JSON schema for the OpenAPI document.
_VEHICLE = {
    "type": "object",
    "properties": {
        "vehicle_id": {"type": "string"},
        "vehicle_type_id": {"type": "string"},
        "station_id": {"type": "string"},
        "pricing_plan_id": {"type": "string"},
        "vehicle_equipment": {"type": "array", "items": {"type": "string"}},
        "availabilities": {
            "type": "array",
            "items": {"type": "object", "properties": {"from": _INSTANT, "until": _INSTANT}, "required": ["from"]},
        },
    },
    "required": ["vehicle_id", "vehicle_type_id", "station_id", "availabilities"],
}
SCHEMA = {
    "type": "object",
    "properties": {
        "last_updated": _INSTANT,
        "ttl": {"type": "integer"},
        "version": {"type": "string"},
        "data": {
            "type": "object",
            "properties": {"vehicles": {"type": "array", "items": _VEHICLE}},
            "required": ["vehicles"],
        },
    },
    "required": ["last_updated", "ttl", "version", "data"],
}


def vehicle_availability(
    collection: str, now: datetime, vehicles: Iterable[tuple[Row, list[Period]]]
) -> dict[str, Any]:
    """Return the document for ``vehicles``: rows, each with its sorted busy periods that end after ``now``.

    Each vehicle is serialised immediately: a whole fleet as Python objects would take ten times the memory.
    """
    serialized = [
        orjson.Fragment(
            orjson.dumps(_vehicle(collection, vehicle, free_and_busy(busy, Period(now))[0]), option=orjson.OPT_UTC_Z)
        )
        for vehicle, busy in vehicles
    ]
    last_updated = now.isoformat().replace("+00:00", "Z")
    return {"last_updated": last_updated, "ttl": TTL, "version": VERSION, "data": {"vehicles": serialized}}


def _vehicle(collection: str, vehicle: Row, available: list[Period]) -> dict[str, Any]:
    return {
        "vehicle_id": vehicle["id"],
        "vehicle_type_id": _id(vehicle["resource_type"]) or collection,
        # station_id is required; without one, the collection is the station.
        "station_id": _id(vehicle["attributes"].get("station_id")) or collection,
        **dict(_optional_members(vehicle["attributes"])),
        "availabilities": [_slot(period) for period in available],
    }


def _optional_members(attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if plan := _id(attributes.get("pricing_plan_id")):
        yield "pricing_plan_id", plan
    words = re.findall(r"\w+", str(attributes.get("vehicle_equipment")))
    if equipment := [word for word in words if word in _EQUIPMENT]:
        yield "vehicle_equipment", equipment


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _slot(period: Period) -> dict[str, datetime | None]:
    return {"from": period.start} if period.end is None else {"from": period.start, "until": period.end}
