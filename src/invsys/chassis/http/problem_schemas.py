"""Problem documents as JSON schemas, for the OpenAPI documents that tell how requests can fail."""

from typing import Any

from invsys.chassis.http.problems import Problem

REQUEST_ID = {"type": "string", "pattern": "^[!-~]{1,128}$"}


def schema(kind: type[Problem], **more: Any) -> dict[str, Any]:
    """Describe the answer of a class of problems; ``more`` are the schemas of the members that its code adds."""
    members: dict[str, Any] = {
        "type": {"type": "string", "const": f"/docs/problems/{kind.code}"},
        "title": {"type": "string"},
        "status": {"type": "integer", "const": kind.status},
        "code": {"type": "string", "const": kind.code},
        "detail": {"type": "string"},
        "request_id": REQUEST_ID,
        **more,
    }
    return {"type": "object", "description": kind.__doc__, "properties": members, "required": sorted(members)}
