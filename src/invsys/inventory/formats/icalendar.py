"""The allocations of a vehicle as an iCalendar object (RFC 5545): each is an event that a calendar shows as busy.

From 1970 to 2038, a calendar never shows an allocated period as free. iCalendar has whole seconds, so starts are
rounded down and ends are rounded up. It has no infinity, so an open side gets the bound of the requested window, or a
bound that calendar programs accept.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import invsys
from invsys.inventory.db.models import Row
from invsys.inventory.formats.content_lines import fold, text
from invsys.inventory.period import EARLIEST, LATEST, Period

# The bounds of open sides. Some programs store instants as 32-bit seconds since 1970; sabre/dav (Nextcloud) itself uses
# 2038-01-01 as the last date. Exchange refuses a calendar that contains a year before 1601 or after 4500 (MS-STANXICAL,
# 2.2.29), and Outlook ignores such a date (MS-STANOICAL, 2.2.31). If an allocation lies beyond a bound, it gets the
# next one in the tuple. The second start is before EARLIEST, because an allocation can end at EARLIEST and an event
# must start before it ends.
_NO_START = (datetime(1970, 1, 1, tzinfo=UTC), EARLIEST - timedelta(seconds=1))
_NO_END = (datetime(2038, 1, 1, tzinfo=UTC), datetime(4500, 1, 1, tzinfo=UTC), LATEST)
_ALMOST_A_SECOND = timedelta(microseconds=999_999)

# The part of the summary about open sides, by (no start, no end).
_OPEN = {
    (False, False): "",
    (True, False): " (no start)",
    (False, True): " (no end)",
    (True, True): " (no start, no end)",
}

# A calendar needs at least one component (3.6). This one has no effect, because all times are in UTC.
_NO_EVENT = (
    "BEGIN:VTIMEZONE",
    "TZID:Etc/UTC",
    "BEGIN:STANDARD",
    "DTSTART:19700101T000000",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0000",
    "END:STANDARD",
    "END:VTIMEZONE",
)


def calendar(name: str, allocations: Iterable[Row], window: Period) -> bytes:
    """Return the calendar of the vehicle called ``name``; open sides get the bounds of ``window``, if it has any."""
    title = text(name)
    events = [fold(_event(title, allocation, window)) for allocation in allocations]
    return b"".join([fold(_head(title)), *(events or [fold(_NO_EVENT)]), fold(["END:VCALENDAR"])])


def _head(title: str) -> Iterator[str]:
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield f"PRODID:-//InvSys//Inventory {invsys.__version__}//EN"
    # The standard name of a calendar (RFC 7986), and the one that programs use.
    yield f"NAME:{title}"
    yield f"X-WR-CALNAME:{title}"


def _event(title: str, allocation: Row, window: Period) -> Iterator[str]:
    starts, ends = allocation["starts"], allocation["ends"]
    changed = _second_before(allocation["changed"])
    yield "BEGIN:VEVENT"
    yield f"UID:{allocation['id']}@invsys"
    # Without METHOD, DTSTAMP is the time of the last change, like LAST-MODIFIED (3.8.7.2, 3.8.7.3).
    yield f"DTSTAMP:{changed}"
    yield f"LAST-MODIFIED:{changed}"
    yield f"CREATED:{_second_before(allocation['created'])}"
    yield f"SEQUENCE:{allocation['version'] - 1}"
    start, end = starts or window.start, ends or window.end
    yield f"DTSTART:{_second_before(start or _start_before(end))}"
    yield f"DTEND:{_second_after(end or _end_after(start))}"
    yield f"SUMMARY:{title}: {text(allocation['allocation_type'])}{_OPEN[starts is None, ends is None]}"
    if description := _description(allocation):
        yield f"DESCRIPTION:{text(description)}"
    yield "STATUS:CONFIRMED" if allocation["expires"] is None else "STATUS:TENTATIVE"
    yield "TRANSP:OPAQUE"
    if starts is None:
        yield "X-INVSYS-FROM-INFINITY;VALUE=BOOLEAN:TRUE"
    if ends is None:
        yield "X-INVSYS-TO-INFINITY;VALUE=BOOLEAN:TRUE"
    yield "END:VEVENT"


def _description(allocation: Row) -> str:
    """Return the description and the reference, each on lines of its own."""
    reference = allocation["reference"] and f"Reference: {allocation['reference']}"
    return "\n".join(filter(None, (allocation["description"], reference)))


def _start_before(end: datetime | None) -> datetime:
    return next(bound for bound in _NO_START if end is None or bound < end)


def _end_after(start: datetime | None) -> datetime:
    return next(bound for bound in _NO_END if start is None or bound > start)


def _second_before(instant: datetime) -> str:
    return f"{instant:%Y%m%dT%H%M%SZ}"


def _second_after(instant: datetime) -> str:
    return _second_before(instant + _ALMOST_A_SECOND)
