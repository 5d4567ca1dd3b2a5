"""A reader of the change feed, as the booking monolith has one."""


class Reader:
    """Follows ``next`` from the beginning on, a page at a time."""

    def __init__(self, client, limit=1000):
        self._client, self._limit, self._next = client, limit, None

    def page(self):
        """Give the next page's events; there may be none yet."""
        query = {"after": self._next, "limit": self._limit}
        response = self._client.get("/api/events", query_string=query)
        assert response.status_code == 200, response.text
        self._next = response.json["next"]
        return response.json["events"]

    def news(self):
        """Give all events that were not read yet."""
        told = []
        while page := self.page():
            told += page
        return told
