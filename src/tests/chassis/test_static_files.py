"""Static files: a URL with the current version may be cached for a year, any other must be revalidated."""

from pathlib import Path

import pytest
from flask import Blueprint, Flask, url_for
from flask.testing import FlaskClient

from invsys.chassis.http import problems, request_id, static_files
from tests.support.tables import table_driven

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "icons").mkdir(parents=True)
    (folder / "page.css").write_text("body { color: black }")
    (folder / "icons/van.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("secret")
    return folder


def build(folder: Path, minifiers: static_files.Minifiers | None = None) -> FlaskClient:
    app = Flask("tiny", static_folder=None)
    request_id.register(app)
    problems.register(app)
    pages = Blueprint("pages", __name__, url_prefix="/pages")
    static_files.serve(pages, str(folder), minifiers=minifiers)
    app.register_blueprint(pages)
    return app.test_client()


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    return build(folder)


def versioned_url(client: FlaskClient, filename: str = "page.css") -> str:
    with client.application.test_request_context():
        return url_for("pages.static", filename=filename)


@pytest.mark.parametrize(("filename", "media_type"), [("page.css", "text/css"), ("icons/van.svg", "image/svg+xml")])
def test_a_url_with_the_current_version_is_immutable(
    client: FlaskClient, folder: Path, filename: str, media_type: str
) -> None:
    url = versioned_url(client, filename)
    assert url.startswith(f"/pages/static/{filename}?v=")
    response = client.get(url)
    assert (response.status_code, response.mimetype) == (200, media_type)
    assert response.data == (folder / filename).read_bytes()
    assert response.headers.getlist("Cache-Control") == [IMMUTABLE]


@table_driven("query", ["", "?v=", "?v=0123456789abcdef", "?w={version}", "?v=x&v={version}"])
def test_any_other_url_must_be_revalidated(client: FlaskClient, query: str) -> None:
    version = versioned_url(client).partition("=")[2]
    response = client.get(f"/pages/static/page.css{query.format(version=version)}")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-cache")


def test_the_version_depends_on_the_content_only(client: FlaskClient, folder: Path) -> None:
    url = versioned_url(client)
    (folder / "page.css").touch()
    assert versioned_url(build(folder)) == url
    (folder / "page.css").write_text("body { color: white }")
    changed = build(folder)
    assert versioned_url(changed) != url
    # A page of the previous version, which the user still sees.
    assert changed.get(url).headers["Cache-Control"] == "no-cache"


def test_a_running_process_serves_the_file_of_its_version(client: FlaskClient, folder: Path) -> None:
    url = versioned_url(client)
    before = client.get(url).data
    (folder / "page.css").write_text("body { color: white }")
    response = client.get(url)
    assert (response.data, response.headers["Cache-Control"]) == (before, IMMUTABLE)


def test_files_of_some_suffixes_are_minified_before_their_version_is_determined(
    client: FlaskClient, folder: Path
) -> None:
    minified = build(folder, {".css": lambda text: text.replace(" ", "")})
    url = versioned_url(minified)
    assert url != versioned_url(client)
    response = minified.get(url)
    assert (response.data, response.headers["Cache-Control"]) == (b"body{color:black}", IMMUTABLE)
    assert minified.get("/pages/static/icons/van.svg").data == b"<svg/>"


def test_a_copy_can_be_revalidated(client: FlaskClient) -> None:
    url = versioned_url(client)
    etag = client.get(url).headers["ETag"]
    response = client.get(url, headers={"If-None-Match": etag})
    assert (response.status_code, response.data) == (304, b"")
    assert (response.headers["ETag"], response.headers["Cache-Control"]) == (etag, IMMUTABLE)


def test_head_and_ranges_work(client: FlaskClient) -> None:
    head, read = client.head("/pages/static/page.css"), client.get("/pages/static/page.css")
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(read.data)))
    part = client.get("/pages/static/page.css", headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.data) == (206, read.data[2:6])


@table_driven(
    "filename",
    [
        "",
        "unknown.css",
        "icons",
        "icons/",
        "../secret",
        "%2e%2e/secret",
        "icons/../page.css",
        "./page.css",
        "%00",
        "a" * 5000,
    ],
)
def test_other_names_are_not_found(client: FlaskClient, filename: str) -> None:
    response = client.get(f"/pages/static/{filename}")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
