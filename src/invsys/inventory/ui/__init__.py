"""The page at ``/``: what the fleet's staff see. It only reads, and runs no script."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request

from invsys.chassis.access import client_id
from invsys.chassis.http import csp, query_string
from invsys.inventory import schemas
from invsys.inventory.db import session
from invsys.inventory.db.models import Row
from invsys.inventory.period import Period
from invsys.inventory.queries import conflicts, cursors
from invsys.inventory.queries import resources as resource_queries

DAYS = 7
_VEHICLES = 50
# Percent of the line that even the shortest allocation takes, so that it can be seen.
_THINNEST = 0.3

# What a client that may know only of its own is told of an allocation of somebody else.
_OTHERS = {"client_id": None, "allocation_type": "taken", "description": None, "expires": None}

# Nothing from elsewhere, no script, no style but the file beside the template.
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

_blueprint = Blueprint("page", __name__, template_folder="templates", static_folder="static")
csp.enforce(_blueprint, _POLICY)


def register(app: Flask) -> None:
    """Serve the page and its style sheet."""
    app.register_blueprint(_blueprint)


@_blueprint.get("/")
def show() -> str:
    """Show the vehicles of a collection, and their next days."""
    query = query_string.load(schemas.fleet_query)
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    collection = query.get("collection", "")
    if collection not in collections:
        collection = next(iter(collections))
    after = cursors.of_query(request.path, query)
    vehicles = resource_queries.resources(collections[collection], _VEHICLES + 1, after, query.get("name") or None)
    shown = vehicles[:_VEHICLES]
    now = session.now()
    window = Period(now, now + timedelta(days=DAYS))
    allocations = conflicts.allocations_of([vehicle["key"] for vehicle in shown], window)
    known = _known(allocations, client_id.owner())
    return render_template(
        "page.html",
        collections=collections,
        collection=collection,
        name=query.get("name", ""),
        vehicles=[_shown(vehicle, known, now) for vehicle in shown],
        days=[now + timedelta(days=day) for day in range(DAYS)],
        now=now,
        next=cursors.write(request.path, shown[-1]["key"]) if len(vehicles) > _VEHICLES else None,
    )


def _known(allocations: Iterable[Row], owner: str | None) -> Iterable[Row]:
    """Give what the client may know. They come by start for each vehicle.

    Of others' than its own, as availability does, no more than that the vehicle is taken: not by how many, one after
    another. Without them the page would call it free.
    """
    if owner is None:
        return allocations
    known: list[Row] = []
    for allocation in allocations:
        if allocation["client_id"] == owner:
            known.append(allocation)
            continue
        span = {name: allocation[name] for name in ("resource_key", "starts", "ends")}
        if known and _goes_on(known[-1], allocation):
            span["starts"] = known.pop()["starts"]
        known.append({**span, **_OTHERS})
    return known


def _goes_on(before: Row, allocation: Row) -> bool:
    return (before["client_id"], before["resource_key"], before["ends"]) == (
        None,
        allocation["resource_key"],
        allocation["starts"],
    )


def _shown(vehicle: Row, allocations: Iterable[Row], now: datetime) -> dict[str, Any]:
    own = [allocation for allocation in allocations if allocation["resource_key"] == vehicle["key"]]
    current = own[0] if own and (own[0]["starts"] is None or own[0]["starts"] <= now) else None
    return {
        "name": vehicle["name"],
        "current": current,
        "next": None if current or not own else own[0],
        "bars": [_bar(allocation, now) for allocation in own],
    }


def _bar(allocation: Row, now: datetime) -> dict[str, Any]:
    """Place an allocation on the line of the shown days, in percent of it."""
    left = min(_percent(allocation["starts"], now, 0.0), 100.0 - _THINNEST)
    return {
        "left": left,
        "width": max(_percent(allocation["ends"], now, 100.0) - left, _THINNEST),
        "allocation": allocation,
    }


def _percent(instant: datetime | None, now: datetime, infinite: float) -> float:
    if instant is None:
        return infinite
    return round(min(max((instant - now) / timedelta(days=DAYS) * 100, 0.0), 100.0), 2)
