"""``/docs``: Swagger UI, from the files of flask-swagger-ui, on the service's own OpenAPI document."""

from importlib import resources

from flask import Blueprint, render_template

from invsys.chassis.http import csp

# As strict as Swagger UI runs. Its style sheet has pictures written into it (data:), and a picture that came as an
# answer to "Try it out" is shown from memory (blob:).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def blueprint() -> Blueprint:
    """Make the blueprint of the page and of Swagger UI's files.

    Not the library's own blueprint: its page has a script inside, which no strict policy lets run.
    """
    files = str(resources.files("flask_swagger_ui") / "dist")
    made = Blueprint("swagger_ui", __name__, url_prefix="/docs", static_folder=files, static_url_path="/swagger-ui")
    made.add_url_rule("", "show", _show, strict_slashes=False)
    csp.enforce(made, _POLICY)
    return made


def _show() -> str:
    return render_template("documentation/swagger_ui.html")
