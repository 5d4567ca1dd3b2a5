"""The change feed over HTTP."""

import flask_restful as rest
from flask import Response

from invsys.chassis.http import query_string, responses
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
        """List the changes after a cursor."""
        query = query_string.load(query_schemas.event_query)
        after = query.get("after")
        page = read_feed.empty_page_at_end() if after == NOW else read_feed.page(_position(after), query["limit"])
        body = {"events": outputs.events.dump(page.events), "next": cursors.write(cursors.EVENTS, *page.next)}
        return responses.make_response(body, root="feed", item="event")


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
