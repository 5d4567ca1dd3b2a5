"""What a browser may do with what a blueprint serves."""

from flask import Blueprint, Response


def enforce(blueprint: Blueprint, policy: str) -> None:
    """Send ``policy``, a Content-Security-Policy, with every answer of ``blueprint``; no browser guesses its types."""

    @blueprint.after_request
    def guard(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = policy
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer
