"""The configuration of nginx agrees with the services behind it, and does not trust headers from callers."""

import re
import uuid
from configparser import ConfigParser
from urllib.parse import urlencode

import pytest

from invsys.chassis.access import client_id, gateway_secret
from invsys.gateway.upstream import compression
from invsys.inventory.schemas.fields import MAX_VALUES
from tests.support.compose_files import FULL, PROJECT, TLS, services, text
from tests.support.tables import table_driven

FOLDER = "docker/nginx"


def value(name, file="http.conf"):
    """Return the value of a directive that occurs once."""
    [directive] = re.findall(rf"^\s*{name} (.*);$", text(f"{FOLDER}/{file}"), re.MULTILINE)
    return directive


@table_driven("header", [client_id.HEADER, client_id.VISIBILITY, gateway_secret.HEADER, "Forwarded", "X-Real-IP"])
def test_headers_that_identify_the_caller_are_removed(header):
    assert f'proxy_set_header {header} "";' in text(f"{FOLDER}/server.conf")


def test_the_forwarded_address_is_the_callers_real_one():
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text(f"{FOLDER}/server.conf")
    assert value("underscores_in_headers") == "off"


def test_the_gateway_rejects_large_bodies_itself_and_nginx_buffers_them_in_memory():
    default = ConfigParser()
    default.read(PROJECT / "src/invsys/gateway/default_config.ini")
    assert value("client_max_body_size") == value("client_body_buffer_size")
    assert int(value("client_max_body_size").removesuffix("k")) * 1024 > default.getint("limits", "max_body")


def test_the_headers_of_a_list_of_many_vehicles_fit_into_lines_and_buffers():
    query = urlencode([("resource_id", str(uuid.UUID(int=number))) for number in range(MAX_VALUES)])
    for size in (value("large_client_header_buffers").split()[1], value("proxy_buffer_size")):
        assert int(size.removesuffix("k")) * 1024 > len(query) + 2048


def test_nginx_compresses_text_instead_of_the_gateway():
    assert value("gzip") == "on"
    assert 'proxy_set_header Accept-Encoding "";' in text(f"{FOLDER}/server.conf")
    types = re.search(r"gzip_types ([^;]+);", text(f"{FOLDER}/http.conf"))[1].split()
    assert [media_type for media_type in types if not compression.is_compressible(media_type)] == []
    assert {"application/json", "application/problem+json", "text/calendar"} <= set(types)


def test_the_list_with_data_is_not_compressed():
    [(pattern, page)] = re.findall(r"location ~ (\S*table\S*) \{([^}]+)\}", text(f"{FOLDER}/server.conf"))
    assert "gzip off;" in page
    assert [bool(re.match(pattern, path)) for path in ("/table", "/north/table", "/api/cars")] == [True, True, False]


def test_nginx_shows_its_own_errors_to_browsers_as_pages_except_below_api():
    [pattern] = re.findall(r'"~(.+ text/html)" _page;', text(f"{FOLDER}/http.conf"))
    page, json = "text/html,application/xhtml+xml,*/*;q=0.8", "application/json, text/html"
    below_api = ("/api", "/api/cars", "/north/api/cars")
    assert [bool(re.match(pattern, f"{path} {page}")) for path in ("/", "/table", "/apis")] == [True] * 3
    assert [bool(re.match(pattern, f"{path} {page}")) for path in below_api] == [False] * 3
    assert not re.match(pattern, f"/ {json}")
    names = re.findall(r"error_page \d+ (@\d+)\$error_page;", text(f"{FOLDER}/server.conf"))
    assert names
    assert all(
        f"location {name}{suffix} {{" in text(f"{FOLDER}/server.conf") for name in names for suffix in ("", "_page")
    )


@table_driven("path", ["healthz", "metrics", "readyz"])
def test_paths_for_operators_are_hidden_from_callers(path):
    [hidden] = re.findall(r"location ~ (\S+) \{\n    return 404;", text(f"{FOLDER}/server.conf"))
    assert re.match(hidden, f"/{path}")
    assert not re.match(hidden, f"/api/{path}")


def test_only_the_tls_configuration_sends_strict_transport_security():
    assert "Strict-Transport-Security" in text(f"{FOLDER}/tls.conf")
    for file in ("http.conf", "main.conf", "plain.conf", "server.conf"):
        assert "Strict-Transport-Security" not in text(f"{FOLDER}/{file}")


def test_only_tls_1_2_and_later_is_allowed():
    assert value("ssl_protocols", "tls.conf") == "TLSv1.2 TLSv1.3"


@pytest.mark.parametrize("name", [FULL, TLS])
def test_the_configuration_files_in_the_compose_files_exist(name):
    [file] = re.findall(r"/etc/nginx/invsys/(\w+\.conf)", str(services(name)["nginx"]["command"]))
    included = re.findall(r"include (\S+);", text(f"{FOLDER}/{file}"))
    assert {"main.conf", "http.conf", "server.conf"} == set(included)
    assert all((PROJECT / FOLDER / name).exists() for name in included)
