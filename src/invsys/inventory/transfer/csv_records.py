"""Records of a CSV file (RFC 4180), each with its cells or an error message."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from invsys.inventory.transfer.text_lines import MAX_LINE, TOO_LONG, TruncatedLine

# The most lines that one record may span, within quotes; together they have at most MAX_LINE characters.
_MAX_LINES = 1000

# Messages for users, by the beginning of the message of the csv module.
_MESSAGES = {
    "unexpected end of data": "a quotation mark is not closed",
    "new-line character seen": "a carriage return (CR) outside quotation marks; lines end with LF or CR LF",
    "field larger than": f"a cell with more than {csv.field_size_limit()} characters",
}


@dataclass(frozen=True, slots=True)
class Record:
    """A record: the number of its first line, its text, and its cells or an error message, ``error``."""

    number: int
    text: str
    cells: list[str] = field(default_factory=list)
    error: str | None = None

    @property
    def is_blank(self) -> bool:
        """Whether the record is valid and all its cells are empty."""
        return self.error is None and not any(cell.strip() for cell in self.cells)


def records(texts: Iterable[str]) -> Iterator[Record]:
    """Yield the records in the lines of a file.

    A quoted cell can span several lines. If a record is not valid CSV, only its first line becomes an invalid record;
    the next line is read as the beginning of another record.
    """
    lines = _Lines(texts)
    while not lines.at_end():
        yield lines.record()


class _Lines:
    """The lines of a file, read record by record. The lines of an invalid record are read again, except the first."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = iter(texts)
        self._pending: deque[str] = deque()
        self._consumed: list[str] = []
        self._number = 1

    def at_end(self) -> bool:
        if not self._pending and (text := next(self._texts, None)) is not None:
            self._pending.append(text)
        return not self._pending

    def record(self) -> Record:
        """Return the record that begins with the next line."""
        self._consumed = []
        try:
            cells = next(csv.reader(self._consume(), strict=True))
        except (csv.Error, StopIteration) as error:
            first, *rest = self._consumed or [self._pending.popleft()]
            self._pending.extendleft(reversed(rest))
            record = Record(self._number, first, error=_error_message(first, str(error)))
            self._number += 1
            return record
        text = "".join(self._consumed)
        record = Record(self._number, text, cells, "a NUL character is not allowed" if "\0" in text else None)
        self._number += len(self._consumed)
        return record

    def _consume(self) -> Iterator[str]:
        size = 0
        while len(self._consumed) < _MAX_LINES and not self.at_end():
            size += len(self._pending[0])
            if size > MAX_LINE or isinstance(self._pending[0], TruncatedLine):
                return
            self._consumed.append(self._pending.popleft())
            yield self._consumed[-1]


def _error_message(line: str, message: str) -> str:
    if isinstance(line, TruncatedLine):
        return TOO_LONG
    return next((text for beginning, text in _MESSAGES.items() if message.startswith(beginning)), message)
