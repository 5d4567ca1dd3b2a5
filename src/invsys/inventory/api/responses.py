"""The forms that answers have: a page of a list, an item with its ETag, what an order made."""

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


def by_key(row: Row) -> list[int]:
    """Return the sort key of a vehicle."""
    return [row["key"]]


def with_one_more(query: dict[str, Any]) -> dict[str, Any]:
    """Return the query with its cursor decrypted and a limit higher by one, which shows whether there is a next page.

    Raises ValidationError for a cursor of another list.
    """
    return {**query, "limit": query["limit"] + 1, "cursor": cursors.of_query(request.path, query)}


def page(rows: Sequence[Row], limit: int, schema: Schema, sort_key: SortKey, **names: Any) -> Response:
    """Answer up to ``limit`` of the rows, with a link to the next page if there are more.

    ``sort_key`` returns that of a row; ``names`` are those of XML (``answers.answer``).
    """
    shown = rows[:limit]
    answer = responses.make_response(schema.dump(shown), **names)
    if len(rows) > limit:
        cursor = cursors.write(request.path, *sort_key(shown[-1]))
        query = {**request.args.to_dict(flat=False), "cursor": cursor}
        answer.headers["Link"] = f'<{request.path}?{urlencode(query, doseq=True)}>; rel="next"'
    return answer


def item(row: Row, schema: Schema, root: str) -> Response:
    """Answer one item as it is now."""
    return responses.make_response(schema.dump(row), headers={"ETag": conditional.etag(row["version"])}, root=root)


def created(made: CommandResult, schema: Schema, root: str, collection: str) -> Response:
    """Answer the one item that an order made, and that is under ``collection``."""
    (row,) = made.rows
    headers = {
        "Location": f"{collection}/{row['id']}",
        "ETag": conditional.etag(row["version"]),
        **_replayed(made),
    }
    return responses.make_response(schema.dump(row), 201, headers, root=root)


def several_created(made: CommandResult, schema: Schema, root: str) -> Response:
    """Answer the items that an order made."""
    # A replayed request makes no change.
    headers = _replayed(made) or {change_count.HEADER: str(len(made.rows))}
    return responses.make_response(schema.dump(made.rows), 201, headers, root=root)


def _replayed(made: CommandResult) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if made.replayed else {}
