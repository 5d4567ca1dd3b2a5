"""The entry point of a command line program: reports Ctrl-C and output errors in one line.

This module imports no library, so that it also handles Ctrl-C while the modules of the command are loading.
"""

import contextlib
import errno
import importlib
import os
import signal
import sys
from typing import Any, NoReturn

# Exit statuses: SIGINT (128 + 2, as shells report it), a reader that closed the output pipe, any other failure.
INTERRUPTED, READER_GONE, FAILED = 130, 1, 2

# Errors of writing to an output. Python sets no file name in these exceptions.
_OUTPUT_ERRORS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


def run(program: str, module: str) -> NoReturn:
    """Import ``module``, call its ``main``, and exit with the status that it returns.

    ``program`` is the program's name in messages. An OSError with a file name is reported in one line, with status 2.
    """
    _reopen_closed_streams()
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
        elif error.errno in _OUTPUT_ERRORS:
            status = _end(program, f"the output cannot be written: {error.strerror}", _status(error))
        else:
            raise
    sys.exit(status)


def _reopen_closed_streams() -> None:
    """Open ``/dev/null`` for closed standard streams; otherwise a database file could get one of their descriptors.

    Writing to a closed standard output still fails, so only a command that prints nothing succeeds.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - pathlib loads slowly; the file must stay open
    if sys.stdout is None:
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: PTH123, SIM115 - the same
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the same


def _call(module: str) -> Any:
    """Call a module's ``main`` and return its exit status; raises OSError if its output cannot be written."""
    try:
        status = importlib.import_module(module).main()
    except SystemExit as ended:
        status = ended.code
    if (error := _flush()) is not None:
        raise error
    return status


def _flush() -> OSError | None:
    """Write the buffered output. Return the error if that fails; the buffer then keeps the unwritten part."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def _discard_output() -> None:
    """Discard output that cannot be written; otherwise Python reports the same error again at exit."""
    if _flush() is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _status(error: OSError) -> int:
    return READER_GONE if error.errno == errno.EPIPE else FAILED


def _end(program: str, message: str, status: int) -> int:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{program}: {message}\n")
        sys.stderr.flush()
    return status
