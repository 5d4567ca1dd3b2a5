"""The lines of the log: one JSON object each, with limits on the length of the values that a caller controls."""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import has_request_context

from invsys.chassis.http import request_id
from invsys.chassis.ops import trace_context

# The maximum length of each value, in characters. Messages and exceptions may quote a request.
PATH = 512
METHOD = 32
USER_AGENT = 256
MESSAGE = 2_000
EXCEPTION = 16_000

ELLIPSIS = "..."

# Escape sequences for colours (ECMA-48, section 8.3.117).
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def truncate(text: str, limit: int) -> str:
    """Return a text, truncated to ``limit`` characters; a truncated text ends with ``ELLIPSIS``."""
    return text if len(text) <= limit else text[: limit - len(ELLIPSIS)] + ELLIPSIS


def truncate_middle(text: str, limit: int) -> str:
    """Truncate a text in the middle to ``limit`` characters; a separate line with ``ELLIPSIS`` marks the gap."""
    if len(text) <= limit:
        return text
    mark = f"\n{ELLIPSIS}\n"
    side = (limit - len(mark)) // 2
    return text[:side] + mark + text[-side:]


def printable(text: str) -> str:
    """Return a text with its control characters escaped as in Python source code."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def now() -> str:
    """Return the current time in the format of the log: ISO 8601 in UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def dumps(fields: dict[str, Any]) -> str:
    """Return a line of the log, without the newline."""
    try:
        return orjson.dumps(fields, default=str).decode()
    except orjson.JSONEncodeError:
        # orjson refuses text with lone surrogates, such as a file name that is not UTF-8; json escapes them.
        return json.dumps(fields, default=str, skipkeys=True)


class PlainText(logging.Formatter):
    """Formats messages of the development server for a terminal: plain text, without Werkzeug's colours."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message without escape sequences."""
        return _ESCAPES.sub("", super().format(record))


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; ``extra={"fields": {...}}`` adds members to it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, without the newline."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": truncate(record.getMessage(), MESSAGE),
        }
        for name, value in getattr(record, "fields", {}).items():
            line[name] = truncate(value, MESSAGE) if isinstance(value, str) else value
        if has_request_context():
            line["request_id"] = request_id.current()
            if (context := trace_context.current()) is not None:
                line |= context.log_members()
        if record.exc_info:
            line["exception"] = truncate_middle("".join(traceback.format_exception(*record.exc_info)), EXCEPTION)
        return dumps(line)
