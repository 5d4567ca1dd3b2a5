"""The change feed over HTTP."""

import flask_restful as rest
from flask import Response

from invsys.chassis import answers, queries
from invsys.inventory import events, fields, schemas


class EventCollection(rest.Resource):
    """``/api/events``."""

    def get(self) -> Response:
        """List the changes after a cursor."""
        query = queries.load(schemas.event_query)
        (after,) = query.get("after", [0])
        rows = events.page(after, query["limit"])
        last = rows[-1]["key"] if rows else after
        found = {"events": schemas.events.dump(rows), "next": fields.cursor(last)}
        return answers.answer(found, root="feed", item="event")
