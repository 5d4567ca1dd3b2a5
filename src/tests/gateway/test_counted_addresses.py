"""By what requests of unknown callers are counted: an address, however it is written."""

import pytest

from invsys.gateway import addresses


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        # As a socket that listens for both families writes it: no two of IPv4 are one.
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("", "local"),
    ],
)
def test_what_is_one_caller(gateway, address, counted):
    app = gateway("http://127.0.0.1:9")
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert addresses.counted() == counted
    with app.test_request_context(headers={"X-Forwarded-For": address}, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert addresses.counted() == (counted if address else "127.0.0.1")
