"""The change feed over HTTP."""

from typing import Any

import flask_restful as rest
from flask import Response

from invsys.chassis.access import client_id
from invsys.chassis.http import query_string
from invsys.chassis.http import responses as http_responses
from invsys.inventory.api import responses
from invsys.inventory.commands import read_feed
from invsys.inventory.errors import CursorExpired
from invsys.inventory.queries import cursors
from invsys.inventory.queries import events as event_queries
from invsys.inventory.schemas import outputs
from invsys.inventory.schemas import queries as query_schemas
from invsys.inventory.schemas.fields import NOW


class EventCollection(rest.Resource):
    """``/api/events``."""

    def get(self) -> Response:
        """List the changes after a cursor that match the filters."""
        query = query_string.load(query_schemas.event_query)
        after, limit, filters = query.pop("after", None), query.pop("limit"), _with_owner(query)
        page = read_feed.empty_page_at_end() if after == NOW else read_feed.page(_position(after), limit, filters)
        cursor = cursors.write(cursors.EVENTS, *page.next)
        body = {"events": outputs.events(filters.get("owner")).dump(page.events), "next": cursor}
        headers = responses.next_page_link("after", cursor) if page.has_more else None
        return http_responses.make_response(body, headers=headers, root="feed", item="event")


def _with_owner(filters: dict[str, Any]) -> dict[str, Any]:
    """Return the filters, with the client as ``owner`` if it may see only the events of its own allocations."""
    owner = client_id.owner()
    return filters if owner is None else {**filters, "owner": owner}


def _position(after: bytes | None) -> event_queries.Position | None:
    """Return the position that a cursor encrypts; raises CursorExpired if this database's secret cannot decrypt it."""
    if after is None:
        return None
    try:
        key, id_suffix = cursors.read(cursors.EVENTS, after)
    except cursors.UnreadableCursor:
        raise CursorExpired from None
    assert key is not None
    assert id_suffix is not None
    return event_queries.Position(key, id_suffix)
