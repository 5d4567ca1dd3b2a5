"""The fleet page at ``/``: a shell without data, whose scripts call the API, and the list at ``/table``."""

import base64
import hashlib
import json
from pathlib import Path

import rcssmin
import rjsmin
from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request, url_for

from invsys.chassis.http import csp, static_files
from invsys.inventory.ui import table

# Only files of this origin are loaded, and scripts cannot create markup from strings (Trusted Types). The shell adds
# the digest of its import map.
_POLICY = (
    "default-src 'none'; script-src 'self'{digest}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_MODULES = tuple(sorted(path.name for path in (Path(__file__).parent / "static").glob("*.js")))

_blueprint = Blueprint("page", __name__, template_folder="templates")
csp.enforce(_blueprint, _POLICY.format(digest=""))
# Without comments and indents, the page takes 24 % fewer bytes on the wire.
static_files.serve(_blueprint, minifiers={".js": rjsmin.jsmin, ".css": rcssmin.cssmin})


def register(app: Flask) -> None:
    """Register the page, the list and their static files."""
    app.register_blueprint(_blueprint)
    app.register_blueprint(table.blueprint)


@_blueprint.get("/")
def show() -> Response:
    """Show the shell, which is the same for every request. The page's script reads the query."""
    if "page.shell" not in current_app.extensions:
        current_app.extensions["page.shell"] = _shell()
    html, policy = current_app.extensions["page.shell"]
    response = make_response(html)
    response.headers["Content-Security-Policy"] = policy
    return response


def _shell() -> tuple[str, str]:
    """Return the HTML of the shell, and its Content-Security-Policy."""
    modules = [_relative("page.static", name) for name in _MODULES]
    # Modules import each other by the URLs without a version; the import map adds it (HTML standard, "import maps").
    import_map = json.dumps({"imports": {url.partition("?")[0]: url for url in modules}})
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    html = render_template(
        "shell.html",
        modules=modules,
        import_map=import_map,
        relative=_relative,
        collections=current_app.config["COLLECTIONS"],
    )
    return html, _POLICY.format(digest=f" 'sha256-{digest}'")


def _relative(endpoint: str, filename: str) -> str:
    """Return the URL of a file relative to the page, so that the shell is the same under every path prefix."""
    return f".{url_for(endpoint, filename=filename).removeprefix(request.script_root)}"
