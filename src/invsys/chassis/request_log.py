"""The log: one JSON object a line, on standard error or in a file, and one line for every request."""

import contextlib
import json
import logging
import logging.handlers
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Flask, Response, g, has_request_context, request

from invsys.chassis import request_id
from invsys.chassis.settings import Section, SettingsError

logger = logging.getLogger("invsys.requests")


class LogFile(logging.handlers.WatchedFileHandler):
    """A file that is opened anew where it was moved away, as logrotate does, by each process by itself."""

    def write(self, text: str) -> None:
        """Append a text that is no log record; raises OSError."""
        with self.lock or contextlib.nullcontext():
            self.reopenIfNeeded()
            self.stream = self.stream or self._open()
            self.stream.write(text)
            self.flush()


# Where the lines go instead of to standard error.
_file: LogFile | None = None


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


def configure(log: Section) -> None:
    """Send every log record where the settings' section ``log`` says; raises SettingsError."""
    global _file  # noqa: PLW0603 - a process has one log
    _file = open_file(log)
    handler = _file or logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=log["level"].upper(), handlers=[handler], force=True)


def open_file(log: Section) -> LogFile | None:
    """Open the file that the settings' section ``log`` names, if it names one; raises SettingsError."""
    if not log["file"]:
        return None
    try:
        return LogFile(log["file"], encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"[log] file: cannot be written: {error}") from error


def register(app: Flask, more: Callable[[], dict[str, Any]] = dict) -> None:
    """Log every request of ``app``; health and metrics, which are asked every few seconds, at debug level.

    ``more`` gives what a service adds to the line. ``metrics`` has to be registered after it: that is where the time is
    taken.
    """

    @app.after_request
    def log(answer: Response) -> Response:
        level = logging.DEBUG if request.path in ("/healthz", "/readyz", "/metrics") else logging.INFO
        if logger.isEnabledFor(level):
            # Straight to where it goes: a LogRecord for each request costs more than the line itself.
            # What was done is done, whether or not the line about it finds a place.
            with contextlib.suppress(OSError, ValueError):
                (_file or sys.stderr).write(_line({**_fields(answer, level), **more()}) + "\n")
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
