"""The pages under ``/docs``: a page for each problem code, and Swagger UI for the OpenAPI document.

The service itself serves all files of these pages; the browser loads nothing from other hosts.
"""

from flask import Flask

from invsys.chassis.documentation import problem_pages, swagger_ui


def register(app: Flask, document: str | None = None) -> None:
    """Serve the problem pages and, if ``document`` is the path of an OpenAPI document of ``app``, Swagger UI for it."""
    app.config["OPENAPI_DOCUMENT"] = document
    app.register_blueprint(problem_pages.blueprint)
    if document is not None:
        app.register_blueprint(swagger_ui.blueprint())
