"""The path prefix of a trusted proxy, which begins the links of a service."""

import pytest
from flask import Flask, url_for

from invsys.chassis.access import path_prefix
from invsys.chassis.http import problems, request_id
from tests.support.tables import table_driven


@pytest.fixture
def client():
    app = Flask(__name__)
    app.config["TRUSTED_PROXIES"] = "10.0.0.0/8"
    request_id.register(app)
    problems.register(app)

    @app.get("/here")
    def here():
        return {"path": path_prefix.for_caller("/here"), "url": url_for("here")}

    path_prefix.register(app)
    return app.test_client()


def get(client, prefix, address="10.0.0.1"):
    return client.get("/here", headers={path_prefix.HEADER: prefix}, environ_base={"REMOTE_ADDR": address})


@table_driven(
    ("prefix", "expected"),
    [("/north", "/north"), ("/north/", "/north"), ("/a/b-c.d_e~1", "/a/b-c.d_e~1"), ("/", ""), ("", "")],
)
def test_links_begin_with_the_prefix_of_a_trusted_proxy(client, prefix, expected):
    assert get(client, prefix).json == {"path": f"{expected}/here", "url": f"{expected}/here"}


@table_driven("address", ["192.0.2.1", "127.0.0.1", "::1", ""])
def test_the_prefix_of_anybody_else_is_ignored(client, address):
    assert get(client, "/north", address).json == {"path": "/here", "url": "/here"}


@table_driven(
    "prefix",
    ["north", "//evil.example", "/a//b", "/..", "/a/./b", "/a?b", "/<script>", '/"', "/a b", "/%2e%2e", "/a, /b", "/é"],
)
def test_a_malformed_prefix_is_refused(client, prefix):
    response = get(client, prefix)
    assert (response.status_code, response.json["detail"]) == (400, "The header X-Forwarded-Prefix is malformed.")
