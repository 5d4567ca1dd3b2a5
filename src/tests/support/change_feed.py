"""A client that reads the change feed."""


class FeedReader:
    """Reads the feed from its start, one page at a time; ``filters`` are further query parameters."""

    def __init__(self, client, limit=1000, **filters):
        self._client, self._limit, self._filters, self.cursor = client, limit, filters, None
        self.has_more = True

    def next_page(self):
        """Return the events of the next page, which may be empty."""
        query = {"after": self.cursor, "limit": self._limit, **self._filters}
        response = self._client.get("/api/events", query_string=query)
        assert response.status_code == 200, response.text
        self.cursor = response.json["next"]
        self.has_more = "Link" in response.headers
        return response.json["events"]

    def new_events(self):
        """Return all events that have not been read yet."""
        events = self.next_page()
        while self.has_more:
            events += self.next_page()
        return events
