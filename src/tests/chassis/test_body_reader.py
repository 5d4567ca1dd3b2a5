"""Bodies read with a limit on those that arrive slowly."""

import io
import threading

import pytest

from invsys.chassis.body_reader import Abandoned, BodyReader
from invsys.chassis.problems import RequestTimeout, SlowBodies
from tests.waiting import SECONDS, until


class Stalled:
    """A stream whose body arrives when it is told to."""

    def __init__(self) -> None:
        self.is_read, self.arrived = threading.Event(), threading.Event()

    def read(self, size: int) -> bytes:
        self.is_read.set()
        assert self.arrived.wait(SECONDS)
        return b"late"


class Waiting:
    """A thread that waits for a body."""

    def __init__(self, reader: BodyReader) -> None:
        self.stream, self.outcome = Stalled(), list[object]()
        self.thread = threading.Thread(target=self._read, args=(reader,))
        self.thread.start()
        assert self.stream.is_read.wait(SECONDS)

    def _read(self, reader: BodyReader) -> None:
        try:
            self.outcome.append(reader.read(self.stream, 10))
        except Abandoned as abandoned:
            self.outcome.append(type(abandoned.problem))

    def end(self) -> object:
        self.stream.arrived.set()
        self.thread.join(SECONDS)
        return self.outcome[0]


@pytest.mark.parametrize("size", [0, 1, 3, 10])
def test_a_prompt_body_is_read_up_to_the_size(size: int) -> None:
    reader = BodyReader(threads=1, timeout=SECONDS)
    assert [reader.read(io.BytesIO(b"abcde"), size) for _ in range(3)] == [b"abcde"[:size]] * 3


def test_what_the_stream_raises_is_raised_and_the_next_one_is_read() -> None:
    reader = BodyReader(threads=1, timeout=SECONDS)
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read(closed, 1)
    assert reader.read(io.BytesIO(b"y"), 1) == b"y"


@pytest.mark.parametrize(("threads", "slots"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_half_the_threads_may_wait_and_one_more_is_refused_until_there_is_room(threads: int, slots: int) -> None:
    reader = BodyReader(threads, timeout=SECONDS)
    waiting = [Waiting(reader) for _ in range(slots)]
    # They all have their slots when one more is refused.
    until(lambda: reader._slots._value == 0)
    with pytest.raises(Abandoned) as refused:
        reader.read(stalled := Stalled(), 1)
    assert isinstance(refused.value.problem, SlowBodies)
    stalled.arrived.set()
    assert [each.end() for each in waiting] == [b"late"] * slots
    assert Waiting(reader).end() == b"late"


def test_a_body_that_takes_too_long_is_given_up_and_its_thread_ends_with_the_read() -> None:
    reader = BodyReader(threads=2, timeout=0.1)
    before = threading.active_count()
    stalled = [Stalled() for _ in range(3)]
    for each in stalled:
        with pytest.raises(Abandoned) as abandoned:
            reader.read(each, 1)
        assert isinstance(abandoned.value.problem, RequestTimeout)
        assert "within 0.1 seconds" in abandoned.value.problem.detail
        each.arrived.set()
        abandoned.value.wait()
    until(lambda: threading.active_count() == before)
