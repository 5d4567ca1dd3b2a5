"""Records the responses to a test client, without what differs from run to run: ids, instants, cursors, request ids."""

import json
import re
from collections import defaultdict

from flask.testing import FlaskClient

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Members and parameters with values of the clock, and with encrypted positions.
_INSTANTS = frozenset({"created", "expires", "at"})
_OPAQUE = frozenset({"request_id", "next", "cursor", "after"})
_CURSOR = re.compile(r"\b(cursor|after)=[^&>]+")
_HEADERS = ("Location", "ETag", "Link", "Idempotency-Replayed", "Allow", "Retry-After", "Content-Type")


class Transcript:
    """The responses of the application ``app`` while the context is active; ``entries`` has a text for each.

    Pages of the change feed are left out: the order of the events of different items is not defined. See ``of_events``.
    """

    def __init__(self, app):
        self.entries = []
        self._ids, self._app = {}, app

    def __enter__(self):
        transcript = self

        class RecordingClient(FlaskClient):
            def open(self, *arguments, **options):
                response = super().open(*arguments, **options)
                transcript.record(response)
                return response

        self._app.test_client_class = RecordingClient
        return self

    def __exit__(self, *_exception):
        self._app.test_client_class = None

    def record(self, response):
        """Record a response and its request."""
        request = response.request
        if request.path == "/api/events":
            return
        headers = {name: response.headers.get(name) for name in _HEADERS}
        body = self._body(response.json) if response.is_json else response.get_data(as_text=True)
        lines = [
            f"{request.method} {request.path}?{request.query_string.decode()}",
            response.status_code,
            headers,
            body,
        ]
        self.entries.append(self._without_ids(json.dumps(lines, default=str)))

    def of_events(self, events):
        """Return a text for each item: its events, in the order of the feed."""
        by_item = defaultdict(list)
        for event in events:
            item = self._without_ids(event["allocation_id"] or event["resource_id"])
            by_item[item].append(self._without_ids(json.dumps(self._body({**event, "id": None}))))
        return [f"{item}: {by_item[item]}" for item in sorted(by_item)]

    def _body(self, value, name=""):
        if isinstance(value, dict):
            return {key: self._body(member, key) for key, member in value.items()}
        if isinstance(value, list):
            return [self._body(item, name) for item in value]
        if name in _INSTANTS and value is not None:
            return "an instant"
        return "opaque" if name in _OPAQUE and value is not None else value

    def _without_ids(self, text):
        text = _CURSOR.sub(r"\1=...", text)
        return _UUID.sub(lambda match: f"id {self._ids.setdefault(match[0], len(self._ids))}", text)
