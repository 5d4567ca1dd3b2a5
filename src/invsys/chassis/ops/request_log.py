"""The log: one JSON object per line, on standard error or in a file. Each request is one line.

A caller cannot make the log grow without limit. Long values are truncated (``log_lines``). Of several refusals with the
same status (400, 401, 421 or 429) to the same address and client within a second, only the first is logged, and the
others are counted. The same applies to identical warnings and errors.
"""

import contextlib
import logging
import logging.handlers
import sys
from collections.abc import Callable, Hashable
from multiprocessing import util
from typing import Any

from flask import Flask, Response, g, request

from invsys.chassis import routes
from invsys.chassis.access import proxies
from invsys.chassis.config.settings import Section, SettingsError
from invsys.chassis.http import request_id
from invsys.chassis.http.responses import log_members
from invsys.chassis.ops import health, log_lines, trace_context
from invsys.chassis.ops.log_lines import METHOD, PATH, USER_AGENT, JsonLines, PlainText, printable, truncate
from invsys.chassis.ops.repeat_counter import WINDOW, RepeatCounter

logger = logging.getLogger("invsys.requests")

# Statuses that a caller can cause at any rate.
_REFUSALS = frozenset({400, 401, 421, 429})
# The maximum number of addresses and of messages that are counted separately within a second.
_MAX_ADDRESSES = 10_000
_MAX_MESSAGES = 100


class LogFile(logging.handlers.WatchedFileHandler):
    """A log file that each process reopens after it has been moved, for example by logrotate."""

    def write(self, text: str) -> None:
        """Append a text that is not a log record; raises OSError."""
        with self.lock or contextlib.nullcontext():
            self.reopenIfNeeded()
            self.stream = self.stream or self._open()
            self.stream.write(text)
            self.flush()


class Log:
    """The output of the log: a file or standard error.

    ``refusals`` and ``messages`` count repeated lines, which are not written.
    """

    def __init__(self, file: LogFile | None = None) -> None:
        self._file = file
        self.refusals = RepeatCounter(_MAX_ADDRESSES, self._report_refusals)
        self.messages = RepeatCounter(_MAX_MESSAGES, self._report_messages)

    def write(self, fields: dict[str, Any]) -> None:
        """Write a line. Errors are ignored: the request has been executed, and must not fail now."""
        with contextlib.suppress(OSError, ValueError):
            (self._file or sys.stderr).write(log_lines.dumps(fields) + "\n")

    def flush(self, *, force: bool = False) -> None:
        """Write the summaries of repeated lines if their counting window is over or ``force`` is true."""
        self.refusals.flush(force=force)
        self.messages.flush(force=force)

    def _report_refusals(self, key: Hashable, count: int) -> None:
        names = key if isinstance(key, tuple) else (("remote", "others"),)
        self.write(
            {
                "at": log_lines.now(),
                "level": "info",
                "logger": logger.name,
                "message": "repeated requests",
                **dict(names),
                "count": count,
                "seconds": WINDOW,
            }
        )

    def _report_messages(self, key: Hashable, count: int) -> None:
        level, name, message = key if isinstance(key, tuple) else ("warning", logger.name, "further messages")
        self.write(
            {
                "at": log_lines.now(),
                "level": level,
                "logger": name,
                "message": message,
                "repeated": count,
                "seconds": WINDOW,
            }
        )


class WithoutRepeats(logging.Filter):
    """Drops and counts warnings and errors that are repeated within a second, unless they have an exception.

    Exceptions are always logged, because operators look them up by the caller's ``request_id``.
    """

    def __init__(self, messages: RepeatCounter) -> None:
        super().__init__()
        self._messages = messages

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record."""
        if record.levelno < logging.WARNING or record.exc_info:
            return True
        key = record.levelname.lower(), record.name, truncate(record.getMessage(), log_lines.MESSAGE)
        return self._messages.is_first(key)


_log = Log()


def configure(log: Section) -> None:
    """Configure logging from the settings section ``log``: output, level and suppression of repeated warnings.

    Raises SettingsError.
    """
    global _log  # noqa: PLW0603 - a process has one log
    file = open_file(log)
    flush()
    _log = Log(file)
    handler = file or logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(WithoutRepeats(_log.messages))
    logging.basicConfig(level=log["level"].upper(), handlers=[handler], force=True)
    show_development_server()


def show_development_server() -> None:
    """Print the messages of Werkzeug's development server, such as its address, as plain text on standard error.

    The production server does not use Werkzeug's logger.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainText())
    werkzeug = logging.getLogger("werkzeug")
    werkzeug.handlers, werkzeug.propagate = [handler], False


def flush() -> None:
    """Write the summaries of repeated lines now."""
    _log.flush(force=True)


# Flush at the end of the process. multiprocessing forks the server's workers, and they do not run atexit handlers.
util.Finalize(None, flush, exitpriority=0)


def open_file(log: Section) -> LogFile | None:
    """Open the file of the settings section ``log``; return None if it is not set. Raises SettingsError."""
    if not log["file"]:
        return None
    try:
        return LogFile(log["file"], encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"[log] file: cannot be written: {error}") from error


def register(app: Flask, more: Callable[[], dict[str, Any]] = dict) -> None:
    """Log every request to ``app``; requests for health checks and metrics are frequent, and logged at debug level.

    ``more`` returns additional fields of the service, and a response can have its own ``log_members``
    (``chassis.http.responses``); both of limited size. Call ``metrics.register`` after this function,
    because the metrics measure the duration that is in the line.
    """

    @app.after_request
    def log(response: Response) -> Response:
        if _log.refusals.pending or _log.messages.pending:
            _log.flush()
        level = logging.DEBUG if request.path in health.FOR_OPERATORS else logging.INFO
        if logger.isEnabledFor(level):
            service_fields = more()
            if response.status_code not in _REFUSALS or _is_first(response.status_code, service_fields):
                # Written without a LogRecord, which would cost more than the line itself.
                _log.write({**_fields(response, level), **log_members(response), **service_fields})
        return response


def _is_first(status: int, service_fields: dict[str, Any]) -> bool:
    """Return whether this is the first refusal with this status for the address and the client within a second."""
    key = [("remote", proxies.address_key()), ("status", status)]
    if client := service_fields.get("client"):
        key.append(("client", client))
    return _log.refusals.is_first(tuple(key))


def _user_agent() -> str | None:
    agent: str | None = request.environ.get("HTTP_USER_AGENT")
    return None if agent is None else printable(truncate(agent, USER_AGENT))


def _fields(response: Response, level: int) -> dict[str, Any]:
    method, path, context = request.method, request.path, trace_context.current()
    return {
        "at": log_lines.now(),
        "level": logging.getLevelName(level).lower(),
        "logger": logger.name,
        "message": "request",
        "method": method if len(method) <= METHOD else truncate(method, METHOD),
        "path": path if len(path) <= PATH else truncate(path, PATH),
        "route": routes.current(),
        "status": response.status_code,
        "milliseconds": round(g.seconds * 1000, 3),
        "remote": request.remote_addr,
        "user_agent": _user_agent(),
        "request_id": request_id.current(),
        **(context.log_members() if context else {}),
    }
