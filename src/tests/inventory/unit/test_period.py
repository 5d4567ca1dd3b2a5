from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invsys.inventory.period import ALWAYS, Period, free_and_busy
from tests.support.period_cases import CASES, NAMES


def period(hours):
    start, end = (None if hour is None else datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in hours)
    return Period(start, end)


@pytest.mark.parametrize(("name", "one", "other", "overlap"), CASES, ids=NAMES)
def test_periods_overlap_where_they_share_an_instant(name, one, other, overlap):
    assert period(one).overlaps(period(other)) is overlap
    assert period(other).overlaps(period(one)) is overlap


@pytest.mark.parametrize("hours", [(10, 10), (11, 10)])
def test_a_period_has_to_start_before_it_ends(hours):
    with pytest.raises(ValueError, match="start before"):
        period(hours)


def test_always_has_no_ends():
    assert Period() == ALWAYS
    assert ALWAYS.start is ALWAYS.end is None


@pytest.mark.parametrize(
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
def test_a_period_is_within_another_that_has_every_instant_of_it(inner, outer, within):
    assert period(inner).is_within(period(outer)) is within


hours = st.integers(-5, 20)
edges = st.lists(hours, unique=True, max_size=10).map(sorted)
windows = st.tuples(st.none() | st.integers(-8, 7), st.none() | st.integers(8, 23))


def from_midnight(pair):
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    return Period(*(None if hour is None else midnight + timedelta(hours=hour) for hour in pair))


@given(edges=edges, from_ever=st.booleans(), for_ever=st.booleans(), touching=st.booleans(), asked=windows)
def test_a_window_is_split_into_what_is_free_and_what_is_busy(edges, from_ever, for_ever, touching, asked):
    window = from_midnight(asked)
    bounds = [None] * from_ever + edges + [None] * for_ever
    pairs = list(pairwise(bounds))[:: 1 if touching else 2]
    taken = [period for period in map(from_midnight, pairs) if period.overlaps(window)]
    free, busy = free_and_busy(taken, window)
    for half_hour in range(-20, 60):
        moment = from_midnight((half_hour / 2, half_hour / 2 + 0.1))
        inside, is_taken = moment.overlaps(window), any(period.overlaps(moment) for period in taken)
        assert any(period.overlaps(moment) for period in busy) is (inside and is_taken)
        assert any(period.overlaps(moment) for period in free) is (inside and not is_taken)
    for found in (free, busy):
        assert all(one.end < other.start for one, other in pairwise(found))
