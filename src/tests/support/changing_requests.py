"""Requests that change an allocation, as arguments of the test client's ``open``."""

from tests.support.change_lists import CHANGES


def patch(booking, **changes):
    """Return the request that changes the allocation with this URL."""
    return {"method": "PATCH", "path": booking, "json": changes}


def change_list(booking, **changes):
    """Return the request that changes the allocation with this URL, as a list of one entry."""
    return {"method": "POST", "path": CHANGES, "json": {"changes": [{"id": booking[-36:], **changes}]}}
