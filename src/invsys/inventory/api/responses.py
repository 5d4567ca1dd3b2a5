"""Responses: a page of a list, an item with its ETag, a created item (201)."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from marshmallow import Schema

from invsys.chassis.http import change_count, conditional, responses
from invsys.inventory.commands.idempotency import CommandResult
from invsys.inventory.db.models import Row
from invsys.inventory.queries import cursors

SortKey = Callable[[Row], Sequence[int | None]]


def vehicle_sort_key(row: Row) -> list[int]:
    """Return the sort key of a vehicle."""
    return [row["key"]]


def page_params(query: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a page query: ``query`` with its cursor decrypted and its ``limit`` increased by one.

    The additional row shows whether there is a next page. Raises ValidationError for a cursor of another list.
    """
    return {**query, "limit": query["limit"] + 1, "cursor": cursors.of_query(request.path, query)}


def page(rows: Sequence[Row], limit: int, schema: Schema, sort_key: SortKey, **names: Any) -> Response:
    """Return a response with the first ``limit`` rows, and a Link header to the next page if there are more rows.

    ``sort_key`` returns the sort key of a row, which becomes the cursor. ``names`` are the XML element names of
    ``chassis.http.responses.make_response``.
    """
    page_rows = rows[:limit]
    response = responses.make_response(schema.dump(page_rows), **names)
    if len(rows) > limit:
        cursor = cursors.write(request.path, *sort_key(page_rows[-1]))
        query = {**request.args.to_dict(flat=False), "cursor": cursor}
        response.headers["Link"] = f'<{request.path}?{urlencode(query, doseq=True)}>; rel="next"'
    return response


def item(row: Row, schema: Schema, root: str) -> Response:
    """Return a response with one item and its ETag."""
    return responses.make_response(schema.dump(row), headers={"ETag": conditional.etag(row["version"])}, root=root)


def created(result: CommandResult, schema: Schema, root: str, collection: str) -> Response:
    """Return a 201 response with the created item; its Location is the path ``collection`` followed by the id."""
    (row,) = result.rows
    headers = {
        "Location": f"{collection}/{row['id']}",
        "ETag": conditional.etag(row["version"]),
        **_replayed(result),
    }
    return responses.make_response(schema.dump(row), 201, headers, root=root)


def list_created(result: CommandResult, schema: Schema, root: str) -> Response:
    """Return a 201 response with the created items."""
    # A replayed request changes nothing.
    headers = _replayed(result) or {change_count.HEADER: str(len(result.rows))}
    return responses.make_response(schema.dump(result.rows), 201, headers, root=root)


def _replayed(result: CommandResult) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if result.replayed else {}
