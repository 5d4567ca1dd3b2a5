"""The pages under /docs: Swagger UI with the service's OpenAPI document, and a page for each problem code."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from invsys.chassis.http.problems import InternalError, Problem, StatusProblem
from tests.support.html_page import Page
from tests.support.tables import table_driven

pytestmark = pytest.mark.one_engine


def subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from subclasses(subclass)


# The classes of the package, without those that other tests define.
KINDS = sorted(
    (
        kind
        for kind in set(subclasses(Problem))
        if kind.__module__.startswith("invsys.") and not issubclass(kind, StatusProblem)
    ),
    key=lambda kind: kind.__name__,
)
CODED = [kind for kind in KINDS if hasattr(kind, "code")]


def addresses(page: Page) -> list[str]:
    return [str(at[name]) for _, at in page.elements for name in ("href", "src", "data-document") if name in at]


def policy(response: TestResponse) -> dict[str, str]:
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return dict(rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; "))


@table_driven("kind", CODED)
def test_every_problem_class_has_a_page(client: FlaskClient, kind: type[Problem]) -> None:
    page = " ".join(Page(client.get(f"/docs/problems/{kind.code}")).text.split())
    assert str(kind.status) in page
    assert kind.code in page
    # A class without its own code is described on the page of its base class.
    for text in (kind.title, kind.additional_data, kind.advice) if "code" in vars(kind) else ():
        assert " ".join(text.replace("``", "").split()) in page
    # It is unknown whether a retry helps after an internal error.
    assert bool(re.search(r"Is it worth a retry\? (Yes|No)\b", page)) == (kind is not InternalError)


@table_driven("kind", KINDS)
def test_every_problem_class_has_explanations(kind: type[Problem]) -> None:
    assert kind.__doc__
    if hasattr(kind, "code"):
        # Each text begins like a sentence and ends with a full stop.
        for text in (
            kind.__doc__.split("\n")[0],
            kind.advice,
            *([kind.additional_data] if kind.additional_data else []),
        ):
            assert re.fullmatch(r"[A-Z`].*[.]", text), text
            assert text.count("``") % 2 == 0


def test_a_code_belongs_to_one_class() -> None:
    owners = [kind.code for kind in CODED if "code" in vars(kind)]
    assert sorted(set(owners)) == sorted(owners)


def test_the_list_links_every_code_once(client: FlaskClient) -> None:
    linked = [address for address in addresses(Page(client.get("/docs/problems"))) if "/problems/" in address]
    assert {f"/docs/problems/{kind.code}" for kind in CODED} <= set(linked)
    assert len(linked) == len(set(linked))


def test_every_problem_type_in_the_document_has_a_page(client: FlaskClient) -> None:
    schemas = (client.get("/api/openapi.json").json or {})["components"]["schemas"]
    del schemas["Problem"]  # the schema of problems with any code
    types = [schema["properties"]["type"]["const"] for name, schema in schemas.items() if name.endswith("Problem")]
    assert types
    for path in types:
        Page(client.get(path))


@pytest.mark.through_gateway
def test_the_type_of_an_error_response_is_the_path_of_its_page(client: FlaskClient) -> None:
    refusals = (
        client.get("/nowhere"),
        client.put("/api/cars"),
        client.get("/api/cars?limit=0"),
        client.get("/docs/swagger-ui/swagger-ui.css", headers={"Range": "bytes=99999999-"}),
    )
    for refusal in refusals:
        assert refusal.json is not None
        assert refusal.json["title"] in Page(client.get(refusal.json["type"])).text


PAGES = pytest.mark.parametrize("path", ["/docs", "/docs/problems", "/docs/problems/period_taken"])


@pytest.mark.through_gateway
@PAGES
def test_pages_comply_with_their_content_security_policy_and_load_nothing_external(
    client: FlaskClient, path: str
) -> None:
    response = client.get(path)
    allowed = policy(response)
    assert allowed["default-src"] == allowed["base-uri"] == allowed["frame-ancestors"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:"} & set(" ".join(allowed.values()).split())
    page = Page(response)
    assert not re.search(r"<script[^>]*>[^<]", response.text)
    assert ("script" in dict(page.elements)) == ("script-src" in allowed) == (path == "/docs")
    for tag, attributes in page.elements:
        assert tag not in ("style", "iframe", "object", "base")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    for address in addresses(page):
        assert re.match(r"/(?!/)", address)
        with client.get(address) as file:
            assert file.status_code == 200, address


BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.mark.through_gateway
@table_driven("path", ["/", "/table", "/docs", "/docs/problems", "/docs/problems/period_taken", "/unknown"])
def test_every_page_has_the_icon_and_leads_to_the_first_page(client: FlaskClient, path: str) -> None:
    text = client.get(path, headers=BROWSER).text
    [icon] = re.findall(r'<link rel="icon" type="image/svg\+xml" href="([^"]+)">', text)
    with client.get(urljoin(path, icon)) as file:
        assert (file.status_code, file.mimetype) == (200, "image/svg+xml")
        assert "immutable" in file.headers["Cache-Control"]
    assert path == "/" or '<a href="/">' in text or '<a class="wrapper link" href="/">' in text


def test_swagger_ui_follows_the_colours_of_the_system(client: FlaskClient) -> None:
    page = Page(client.get("/docs"))
    assert page.attribute("meta", "content", name="color-scheme") == ["light dark"]
    [style] = page.attribute("link", "href", rel="stylesheet")
    [*_, start] = page.attribute("script", "src")
    with client.get(str(style)) as styles, client.get(str(start)) as script:
        # The class of Swagger UI's own style sheet; a new version may rename it.
        assert "html.dark-mode .swagger-ui{" in styles.text
        assert 'classList.toggle("dark-mode", dark.matches)' in script.text


@pytest.mark.through_gateway
@table_driven("path", ["/docs", "/docs/problems"])
def test_a_trailing_slash_serves_the_same_page_without_a_redirect(client: FlaskClient, path: str) -> None:
    slashed = client.get(f"{path}/")
    assert (slashed.status_code, slashed.data) == (200, client.get(path).data)


@pytest.mark.through_gateway
@PAGES
def test_head_returns_the_headers_of_get(client: FlaskClient, path: str) -> None:
    read, head = client.get(path), client.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == read.headers["Content-Length"]


@table_driven(
    "path",
    ["/docs", "/docs/problems", "/docs/problems/busy", "/docs/swagger-ui/swagger-ui.css", "/docs/static/docs.css"],
)
def test_the_pages_refuse_other_methods(client: FlaskClient, refused: Callable[..., Any], path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = client.open(path, method=method)
        refused(response, 405, "method_not_allowed")
        assert {"GET", "HEAD"} <= set(response.headers["Allow"].split(", "))


@pytest.mark.through_gateway
@table_driven(
    "path",
    [
        "/docs//",
        "/docs/problems//",
        "/docs/../",
        "/docs/index.html",
        "/docs/swagger-ui",
        "/docs/swagger-ui/",
        "/docs/swagger-ui/unknown.js",
        "/docs/swagger-ui/../flask_swagger_ui.py",
        "/docs/swagger-ui/%2e%2e%2fflask_swagger_ui.py",
        "/docs/swagger-ui/%2e%2e/templates/index.template.html",
        "/docs/swagger-ui//etc/passwd",
        "/docs/swagger-ui/%00",
        "/docs/swagger-ui/%ff",
        "/docs/swagger-ui/.",
        pytest.param(f"/docs/swagger-ui/{'a' * 5000}", id="long"),
        "/docs/problems/unknown",
        "/docs/problems/<script>",
    ],
)
def test_unknown_files_are_not_found(client: FlaskClient, refused: Callable[..., Any], path: str) -> None:
    refused(client.get(path), 404, "not_found")
    assert client.head(path).status_code == 404


def test_swagger_ui_shows_the_served_document_without_an_external_validator(client: FlaskClient) -> None:
    page = Page(client.get("/docs"))
    assert [at["data-document"] for _, at in page.elements if "data-document" in at] == ["/api/openapi.json"]
    [*_, start] = [str(at["src"]) for tag, at in page.elements if tag == "script"]
    with client.get(start) as script:
        assert re.search(r"^ *validatorUrl: null,", script.text, re.MULTILINE)


@pytest.mark.through_gateway
@table_driven(
    ("path", "kinds"),
    [
        ("/docs/swagger-ui/swagger-ui-bundle.js", ("text/javascript", "application/javascript")),
        ("/docs/swagger-ui/swagger-ui.css", ("text/css",)),
        ("/docs/static/swagger_ui.js", ("text/javascript", "application/javascript")),
        ("/docs/static/favicon.svg", ("image/svg+xml",)),
    ],
)
def test_files_have_the_right_media_type_and_are_cached(client: FlaskClient, path: str, kinds: tuple[str, ...]) -> None:
    with client.get(path) as file:
        assert file.mimetype in kinds
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        with client.get(path, headers={"If-None-Match": file.headers["ETag"]}) as revalidated:
            assert revalidated.status_code == 304


class TestWithoutADatabase:
    @pytest.fixture
    def environ(self, tmp_path: Path) -> dict[str, str]:
        return {"INVSYS_DATABASE_URL": f"sqlite:///{tmp_path}/no/such/folder/x.sqlite3"}

    @pytest.mark.parametrize(
        "path", ["/docs", "/docs/problems", "/docs/problems/database_unavailable", "/api/openapi.json"]
    )
    def test_the_documentation_is_available(self, app: Flask, path: str) -> None:
        assert app.test_client().get(path).status_code == 200
        assert app.test_client().get("/api/cars").status_code == 503

    def test_the_page_is_available_and_the_list_says_why_it_is_not(self, app: Flask) -> None:
        client = app.test_client()
        assert client.get("/", headers=BROWSER).status_code == 200
        response = client.get("/table", headers=BROWSER)
        assert (response.status_code, response.mimetype) == (503, "text/html")
        assert "<h1>The service is not available at the moment</h1>" in response.text
        assert response.headers["Retry-After"]
        assert client.get("/table").mimetype == "application/problem+json"


def test_a_browser_that_uses_another_name_of_the_service_gets_a_page(client: FlaskClient) -> None:
    for path in ("/", "/table", "/unknown"):
        response = client.get(path, headers={**BROWSER, "Host": "attacker.example"})
        assert (response.status_code, response.mimetype) == (421, "text/html")
        assert "<h1>This name is not served here</h1>" in response.text
    response = client.get("/api/cars", headers={**BROWSER, "Host": "attacker.example"})
    assert (response.status_code, response.mimetype) == (421, "application/problem+json")
