"""Responses: a page of a list with the link to the next one, an item with its ETag, a created item (201)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from marshmallow import Schema

from invsys.chassis.access import path_prefix
from invsys.chassis.http import change_count, conditional, responses
from invsys.chassis.http.responses import RawHeadersResponse
from invsys.inventory.commands.idempotency import CommandResult
from invsys.inventory.db.models import Row
from invsys.inventory.queries import cursors
from invsys.inventory.queries.cursors import SortKey

# The maximum number of items whose ids are in the log line of a request.
_MAX_LOGGED = 20
TOTAL = "X-Total-Count"
# Parameters that may change from page to page. All others determine which items the list has, and their order.
_OF_PAGE = frozenset({"limit", "cursor", "count"})


def pop_page(query: dict[str, Any], *, numbers: int | None = None) -> dict[str, Any]:
    """Remove ``limit`` and ``cursor`` from a query; return them with the limit increased by one, the cursor decrypted.

    The additional row shows whether there is a next page. ``numbers`` is as in ``cursors.read``. Raises
    ValidationError for a cursor of another list.
    """
    cursor = cursors.of_query(_list_of_request(), query, numbers=numbers) if "cursor" in query else None
    query.pop("cursor", None)
    return {"limit": query.pop("limit") + 1, "cursor": cursor}


def page(
    rows: Sequence[Row],
    limits: Mapping[str, Any],
    schema: Schema,
    sort_key: Callable[[Row], SortKey],
    total: int | None = None,
    **names: Any,
) -> Response:
    """Return a response with the first rows, and a Link header to the next page if there are more rows.

    ``limits`` are the result of ``pop_page``. ``sort_key`` returns the sort key of a row, which becomes the cursor.
    ``total`` is the number of items in all pages, or None. ``names`` are the XML element names of
    ``chassis.http.responses.make_response``.
    """
    limit = limits["limit"] - 1
    page_rows = rows[:limit]
    response = responses.make_response(schema.dump(page_rows, many=True), **names)
    if total is not None:
        response.headers[TOTAL] = str(total)
    if len(rows) > limit:
        cursor = cursors.write(_list_of_request(), *sort_key(page_rows[-1]))
        response.headers.update(next_page_link("cursor", cursor))
    return response


def next_page_link(parameter: str, cursor: str) -> dict[str, str]:
    """Return the Link header to the next page: the URL of the request with this cursor as ``parameter`` (RFC 8288)."""
    query = {**request.args.to_dict(flat=False), parameter: cursor}
    return {"Link": f'<{path_prefix.for_caller(request.path)}?{urlencode(query, doseq=True)}>; rel="next"'}


def _list_of_request() -> str:
    """Return the path of the request and the parameters on which the list depends.

    Cursors of the list are encrypted for this text, so other lists reject them.
    """
    params = sorted(param for param in request.args.items(multi=True) if param[0] not in _OF_PAGE)
    return f"{request.path}?{urlencode(params)}" if params else request.path


def item(row: Row, schema: Schema, root: str) -> Response:
    """Return a response with one item and its ETag."""
    return responses.make_response(schema.dump(row), headers={"ETag": conditional.etag(row["version"])}, root=root)


def created(result: CommandResult, schema: Schema, root: str, collection: str) -> Response:
    """Return a 201 response with the created item; its Location is the path ``collection`` followed by the id."""
    (row,) = result.rows
    headers = {
        "Location": path_prefix.for_caller(f"{collection}/{row['id']}"),
        "ETag": conditional.etag(row["version"]),
        **_replayed(result),
    }
    response = responses.make_response(schema.dump(row), 201, headers, root=root)
    return _with_ids(response, result, root)


def list_created(result: CommandResult, schema: Schema, root: str) -> Response:
    """Return a 201 response with the created items."""
    response = responses.make_response(schema.dump(result.rows, many=True), 201, _counted(result), root=root)
    return _with_ids(response, result, root)


def list_changed(result: CommandResult, schema: Schema, root: str) -> Response:
    """Return a 200 response with the changed items."""
    response = responses.make_response(schema.dump(result.rows, many=True), 200, _counted(result), root=root)
    return _with_ids(response, result, root)


def _with_ids(response: RawHeadersResponse, result: CommandResult, root: str) -> Response:
    """Add the ids of the created or changed items to the request's line in the log: ``_MAX_LOGGED`` and their number.

    ``root`` is ``allocation`` or ``resource``.
    """
    rows = result.rows[:_MAX_LOGGED]
    members: dict[str, Any] = {"items": len(result.rows), "resource_ids": [row["resource_id"] for row in rows]}
    if root == "allocation":
        members["allocation_ids"] = [row["id"] for row in rows]
    if result.replayed:
        members["replayed"] = True
    response.log_members = members
    return response


def _counted(result: CommandResult) -> dict[str, str]:
    # A replayed request changes nothing.
    return _replayed(result) or {change_count.HEADER: str(len(result.rows))}


def _replayed(result: CommandResult) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if result.replayed else {}
