"""A client that reads the change feed."""


class FeedReader:
    """Reads the feed from its start, one page at a time."""

    def __init__(self, client, limit=1000):
        self._client, self._limit, self._next = client, limit, None

    def next_page(self):
        """Return the events of the next page, which may be empty."""
        query = {"after": self._next, "limit": self._limit}
        response = self._client.get("/api/events", query_string=query)
        assert response.status_code == 200, response.text
        self._next = response.json["next"]
        return response.json["events"]

    def new_events(self):
        """Return all events that have not been read yet."""
        events = []
        while page := self.next_page():
            events += page
        return events
