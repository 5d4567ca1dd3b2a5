"""Periods: overlaps, containment, and the free and busy parts of a window."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invsys.inventory.period import ALWAYS, Period, free_and_busy
from tests.support.period_cases import CASES, NAMES
from tests.support.tables import table_driven


def period(hours):
    start, end = (None if hour is None else datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in hours)
    return Period(start, end)


@table_driven(("name", "one", "other", "overlap"), CASES, ids=NAMES)
def test_periods_overlap_where_they_share_an_instant(name, one, other, overlap):
    assert period(one).overlaps(period(other)) is overlap
    assert period(other).overlaps(period(one)) is overlap


@pytest.mark.parametrize("hours", [(10, 10), (11, 10)])
def test_a_period_must_start_before_it_ends(hours):
    with pytest.raises(ValueError, match="start before"):
        period(hours)


def test_always_has_no_bounds():
    assert Period() == ALWAYS
    assert ALWAYS.start is ALWAYS.end is None


@table_driven(
    ("inner", "outer", "within"),
    [
        ((10, 12), (10, 12), True),
        ((10, 12), (9, 13), True),
        ((10, 12), (11, 13), False),
        ((10, 12), (9, 11), False),
        ((10, 12), (12, 14), False),
        ((10, 12), (None, 12), True),
        ((10, 12), (10, None), True),
        ((10, 12), (None, None), True),
        ((None, 12), (10, 12), False),
        ((None, 12), (None, 13), True),
        ((10, None), (10, 12), False),
        ((10, None), (9, None), True),
        ((None, None), (10, None), False),
        ((None, None), (None, 12), False),
        ((None, None), (None, None), True),
    ],
)
def test_a_period_is_within_another_that_contains_all_its_instants(inner, outer, within):
    assert period(inner).is_within(period(outer)) is within


hours = st.integers(-5, 20)
edges = st.lists(hours, unique=True, max_size=10).map(sorted)
windows = st.tuples(st.none() | st.integers(-8, 7), st.none() | st.integers(8, 23))


def from_midnight(pair):
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    return Period(*(None if hour is None else midnight + timedelta(hours=hour) for hour in pair))


@given(
    edges=edges, infinite_start=st.booleans(), infinite_end=st.booleans(), touching=st.booleans(), window_hours=windows
)
def test_a_window_is_split_into_free_and_busy_periods(edges, infinite_start, infinite_end, touching, window_hours):
    window = from_midnight(window_hours)
    bounds = [None] * infinite_start + edges + [None] * infinite_end
    pairs = list(pairwise(bounds))[:: 1 if touching else 2]
    allocated = [period for period in map(from_midnight, pairs) if period.overlaps(window)]
    free, busy = free_and_busy(allocated, window)
    for half_hour in range(-20, 60):
        moment = from_midnight((half_hour / 2, half_hour / 2 + 0.1))
        inside, is_busy = moment.overlaps(window), any(period.overlaps(moment) for period in allocated)
        assert any(period.overlaps(moment) for period in busy) is (inside and is_busy)
        assert any(period.overlaps(moment) for period in free) is (inside and not is_busy)
    for parts in (free, busy):
        assert all(one.end < other.start for one, other in pairwise(parts))
