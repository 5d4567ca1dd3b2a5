"""The Content-Security-Policy of a blueprint's pages."""

from flask import Blueprint, Response


def enforce(blueprint: Blueprint, policy: str) -> None:
    """Send ``policy`` as the Content-Security-Policy of every response of ``blueprint`` that has none of its own."""

    @blueprint.after_request
    def add_header(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        return response
