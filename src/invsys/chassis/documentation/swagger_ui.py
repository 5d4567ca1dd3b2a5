"""``/docs``: Swagger UI for the service's OpenAPI document, with the files of flask-swagger-ui."""

from importlib import resources

from flask import Blueprint, render_template

from invsys.chassis.http import csp, static_files

# The strictest policy with which Swagger UI works. Its style sheet embeds images (data:), and "Try it out" shows an
# image in a response from memory (blob:).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def blueprint() -> Blueprint:
    """Return the blueprint of the page and of Swagger UI's files.

    The page of the library's own blueprint has an inline script, which a strict policy forbids.
    """
    pages = Blueprint("swagger_ui", __name__, url_prefix="/docs")
    pages.add_url_rule("", "show", _show, strict_slashes=False)
    csp.enforce(pages, _POLICY)
    static_files.serve(pages, str(resources.files("flask_swagger_ui") / "dist"), "/swagger-ui")
    return pages


def _show() -> str:
    return render_template("documentation/swagger_ui.html")
