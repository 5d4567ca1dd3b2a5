"""The log: one JSON object a line on standard error, and one line for every request."""

import contextlib
import json
import logging
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask, Response, g, has_request_context, request

from invsys.chassis import request_id

logger = logging.getLogger("invsys.requests")


class JsonLines(logging.Formatter):
    """Write a record as one JSON object; what was passed as ``extra={"fields": {...}}`` becomes its members."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line, without its end."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if has_request_context():
            line["request_id"] = request_id.current()
        if record.exc_info:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return _line(line)


def configure(level: str) -> None:
    """Send every log record from ``level`` up to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def register(app: Flask, more: Callable[[], dict[str, Any]] = dict) -> None:
    """Log every request of ``app``; health and metrics, which are asked every few seconds, at debug level.

    ``more`` gives what a service adds to the line. ``metrics`` has to be registered after it: that is where the time is
    taken.
    """

    @app.after_request
    def log(answer: Response) -> Response:
        level = logging.DEBUG if request.path in ("/healthz", "/readyz", "/metrics") else logging.INFO
        if logger.isEnabledFor(level):
            # Straight to standard error: a LogRecord for each request costs more than the line itself.
            # What was done is done, whether or not the line about it finds a place.
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(_line({**_fields(answer, level), **more()}) + "\n")
        return answer


def _fields(answer: Response, level: int) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": logging.getLevelName(level).lower(),
        "logger": logger.name,
        "message": "request",
        "method": request.method,
        "path": request.path,
        "status": answer.status_code,
        "milliseconds": round(g.seconds * 1000, 3),
        "remote": request.remote_addr,
        "request_id": request_id.current(),
    }


def _line(fields: dict[str, Any]) -> str:
    try:
        return orjson.dumps(fields, default=str).decode()
    except orjson.JSONEncodeError:
        # Text that is not UTF-8, such as a file's name: escaped, and not lost.
        return json.dumps(fields, default=str, skipkeys=True)
