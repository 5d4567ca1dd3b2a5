"""The pages under ``/docs``, one for each problem code and Swagger UI for the OpenAPI document; and error pages.

The service itself serves all files of these pages; the browser loads nothing from other hosts.
"""

from flask import Flask

from invsys.chassis.documentation import error_pages, problem_pages, swagger_ui


def register(app: Flask, document: str | None = None, home: str | None = None) -> None:
    """Serve the problem pages and, if ``document`` is the path of an OpenAPI document of ``app``, Swagger UI for it.

    Browsers get errors as pages. The pages link to ``home``, the path of the first page of the service, if it has one.
    """
    app.config["OPENAPI_DOCUMENT"] = document
    error_pages.register(app, home)
    app.register_blueprint(problem_pages.blueprint)
    if document is not None:
        app.register_blueprint(swagger_ui.blueprint())
