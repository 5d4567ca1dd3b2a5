"""The list at ``/table``: the vehicles of a collection and their allocations. Read-only, printable, without scripts."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, render_template, request

from invsys.chassis.access import client_id
from invsys.chassis.http import csp, query_string
from invsys.inventory.db import session
from invsys.inventory.db.models import Row
from invsys.inventory.period import Period
from invsys.inventory.queries import conflicts, cursors
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.schemas import queries as query_schemas

DAYS = 7
_VEHICLES = 50
# The smallest width of a bar, in percent, so that a short allocation is visible.
_MIN_WIDTH = 0.3

# The fields of other owners' allocations, for a client that sees only its own.
_ANONYMOUS = {"client_id": None, "allocation_type": "taken", "description": None, "expires": None}

# No scripts, nothing from other origins, and no styles except the style sheet of the page.
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

blueprint = Blueprint("table", __name__, template_folder="templates")
csp.enforce(blueprint, _POLICY)


@blueprint.get("/table")
def show() -> str:
    """Show the vehicles of a collection, with their allocations of the next ``DAYS`` days."""
    query = query_string.load(query_schemas.fleet_query)
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    collection = query.get("collection", "")
    if collection not in collections:
        collection = next(iter(collections))
    after = cursors.of_query(request.path, query)
    vehicles = resource_queries.resources(collections[collection], _VEHICLES + 1, after, name=query.get("name") or None)
    page = vehicles[:_VEHICLES]
    now = session.now()
    window = Period(now, now + timedelta(days=DAYS))
    allocations = conflicts.allocations_of([vehicle["key"] for vehicle in page], window)
    visible = _visible_to(client_id.owner(), allocations)
    return render_template(
        "table.html",
        collections=collections,
        collection=collection,
        name=query.get("name", ""),
        vehicles=[_vehicle_row(vehicle, visible, now) for vehicle in page],
        days=[now + timedelta(days=day) for day in range(DAYS)],
        now=now,
        next=cursors.write(request.path, page[-1]["key"]) if len(vehicles) > _VEHICLES else None,
    )


def _visible_to(owner: str | None, allocations: Iterable[Row]) -> Iterable[Row]:
    """Return the allocations that the client may see; the input is sorted by vehicle and start.

    Allocations of other owners become anonymous and are merged where they touch, as in availability. Without them, the
    vehicle would look free.
    """
    if owner is None:
        return allocations
    visible: list[Row] = []
    for allocation in allocations:
        if allocation["client_id"] == owner:
            visible.append(allocation)
            continue
        span = {name: allocation[name] for name in ("resource_key", "starts", "ends")}
        if visible and _touches(visible[-1], allocation):
            span["starts"] = visible.pop()["starts"]
        visible.append({**span, **_ANONYMOUS})
    return visible


def _touches(previous: Row, allocation: Row) -> bool:
    return (previous["client_id"], previous["resource_key"], previous["ends"]) == (
        None,
        allocation["resource_key"],
        allocation["starts"],
    )


def _vehicle_row(vehicle: Row, allocations: Iterable[Row], now: datetime) -> dict[str, Any]:
    of_vehicle = [allocation for allocation in allocations if allocation["resource_key"] == vehicle["key"]]
    current = next((row for row in of_vehicle[:1] if row["starts"] is None or row["starts"] <= now), None)
    closures = [_closure(vehicle["closed_from"])] if _is_visible(vehicle["closed_from"], now) else []
    is_closed = bool(closures) and vehicle["closed_from"] <= now
    starts = [row["starts"] for row in (*closures, *of_vehicle[:1])]
    return {
        "name": vehicle["name"],
        "current": current,
        "closed_since": vehicle["closed_from"] if is_closed else None,
        "free_until": None if current or is_closed else min(starts, default=None),
        # Allocations are drawn over the closure.
        "bars": [_bar(row, now) for row in (*closures, *of_vehicle)],
    }


def _is_visible(closed_from: datetime | None, now: datetime) -> bool:
    return closed_from is not None and closed_from < now + timedelta(days=DAYS)


def _closure(closed_from: datetime) -> Row:
    """Return the time from which the vehicle is closed in the form of an allocation."""
    return {**_ANONYMOUS, "allocation_type": "closed", "starts": closed_from, "ends": None}


def _bar(allocation: Row, now: datetime) -> dict[str, Any]:
    """Return the position and the width of an allocation on the time line, in percent."""
    start = min(_percent(allocation["starts"], now, 0.0), 100.0 - _MIN_WIDTH)
    return {
        "left": start,
        "width": max(_percent(allocation["ends"], now, 100.0) - start, _MIN_WIDTH),
        "allocation": allocation,
    }


def _percent(instant: datetime | None, now: datetime, infinite: float) -> float:
    if instant is None:
        return infinite
    return round(min(max((instant - now) / timedelta(days=DAYS) * 100, 0.0), 100.0), 2)
