"""Requests are counted by the caller's address, however it is written."""

import pytest
from flask import Flask

from invsys.chassis.access import proxies

ADDRESSES = [
    ("203.0.113.7", "203.0.113.7"),
    # IPv4 as a socket for both families writes it: each address is counted separately.
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
    ("", "local"),
]


# What proxies write beside the plain address: a port, brackets, or both.
FORWARDED = [
    ("203.0.113.7:4711", "203.0.113.7"),
    ("[2001:db8:0:1::5]:443", "2001:db8:0:1::/64"),
    ("[2001:db8:0:1::5]", "2001:db8:0:1::/64"),
    ("[::ffff:203.0.113.7]:65535", "203.0.113.7"),
    ("[fe80::1%eth0]:443", "fe80::/64"),
]
JUNK = ["", "made-up", "203.0.113.7, made-up", "203.0.113.7:", "203.0.113.7:http", "203.0.113.7:123456", "1.2.3:80"]
JUNK += ["[203.0.113.7", "[2001:db8::1]443", "2001:db8::1]:443", "[]:443", ":443", "[made-up]:443", "203.0.113.7:80:80"]


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    app.config["TRUSTED_PROXIES"] = "127.0.0.1"
    return app


@pytest.mark.parametrize(("address", "counted"), ADDRESSES)
def test_the_address_that_connects(app: Flask, address: str, counted: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert proxies.address_key() == counted


@pytest.mark.parametrize(("address", "counted"), ADDRESSES[:-1] + FORWARDED)
def test_the_address_that_a_trusted_proxy_names(app: Flask, address: str, counted: str) -> None:
    headers = {"X-Forwarded-For": f"198.51.100.1, {address}"}
    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert proxies.address_key() == counted
    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        assert proxies.address_key() == "192.0.2.1"


@pytest.mark.parametrize("forwarded", JUNK)
def test_a_proxy_that_names_no_address_is_counted_itself(app: Flask, forwarded: str) -> None:
    with app.test_request_context(headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert proxies.address_key() == "127.0.0.1"
