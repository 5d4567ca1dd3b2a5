"""The key for counting requests: the client's address in a canonical form."""

import pytest
from flask import Flask

from invsys.chassis.access import proxies
from tests.support.tables import table_driven

ADDRESSES = [
    ("203.0.113.7", "203.0.113.7"),
    # An IPv4 address of a dual-stack socket: each address is counted separately.
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
    ("", "local"),
]


# Other forms in which proxies send an address: with a port, with brackets, or both.
FORWARDED = [
    ("203.0.113.7:4711", "203.0.113.7"),
    ("[2001:db8:0:1::5]:443", "2001:db8:0:1::/64"),
    ("[2001:db8:0:1::5]", "2001:db8:0:1::/64"),
    ("[::ffff:203.0.113.7]:65535", "203.0.113.7"),
    ("[fe80::1%eth0]:443", "fe80::/64"),
]
INVALID = ["", "invalid", "203.0.113.7, invalid", "203.0.113.7:", "203.0.113.7:http", "203.0.113.7:123456", "1.2.3:80"]
INVALID += [
    "[203.0.113.7",
    "[2001:db8::1]443",
    "2001:db8::1]:443",
    "[]:443",
    ":443",
    "[invalid]:443",
    "203.0.113.7:80:80",
]


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    app.config["TRUSTED_PROXIES"] = "127.0.0.1"
    return app


@pytest.mark.parametrize(("address", "key"), ADDRESSES)
def test_the_key_is_the_address_of_the_connection(app: Flask, address: str, key: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert proxies.address_key() == key


@pytest.mark.parametrize(("address", "key"), ADDRESSES[:-1] + FORWARDED)
def test_the_key_is_the_last_address_that_a_trusted_proxy_forwards(app: Flask, address: str, key: str) -> None:
    headers = {"X-Forwarded-For": f"198.51.100.1, {address}"}
    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert proxies.address_key() == key
    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        assert proxies.address_key() == "192.0.2.1"


@table_driven("forwarded", INVALID)
def test_without_a_valid_forwarded_address_the_key_is_the_proxys(app: Flask, forwarded: str) -> None:
    with app.test_request_context(headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert proxies.address_key() == "127.0.0.1"
