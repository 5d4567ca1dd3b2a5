"""The settings of fleets: names that the gateway needs itself, URLs, and host names."""

import re

import pytest

from invsys.chassis.config.settings import SettingsError
from invsys.gateway import settings
from tests.support.gateway_server import write_ini
from tests.support.tables import table_driven

URL = "http://10.0.0.1:5000"


@pytest.fixture
def load(tmp_path):
    """Return a function that loads settings from sections."""
    return lambda **sections: settings.load(str(write_ini(tmp_path, sections)), {})


def test_there_are_no_fleets_by_default(load):
    loaded = load()
    assert (loaded["fleets"], loaded["fleet_hosts"]) == ({}, {})


def test_names_urls_and_hosts_are_accepted(load):
    names = ("north", "n", "2", "north-2", "a" * 63)
    loaded = load(
        fleets=dict.fromkeys(names, f"{URL}, http://10.0.0.2:5000"),
        fleet_hosts={"north": "north.example, NORD.example.", "2": ""},
        server={"allowed_hosts": "north.example, nord.example"},
    )
    assert set(loaded["fleets"]) == set(names)
    assert loaded["fleet_hosts"] == {"north": "north.example, NORD.example."}


@table_driven("name", ["", "north_1", "-north", "nörth", "a/b", "north.1", "a" * 64, "north south"])
def test_an_invalid_name_is_refused(load, name):
    with pytest.raises(SettingsError):
        load(fleets={name: URL})


@table_driven("name", ["api", "docs", "static", "table", "whoami", "healthz", "readyz", "metrics"])
def test_a_name_that_the_gateway_needs_is_refused(load, name):
    with pytest.raises(SettingsError, match=rf"\[fleets\] {name} .*This fleet name is reserved"):
        load(fleets={name: URL})


def test_a_name_with_a_route_is_refused(load):
    with pytest.raises(SettingsError, match=r"\[fleets\] shop .*\[routes\] /shop/cart has the paths"):
        load(fleets={"shop": URL}, services={"cart": URL}, routes={"/shop/cart": "cart"})


@table_driven("url", ["10.0.0.1:5000", "http://10.0.0.1:5000/north", "http://", f"{URL}, x", "http://a:0"])
def test_an_invalid_url_is_refused(load, url):
    with pytest.raises(SettingsError, match=r"\[fleets\] north .*Each URL must be"):
        load(fleets={"north": url})


@table_driven(
    ("hosts", "message"),
    [
        ({"east": "east.example"}, "[fleet_hosts] east .*Fleet east does not exist"),
        ({"north": "north.example:80"}, "[fleet_hosts] north .*is not a host name without a port"),
        ({"north": "http://north.example"}, "[fleet_hosts] north .*is not a host name without a port"),
        ({"north": "a b"}, "[fleet_hosts] north .*is not a host name without a port"),
        ({"north": "*"}, "[fleet_hosts] north .*is not a host name without a port"),
        ({"north": "one.example", "south": "ONE.example"}, "[fleet_hosts] south .*already selects the fleet north"),
        ({"north": "other.example"}, "[fleet_hosts] north .*Add other.example to [server] allowed_hosts"),
    ],
)
def test_invalid_host_names_are_refused(load, hosts, message):
    pattern = ".*".join(map(re.escape, message.split(".*")))
    with pytest.raises(SettingsError, match=pattern):
        load(fleets={"north": URL, "south": URL}, fleet_hosts=hosts, server={"allowed_hosts": "one.example"})


def test_a_gateway_that_accepts_any_host_needs_no_list(load):
    load(fleets={"north": URL}, fleet_hosts={"north": "north.example"}, server={"host": "0.0.0.0"})


def test_without_fleets_the_inventory_cannot_be_removed(load):
    with pytest.raises(SettingsError, match="Service inventory does not exist"):
        load(services={"inventory": ""})
    assert "inventory" not in load(services={"inventory": ""}, fleets={"north": URL})["services"]
