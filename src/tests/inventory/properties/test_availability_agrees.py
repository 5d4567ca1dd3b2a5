"""What availability says and what POST does never disagree, and both do what a model in plain integers does."""

from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.instants import ALWAYS, at, hours_of
from tests.support.model import divided, overlap

LAST = 4

hour = st.none() | st.integers(0, 12)
periods = st.tuples(hour, hour).filter(lambda period: None in period or period[0] < period[1])
thrifty = settings(
    max_examples=10, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def small_windows():
    bounds = [None, *range(LAST + 1)]
    pairs = ((start, end) for start in bounds for end in bounds)
    return [pair for pair in pairs if None in pair or pair[0] < pair[1]]


def a_car(register, allocate, wanted):
    """Register a car and give it the periods that are wanted, as far as they fit; gives its URL, name and periods."""
    name = uuid4().hex
    car = register(name, attributes={"example": name})
    taken = [period for period in wanted if allocate(car, at(period[0]), at(period[1])).status_code == 201]
    return car, name, taken


def said(client, car, window):
    query = {"from": at(window[0]), "to": at(window[1])}
    response = client.get(f"{car}/availability", query_string=query).json
    return tuple([hours_of(period) for period in response[kind]] for kind in ("free", "busy"))


def is_listed(client, name, window):
    query = {"available_from": at(window[0]), "available_to": at(window[1]), "attribute.example": name}
    return [found["name"] for found in client.get("/api/cars", query_string=query).json] == [name]


def is_taken_by(client, response):
    if response.status_code == 201:
        assert client.delete(response.headers["Location"]).status_code == 204
    return response.status_code == 201


@thrifty
@given(wanted=st.lists(periods, max_size=6), window=periods)
def test_free_and_busy_are_what_the_model_says(client, register, allocate, wanted, window):
    car, _, taken = a_car(register, allocate, wanted)
    assert said(client, car, window) == divided(taken, window)


@thrifty
@given(
    wanted=st.lists(st.sampled_from([period for period in small_windows() if period != ALWAYS]), min_size=1, max_size=4)
)
def test_every_way_of_asking_gives_the_same_answer(client, register, allocate, wanted):
    car, name, taken = a_car(register, allocate, wanted)
    for window in small_windows():
        span = (at(window[0]), at(window[1]))
        free, busy = said(client, car, window)
        responses = [
            free == [window],
            busy == [],
            is_taken_by(client, allocate(car, *span)),
            is_taken_by(client, allocate("/api/cars/any", *span, attributes={"example": name})),
        ]
        # The collection can't be asked who is free for ever on both sides: that is no filter.
        responses += [] if window == ALWAYS else [is_listed(client, name, window)]
        expected = not any(overlap(window, period) for period in taken)
        assert responses == [expected] * len(responses), (window, taken)
