"""The list at ``/table``: the vehicles of a collection and their allocations. Read-only, printable, without scripts.

Invalid parameters are ignored: the page then says which, and why.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, current_app, render_template, request
from marshmallow import ValidationError

from invsys.chassis.access import client_id
from invsys.chassis.formats.field_messages import field_messages
from invsys.chassis.http import csp, query_string
from invsys.inventory.db import session
from invsys.inventory.period import EARLIEST, LATEST, Period
from invsys.inventory.queries import conflicts, cursors
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.schemas.table import DEFAULT_DAYS, MAX_DAYS, table_query
from invsys.inventory.ui import timetable
from invsys.inventory.ui.timetable import Window

_VEHICLES = 50

# No scripts, nothing from other origins, and no styles except the style sheet of the page.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("table", __name__, template_folder="templates")
csp.enforce(blueprint, _POLICY)


@blueprint.get("/table")
def show() -> str:
    """Show the vehicles of a collection, with their allocations of some days."""
    query, ignored = _query()
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    collection, name = query["collection"], query.get("name") or None
    vehicles = resource_queries.resources(collections[collection], _VEHICLES + 1, query["after"], name=name)
    page = vehicles[:_VEHICLES]
    now = session.now()
    window = _window(query, now)
    allocations = conflicts.allocations_of([vehicle["key"] for vehicle in page], Period(window.start, window.end))
    visible = timetable.visible_to(client_id.owner(), allocations)
    return render_template(
        "table.html",
        collections=collections,
        collection=collection,
        query=query,
        ignored=ignored,
        vehicles=[timetable.vehicle_row(vehicle, visible, window) for vehicle in page],
        window=window,
        now=now,
        now_mark=window.percent(now) if window.start < now < window.end else None,
        max_days=MAX_DAYS,
        other_days=list(_other_days(window)),
        next=cursors.write(request.path, page[-1]["key"]) if len(vehicles) > _VEHICLES else None,
    )


def _query() -> tuple[dict[str, Any], list[str]]:
    """Return the valid parameters of the query, and a sentence about each invalid one.

    ``collection`` and ``days`` always have a value; ``after`` is the sort key in the cursor, or None.
    """
    errors: list[ValidationError] = []
    query: dict[str, Any] = {}
    try:
        query = query_string.load(table_query)
    except ValidationError as error:
        query = dict(error.valid_data) if isinstance(error.valid_data, dict) else {}
        errors.append(error)
    query["after"] = None
    try:
        query["after"] = cursors.of_query(request.path, query)
    except ValidationError as error:
        errors.append(error)
    query.setdefault("days", DEFAULT_DAYS)
    sentences = [_sentence(name, text) for error in errors for name, text in field_messages(error)]
    return query, [*sentences, *_choose_collection(query)]


def _sentence(parameter: str, message: str) -> str:
    return f"“{parameter}” was ignored. {message}"


def _choose_collection(query: dict[str, Any]) -> Iterator[str]:
    """Set ``collection`` to the first one if the query has none; yield a sentence if it has an unknown one."""
    collections: dict[str, str] = current_app.config["COLLECTIONS"]
    collection = query.get("collection", "")
    if collection not in collections:
        query["collection"] = next(iter(collections))
        if collection:
            yield f"There is no collection “{collection}”. These are the {query['collection']}."


def _window(query: dict[str, Any], now: datetime) -> Window:
    """Return the days to show, from midnight of the chosen day, or from now if none is chosen."""
    day: date | None = query.get("day")
    start = now if day is None else datetime.combine(day, time(), UTC)
    return Window(start, query["days"], begins_now=day is None)


def _other_days(window: Window) -> Iterator[tuple[str, date]]:
    """Yield the text and the first day of the links to the days before and after the window."""
    length = timedelta(days=window.days)
    if window.start - length >= EARLIEST:
        yield "Earlier", (window.start - length).date()
    if window.end + length < LATEST:
        yield "Later", window.end.date()
