"""Reads the change feed. At the end of the feed, the events of holds that have expired are written first."""

from collections.abc import Callable

from invsys.inventory import counters
from invsys.inventory.commands import expire_holds
from invsys.inventory.db import session
from invsys.inventory.queries import events as event_queries
from invsys.inventory.queries.events import Filters, Page, Position


def page(after: Position | None, limit: int, filters: Filters) -> Page:
    """Return up to ``limit`` events that match the filters, after a position (None: from the oldest stored event).

    If the page reaches the end of the feed, expired holds are deleted first, so that the page includes their events,
    unless the deletion would wait for a lock. Raises CursorExpired, DatabaseUnavailable.
    """
    return _with_expired(lambda: event_queries.following(after, limit, filters))


def empty_page_at_end() -> Page:
    """Return a page without events, whose ``next`` is the end of the feed.

    Expired holds are deleted first, as in ``page``. Raises DatabaseUnavailable.
    """
    return _with_expired(event_queries.last)


def _with_expired(read: Callable[[], tuple[Page, bool]]) -> Page:
    events, is_incomplete = read()
    if is_incomplete and (count := session.try_without_waiting(expire_holds.delete_expired_batch)):
        counters.count_holds("expired", count)
        events, _ = read()
    return events
