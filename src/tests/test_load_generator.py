"""The load generator of the benchmarks counts one outcome for each request."""

from threading import Event

from benchmarks import load

from tests.support.raw_upstream import OK, listening
from tests.support.waiting import SECONDS

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_an_idle_connection_that_the_server_closes_is_no_outcome():
    closed = Event()

    def respond(connection):
        connection.read()
        if connection.number == 1:
            connection.send(OK)
            connection.close()
            closed.set()
        else:
            # This request takes so long that the server closes the other connection, which has become idle.
            assert closed.wait(SECONDS)
            connection.send_slowly(b"", 1)
            connection.send(OK)

    with listening() as upstream:
        upstream.respond = respond
        result = load.run(upstream.port, [iter([REQUEST]), iter([REQUEST])], patience=SECONDS)
    assert result.statuses == {200: 2}
