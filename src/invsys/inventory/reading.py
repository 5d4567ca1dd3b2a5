"""Reading what is to be imported: CSV or JSON Lines, one ``Line`` for each, whatever is wrong with it."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from invsys.chassis import strict_json

COLUMNS = (
    "resource_type",
    "name",
    "attributes",
    "from_datetime",
    "to_datetime",
    "from_infinity",
    "to_infinity",
    "allocation_type",
    "description",
    "dump",
    "client_id",
)

# Cells of a CSV file that are not plain text.
_JSON_CELLS = frozenset({"attributes", "from_infinity", "to_infinity", "dump"})
# Lines that one record of a CSV file may span.
_LONGEST_RECORD = 1000


class UnusableFile(Exception):
    """The file as a whole cannot be read; the message says why."""


@dataclass
class Line:
    """One line of the file: its number, its text, and the fields that it holds, or why it holds none."""

    number: int
    text: str
    fields: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None


def opened(file: str) -> IO[bytes]:
    """Open a file of lines; raises UnusableFile."""
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise UnusableFile(f"{file}: {error.strerror}") from error


def lines(file: str, source: Iterable[bytes]) -> Iterator[Line]:
    """Give the lines of ``source``, in the form that the name of the file tells: JSON Lines, else CSV.

    Raises UnusableFile where a CSV file does not begin with its columns.
    """
    read = _json_lines if Path(file).suffix in (".jsonl", ".ndjson") else _csv_lines
    return read(_decoded(source))


def _decoded(source: Iterable[bytes]) -> Iterator[str]:
    for number, raw in enumerate(source):
        # What is not UTF-8 becomes lone surrogates here, and a refused line further on.
        text = raw.decode("utf-8", "surrogateescape")
        yield text if number else text.removeprefix("\ufeff")


def _json_lines(texts: Iterable[str]) -> Iterator[Line]:
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        line = Line(number, text.strip())
        try:
            value = strict_json.loads(text.encode("utf-8", "surrogateescape"))
        except strict_json.MalformedJson as error:
            line.fault = str(error)
        else:
            line.fields, line.fault = (value, None) if isinstance(value, dict) else ({}, "not a JSON object")
        yield line


def _csv_lines(texts: Iterable[str]) -> Iterator[Line]:
    records = _csv_records(texts)
    columns = _header(next(records, None))
    for number, text, cells, fault in records:
        if fault is not None:
            yield Line(number, text.strip(), fault=fault)
        elif cells:
            yield _csv_line(number, columns, cells)


def _csv_records(texts: Iterable[str]) -> Iterator[tuple[int, str, list[str], str | None]]:
    """Give (number of its first line, that line, cells, fault) of each record.

    A record may span lines, within quotes. Where one is no CSV, such as with a quote that nobody closes, its first line
    alone is at fault, and the next is read as a record of its own.
    """
    pending: deque[str] = deque()
    source = iter(texts)
    number = 1

    def taking() -> Iterator[str]:
        while len(taken) < _LONGEST_RECORD:
            line = pending.popleft() if pending else next(source, None)
            if line is None:
                return
            taken.append(line)
            yield line

    while True:
        taken: list[str] = []
        try:
            cells = next(csv.reader(taking(), strict=True))
        except StopIteration:
            return
        except csv.Error as error:
            pending.extendleft(reversed(taken[1:]))
            yield number, taken[0], [], str(error)
            number += 1
        else:
            yield number, taken[0], cells, None
            number += len(taken)


def _header(first: tuple[int, str, list[str], str | None] | None) -> list[str]:
    _, _, cells, fault = first or (1, "", [], None)
    if fault is not None:
        raise UnusableFile(f"the first line is not CSV: {fault}")
    columns = [name.strip() for name in cells]
    if missing := {"resource_type", "name"} - set(columns):
        raise UnusableFile(f"the first line has to name the columns; it lacks {', '.join(sorted(missing))}")
    if unknown := set(columns) - set(COLUMNS):
        raise UnusableFile(f"unknown columns: {', '.join(sorted(unknown))}; known are {', '.join(COLUMNS)}")
    return columns


def _csv_line(number: int, columns: Sequence[str], cells: Sequence[str]) -> Line:
    line = Line(number, ",".join(cells))
    if len(cells) != len(columns):
        line.fault = f"{len(cells)} cells for {len(columns)} columns"
        return line
    for name, cell in zip(columns, cells, strict=True):
        if not cell:
            continue
        try:
            line.fields[name] = _cell(name, cell)
        except ValueError as error:
            line.fault = f"{name}: {error}"
    return line


def _cell(name: str, cell: str) -> Any:
    raw = cell.encode("utf-8")  # a UnicodeEncodeError, which is a ValueError, where the file was not UTF-8
    return strict_json.loads(raw.lower() if name.endswith("_infinity") else raw) if name in _JSON_CELLS else cell
