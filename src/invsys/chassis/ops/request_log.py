"""The log: one JSON object a line, on standard error or in a file, and one line for every request.

A caller cannot make it grow without bounds: long values are cut (``log_lines``). Of equal refusals of one address
within a second the first one is logged and the others are counted. The same holds for identical warnings.
"""

import contextlib
import logging
import logging.handlers
import sys
from collections.abc import Callable, Hashable
from multiprocessing import util
from typing import Any

from flask import Flask, Response, g, request

from invsys.chassis.access import proxies
from invsys.chassis.config.settings import Section, SettingsError
from invsys.chassis.http import request_id
from invsys.chassis.ops import health, log_lines
from invsys.chassis.ops.log_lines import METHOD, PATH, JsonLines, PlainText, cut
from invsys.chassis.ops.repeats import WINDOW, Repeats

logger = logging.getLogger("invsys.requests")

# Statuses that a caller can cause at any rate.
_REFUSALS = frozenset({400, 401, 421, 429})
# Addresses, and messages, that are counted separately within a second, at most.
_MOST_ADDRESSES = 10_000
_MOST_MESSAGES = 100


class LogFile(logging.handlers.WatchedFileHandler):
    """A file that is opened anew where it was moved away, as logrotate does, by each process by itself."""

    def write(self, text: str) -> None:
        """Append a text that is no log record; raises OSError."""
        with self.lock or contextlib.nullcontext():
            self.reopenIfNeeded()
            self.stream = self.stream or self._open()
            self.stream.write(text)
            self.flush()


class Log:
    """The output of the lines, a file or standard error, and the counts of lines that are not logged."""

    def __init__(self, file: LogFile | None = None) -> None:
        self._file = file
        self.refusals = Repeats(_MOST_ADDRESSES, self._report_refusals)
        self.messages = Repeats(_MOST_MESSAGES, self._report_messages)

    def write(self, fields: dict[str, Any]) -> None:
        """Write a line. If that fails, the line is lost: the request was done, and must not fail."""
        with contextlib.suppress(OSError, ValueError):
            (self._file or sys.stderr).write(log_lines.dumps(fields) + "\n")

    def flush(self, *, at_once: bool = False) -> None:
        """Write the summaries of repeated lines if their second is over, or if ``at_once``."""
        self.refusals.flush(at_once=at_once)
        self.messages.flush(at_once=at_once)

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
    """Drops and counts a warning or error that is repeated within a second, unless it has an exception.

    Operators look up the exception of an internal error by the caller's ``request_id``.
    """

    def __init__(self, messages: Repeats) -> None:
        super().__init__()
        self._messages = messages

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged."""
        if record.levelno < logging.WARNING or record.exc_info:
            return True
        key = record.levelname.lower(), record.name, cut(record.getMessage(), log_lines.MESSAGE)
        return self._messages.is_first(key)


_log = Log()


def configure(log: Section) -> None:
    """Send every log record where the settings' section ``log`` says; raises SettingsError."""
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
    """Print what Werkzeug's development server says, such as its address, as plain lines on standard error.

    The production server never logs there.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainText())
    werkzeug = logging.getLogger("werkzeug")
    werkzeug.handlers, werkzeug.propagate = [handler], False


def flush() -> None:
    """Write the summaries of repeated lines at once."""
    _log.flush(at_once=True)


# At the end of the process. The server's workers are forked by multiprocessing, and such a process runs no atexit.
util.Finalize(None, flush, exitpriority=0)


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

    ``more`` returns the fields that a service adds to the line, of bounded size. ``metrics`` has to be registered after
    it, because it measures the time that the line has.
    """

    @app.after_request
    def log(answer: Response) -> Response:
        if _log.refusals.pending or _log.messages.pending:
            _log.flush()
        level = logging.DEBUG if request.path in health.FOR_OPERATORS else logging.INFO
        if logger.isEnabledFor(level):
            added = more()
            if answer.status_code not in _REFUSALS or _is_first(answer.status_code, added):
                # Straight to where it goes: a LogRecord for each request costs more than the line itself.
                _log.write({**_fields(answer, level), **added})
        return answer


def _is_first(status: int, added: dict[str, Any]) -> bool:
    """Return whether this refusal is the first of its address, and of its client where there is one, in a second."""
    key = [("remote", proxies.address_key()), ("status", status)]
    if client := added.get("client"):
        key.append(("client", client))
    return _log.refusals.is_first(tuple(key))


def _fields(answer: Response, level: int) -> dict[str, Any]:
    method, path = request.method, request.path
    return {
        "at": log_lines.now(),
        "level": logging.getLevelName(level).lower(),
        "logger": logger.name,
        "message": "request",
        "method": method if len(method) <= METHOD else cut(method, METHOD),
        "path": path if len(path) <= PATH else cut(path, PATH),
        "status": answer.status_code,
        "milliseconds": round(g.seconds * 1000, 3),
        "remote": request.remote_addr,
        "request_id": request_id.current(),
    }
