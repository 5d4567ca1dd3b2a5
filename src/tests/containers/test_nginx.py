"""nginx's files agree with what stands behind nginx, and believe nothing that a caller says of itself."""

import re
from configparser import ConfigParser

import pytest

from invsys.chassis.access import client_id, gateway_secret
from tests.support.compose_files import FULL, PROJECT, TLS, services, text

FOLDER = "docker/nginx"


def value(name, file="http.conf"):
    """Give the value of a directive that stands once."""
    [found] = re.findall(rf"^\s*{name} (.*);$", text(f"{FOLDER}/{file}"), re.MULTILINE)
    return found


@pytest.mark.parametrize("header", [client_id.HEADER, client_id.SEES, gateway_secret.HEADER, "Forwarded", "X-Real-IP"])
def test_what_says_who_somebody_is_goes_no_further(header):
    assert f'proxy_set_header {header} "";' in text(f"{FOLDER}/server.conf")


def test_the_address_is_the_callers_own_whatever_it_says():
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text(f"{FOLDER}/server.conf")
    assert value("underscores_in_headers") == "off"


def test_a_body_a_little_too_large_gets_the_services_own_answer_and_none_is_written_to_disk():
    default = ConfigParser()
    default.read(PROJECT / "src/invsys/gateway/default_config.ini")
    assert value("client_max_body_size") == value("client_body_buffer_size")
    assert int(value("client_max_body_size").removesuffix("k")) * 1024 > default.getint("limits", "max_body")


@pytest.mark.parametrize("path", ["healthz", "metrics", "readyz"])
def test_what_is_for_operators_is_not_for_callers(path):
    [hidden] = re.findall(r"location ~ (\S+) \{\n    return 404;", text(f"{FOLDER}/server.conf"))
    assert re.match(hidden, f"/{path}")
    assert not re.match(hidden, f"/api/{path}")


def test_only_with_tls_browsers_are_told_to_ask_for_nothing_without():
    assert "Strict-Transport-Security" in text(f"{FOLDER}/tls.conf")
    for file in ("http.conf", "main.conf", "plain.conf", "server.conf"):
        assert "Strict-Transport-Security" not in text(f"{FOLDER}/{file}")


def test_old_tls_is_not_spoken():
    assert value("ssl_protocols", "tls.conf") == "TLSv1.2 TLSv1.3"


@pytest.mark.parametrize("name", [FULL, TLS])
def test_the_compose_files_name_files_that_are_there(name):
    [file] = re.findall(r"/etc/nginx/invsys/(\w+\.conf)", str(services(name)["nginx"]["command"]))
    included = re.findall(r"include (\S+);", text(f"{FOLDER}/{file}"))
    assert {"main.conf", "http.conf", "server.conf"} == set(included)
    assert all((PROJECT / FOLDER / each).exists() for each in included)
