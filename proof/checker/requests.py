"""What a request asked for, compared with an answer or an event."""

from typing import Any

Row = dict[str, Any]

_INSTANTS = ("from_datetime", "to_datetime")
_COPIED = ("reference", "description", "name", "attributes", "closed_from", *_INSTANTS, "from_infinity", "to_infinity")


def mismatch(kind: str, body: Any, vehicle: str | None, rows: list[Row]) -> str | None:
    """Return how the rows differ from the body of their request, None if they do not; ``vehicle`` is that of the path.

    ``kind`` is the kind of the call.
    """
    if kind == "change_list":
        changes = body["changes"]
        if [change["id"] for change in changes] != [row["id"] for row in rows]:
            return "the answer has other allocations than the list"
        pairs = zip(changes, rows, strict=True)
        return next((text for change, row in pairs if (text := _differs(change, row)) is not None), None)
    return _wrong_create(kind, body, vehicle, rows) or next(
        (text for row in rows if (text := _differs(body, row)) is not None), None
    )


def _wrong_create(kind: str, body: Row, vehicle: str | None, rows: list[Row]) -> str | None:
    """Return how new allocations differ from what every create makes; None for other kinds."""
    if kind not in ("create", "any"):
        return None
    held = "held" if "hold_seconds" in body else "confirmed"
    if len(rows) != body.get("quantity", 1) or len({row["resource_id"] for row in rows}) != len(rows):
        return f"{len(rows)} allocations on {len({row['resource_id'] for row in rows})} vehicles"
    for row in rows:
        if row["status"] != held or row["version"] != 1:
            return f"{row['status']} and version {row['version']}"
        if kind == "create" and row["resource_id"] != vehicle:
            return f"on vehicle {row['resource_id']}"
    return None


def _differs(body: Row, row: Row) -> str | None:
    for name in _COPIED:
        if name in body and body[name] is not None and body[name] is not False and body[name] != row[name]:
            return f"{name} is {row[name]!r}"
    if body.get("closed_from", "") is None and row["closed_from"] is not None:
        return "the vehicle is still closed"
    if body.get("resource_id", "any") != "any" and body["resource_id"] != row["resource_id"]:
        return f"on vehicle {row['resource_id']}"
    if body.get("status") == "confirmed" and row["status"] != "confirmed":
        return "not confirmed"
    return None
