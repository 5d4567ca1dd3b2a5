"""The change feed over HTTP."""

import flask_restful as rest
from flask import Response

from invsys.chassis import answers, queries
from invsys.inventory import cursors, events, schemas
from invsys.inventory.errors import CursorExpired
from invsys.inventory.fields import NOW


class EventCollection(rest.Resource):
    """``/api/events``."""

    def get(self) -> Response:
        """List the changes after a cursor."""
        query = queries.load(schemas.event_query)
        after = query.get("after")
        page = events.end() if after == NOW else events.page(_position(after), query["limit"])
        found = {"events": schemas.events.dump(page.events), "next": cursors.write(cursors.EVENTS, *page.next)}
        return answers.answer(found, root="feed", item="event")


def _position(after: bytes | None) -> events.Position | None:
    """Return the position of a cursor; raises CursorExpired if another database made it."""
    if after is None:
        return None
    try:
        key, id_end = cursors.read(cursors.EVENTS, after)
    except cursors.UnreadableCursor:
        raise CursorExpired from None
    assert key is not None
    assert id_end is not None
    return events.Position(key, id_end)
