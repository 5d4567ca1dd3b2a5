"""The start of a command's program: Ctrl-C, and output that cannot be written, end it with one line.

This module imports no library, so that it handles Ctrl-C while the modules of the command are still loading.
"""

import contextlib
import errno
import importlib
import os
import signal
import sys
from typing import Any, NoReturn

# Exit statuses: as shells report a program that SIGINT has ended; a reader that has read enough; any other failure.
INTERRUPTED, READER_GONE, FAILED = 130, 1, 2

# Errors of writing. Python does not say of which file.
_OF_OUTPUT = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def run(program: str, module: str) -> NoReturn:
    """Import ``module``, call its ``main``, and exit with the status of that.

    ``program`` is the name in messages. An OSError with the name of a file is one line with status 2.
    """
    _open_closed()
    try:
        status = _call(module)
    except KeyboardInterrupt:
        # A second Ctrl-C ends the process at once, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _discard_output()
        status = _end(program, "interrupted", INTERRUPTED)
    except OSError as error:
        _discard_output()
        if error.filename is not None:
            status = _end(program, f"{error.filename}: {error.strerror}", FAILED)
        elif error.errno in _OF_OUTPUT:
            status = _end(program, f"the output cannot be written: {error.strerror}", _status(error))
        else:
            raise
    sys.exit(status)


def _open_closed() -> None:
    """Open the standard streams that the caller has closed; otherwise a database could get their descriptors.

    Writing to an output that was closed fails: a command that prints nothing succeeds, any other one does not.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - pathlib would take time to load; stays open
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: PTH123, SIM115 - the same
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the same


def _call(module: str) -> Any:
    """Return the exit status of a module's ``main``; raises OSError if its output cannot be written."""
    try:
        status = importlib.import_module(module).main()
    except SystemExit as ended:
        status = ended.code
    if (error := _flush()) is not None:
        raise error
    return status


def _flush() -> OSError | None:
    """Write what is left of the output; return the error if that fails. What was not written is still left then."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def _discard_output() -> None:
    """Discard what cannot be written, or Python would report the same error at its exit."""
    if _flush() is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _status(error: OSError) -> int:
    return READER_GONE if error.errno == errno.EPIPE else FAILED


def _end(program: str, message: str, status: int) -> int:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{program}: {message}\n")
        sys.stderr.flush()
    return status
