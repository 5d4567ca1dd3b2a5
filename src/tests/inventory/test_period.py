from datetime import UTC, datetime

import pytest

from invsys.inventory.period import ALWAYS, Period
from tests.inventory.period_cases import CASES, NAMES


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
