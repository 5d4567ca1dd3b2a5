"""What people read about a service, under ``/docs``: a page for each problem, and Swagger UI on its OpenAPI document.

Both come from the service itself: nothing is fetched from elsewhere.
"""

from flask import Flask

from invsys.chassis.documentation import problem_pages, swagger_ui


def register(app: Flask, document: str | None = None) -> None:
    """Serve the problem pages and, where ``app`` has an OpenAPI document at the path ``document``, Swagger UI on it."""
    app.config["OPENAPI_DOCUMENT"] = document
    app.register_blueprint(problem_pages.blueprint)
    if document is not None:
        app.register_blueprint(swagger_ui.blueprint())
