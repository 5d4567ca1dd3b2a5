"""Records of a CSV file (RFC 4180): the cells of each, or why it has none."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from invsys.inventory.transfer.text_lines import MAX_LINE, TOO_LONG, CutLine

# Lines that one record may span, within quotes; all together they are no longer than MAX_LINE characters.
_MAX_LINES = 1000

# Messages of the csv module by their beginnings, and the messages of this one.
_FAULTS = {
    "unexpected end of data": "a quote is opened and not closed",
    "new-line character seen": "a carriage return (CR) outside of quotes; lines end with LF or CR LF",
    "field larger than": f"a cell of more than {csv.field_size_limit()} characters",
}


@dataclass(frozen=True, slots=True)
class Record:
    """A record: the number of its first line, its text, and its cells or its fault."""

    number: int
    text: str
    cells: list[str] = field(default_factory=list)
    fault: str | None = None

    @property
    def is_blank(self) -> bool:
        """Whether the record has no fault, and no cell with anything in it."""
        return self.fault is None and not any(cell.strip() for cell in self.cells)


def records(texts: Iterable[str]) -> Iterator[Record]:
    """Yield the records of lines.

    A record may span lines, within quotes. If it is not valid CSV, only its first line is at fault, and the next
    line is read as the beginning of another record.
    """
    lines = _Lines(texts)
    while not lines.at_end():
        yield lines.record()


class _Lines:
    """Lines that are taken for a record, and given back if they make none."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = iter(texts)
        self._pending: deque[str] = deque()
        self._taken: list[str] = []
        self._number = 1

    def at_end(self) -> bool:
        if not self._pending and (text := next(self._texts, None)) is not None:
            self._pending.append(text)
        return not self._pending

    def record(self) -> Record:
        """Return the record that begins with the next line."""
        self._taken = []
        try:
            cells = next(csv.reader(self._take(), strict=True))
        except (csv.Error, StopIteration) as error:
            first, *rest = self._taken or [self._pending.popleft()]
            self._pending.extendleft(reversed(rest))
            record = Record(self._number, first, fault=_fault(first, str(error)))
            self._number += 1
            return record
        text = "".join(self._taken)
        record = Record(self._number, text, cells, "a NUL character" if "\0" in text else None)
        self._number += len(self._taken)
        return record

    def _take(self) -> Iterator[str]:
        size = 0
        while len(self._taken) < _MAX_LINES and not self.at_end():
            size += len(self._pending[0])
            if size > MAX_LINE or isinstance(self._pending[0], CutLine):
                return
            self._taken.append(self._pending.popleft())
            yield self._taken[-1]


def _fault(line: str, message: str) -> str:
    if isinstance(line, CutLine):
        return TOO_LONG
    return next((fault for beginning, fault in _FAULTS.items() if message.startswith(beginning)), message)
