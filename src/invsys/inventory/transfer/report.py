"""The report of refused lines, in the format of the imported file, so that it can be corrected and imported.

CSV: ``line``, ``reason`` and the columns of the file, with cells escaped for spreadsheets. JSON Lines: the objects of
the file, with ``line`` and ``reason``. The text of a line that could not be parsed is written as ``resource_type``
(CSV) or as the member ``text`` (JSON Lines), where another import refuses it again.
"""

import contextlib
import csv
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from invsys.inventory.transfer import spreadsheet
from invsys.inventory.transfer.columns import REPORT_COLUMNS
from invsys.inventory.transfer.text_lines import UnusableFile


class UnusableReport(UnusableFile):
    """The report cannot be written; the message contains the reason."""


class Report:
    """A file of refused lines. As a context manager, it removes a new file if no line was refused.

    ``columns`` are the columns of a CSV file; None means JSON Lines. ``source`` is the imported file, which the report
    must not overwrite. Raises UnusableReport, also from ``add`` and ``flush``.
    """

    def __init__(self, path: str, columns: tuple[str, ...] | None, source: IO[bytes]) -> None:
        self.path = path
        self._columns = columns
        self._is_new = not os.path.lexists(path)
        self._is_empty = True
        try:
            # Opening to append does not change an existing file.
            self._file = Path(path).open("a", encoding="utf-8", newline="")  # noqa: SIM115 - closed by _close
        except OSError as error:
            raise self._unusable(error) from error
        self._is_regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        try:
            self._require_usable(source)
        except UnusableReport:
            self._close()
            raise

    def _require_usable(self, source: IO[bytes]) -> None:
        if self._is_regular and _is_same(self._file, source):
            raise UnusableReport(f"cannot write the report {self.path}: it is the imported file")
        if not self._is_regular:
            # Write now, so that a device such as /dev/full fails before the first lines are in the database.
            self._begin()
            self._file.write("" if self._columns else "\n")  # a blank line, which the reader skips
            self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        # After a failed write, closing fails too.
        with contextlib.suppress(OSError):
            self._file.close()
            if self._is_new and self._is_empty and self._is_regular:
                Path(self.path).unlink()

    def add(self, number: int, reason: str, source: dict[str, Any] | str) -> None:
        """Write a refused line and the reason; ``source`` is the attribute of a ``reader.Line``."""
        try:
            if self._is_empty and self._is_regular:
                self._file.truncate(0)
                self._begin()
            self._is_empty = False
            self._write({"line": number, "reason": reason}, source)
        except OSError as error:
            raise self._unusable(error) from error

    def flush(self) -> None:
        """Flush the buffered lines."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._unusable(error) from error

    def _begin(self) -> None:
        if self._columns is not None:
            csv.writer(self._file, lineterminator="\n").writerow([*REPORT_COLUMNS, *self._columns, spreadsheet.MARK])

    def _write(self, reported: dict[str, Any], source: dict[str, Any] | str) -> None:
        if self._columns is None:
            members = source if isinstance(source, dict) else {"text": source}
            self._file.write(orjson.dumps(reported | members, option=orjson.OPT_APPEND_NEWLINE).decode())
            return
        cells = source if isinstance(source, dict) else {"resource_type": source}
        row = [*map(str, reported.values()), *(cells.get(name, "") for name in self._columns)]
        csv.writer(self._file, lineterminator="\n").writerow([*map(spreadsheet.escape, row), ""])

    def _unusable(self, error: OSError) -> UnusableReport:
        return UnusableReport(f"cannot write the report {self.path}: {error.strerror}")


def _is_same(report: IO[str], source: IO[bytes]) -> bool:
    try:
        return os.path.samestat(os.fstat(report.fileno()), os.fstat(source.fileno()))
    except OSError:  # standard input without a file descriptor
        return False
