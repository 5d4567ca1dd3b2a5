"""The page at ``/``: a shell without data, its Content-Security-Policy, and the versioned URLs of its modules."""

import base64
import hashlib
import json
import re
from urllib.parse import urljoin

import pytest

pytestmark = [pytest.mark.one_engine, pytest.mark.through_gateway]


@pytest.fixture
def shell(client):
    client.environ_base.pop("HTTP_AUTHORIZATION", None)
    response = client.get("/?type=cars&anything=%3Cscript%3E")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    return response


def import_map(shell):
    [text] = re.findall(r'<script type="importmap">(.*?)</script>', shell.text)
    return text


def test_the_shell_is_public_and_has_no_data(shell, client):
    assert shell.text == client.get("/").text
    assert re.findall(r"<script", shell.text) == ["<script"] * 2


def test_the_policy_allows_only_files_of_this_origin_and_the_import_map(shell):
    digest = base64.b64encode(hashlib.sha256(import_map(shell).encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in shell.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == f"'self' 'sha256-{digest}'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in shell.headers["Content-Security-Policy"]


def test_every_module_is_imported_and_preloaded_with_its_version(shell, client):
    urls = json.loads(import_map(shell))["imports"]
    assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', shell.text)) == set(urls.values())
    for path, url in urls.items():
        # Relative to the page, so that it works under every path prefix.
        response = client.get(urljoin("/", url))
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert {f"./static/{name}" for name in re.findall(r'from ?"\./([^"]+)"', response.text)} <= urls.keys()
        assert url.startswith(f"{path}?v=")
