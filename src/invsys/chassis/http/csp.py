"""What a browser may do with what a blueprint serves."""

from flask import Blueprint, Response


def enforce(blueprint: Blueprint, policy: str) -> None:
    """Send ``policy``, a Content-Security-Policy, with every response of ``blueprint``."""

    @blueprint.after_request
    def guard(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = policy
        return answer
