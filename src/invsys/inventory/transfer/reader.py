"""Reads a CSV or JSON Lines file: one ``Line`` for each record, valid or invalid."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any

from invsys.chassis.formats import strict_json
from invsys.inventory.transfer import spreadsheet
from invsys.inventory.transfer.columns import REPORT_COLUMNS, Header, parse_cell, read_header
from invsys.inventory.transfer.csv_records import Record, records
from invsys.inventory.transfer.text_lines import TOO_LONG, TruncatedLine, UnusableFile, text_lines


@dataclass
class Line:
    """A line of the file: its number, and its fields or an error message, ``error``.

    ``source`` is the line for the report: the cells by column (CSV) or the object (JSON Lines), or the text if the line
    could not be parsed.
    """

    number: int
    source: dict[str, Any] | str
    fields: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Contents:
    """The lines of a file; ``columns`` are the columns of a CSV file, None for JSON Lines."""

    lines: Iterator[Line]
    columns: tuple[str, ...] | None


def open_file(file: str) -> IO[bytes]:
    """Open a file to import; raises UnusableFile."""
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise UnusableFile(f"{error.strerror}") from error


def contents(file: str, source: IO[bytes], progress: Callable[[int], object]) -> Contents:
    """Return the lines of ``source``.

    The format is JSON Lines if ``file`` ends with .jsonl or .ndjson or if the first line begins with ``{``, otherwise
    CSV. ``progress`` is called with the size of each line. Raises UnusableFile, also while the lines are iterated.
    """
    texts = text_lines(source, progress)
    first = next(texts, "")
    texts = chain([first] if first else [], texts)
    if Path(file).suffix.lower() in (".jsonl", ".ndjson") or first.lstrip().startswith("{"):
        return Contents(_json_lines(texts), None)
    rows = (record for record in records(texts) if not record.is_blank)
    header = read_header(next(rows, None))
    return Contents((_csv_line(record, header) for record in rows), header.data_columns)


def _json_lines(texts: Iterator[str]) -> Iterator[Line]:
    for number, text in enumerate(texts, 1):
        if isinstance(text, TruncatedLine):
            yield Line(number, text, error=TOO_LONG)
        elif text.strip():
            yield _json_line(number, text.strip())


def _json_line(number: int, text: str) -> Line:
    try:
        value = strict_json.loads(text.encode())
    except strict_json.MalformedJson as error:
        # Without "line 1": the parser sees one line, and the report shows the line number of the file.
        return Line(number, text, error=str(error).replace(" at line 1, column ", " at column "))
    if not isinstance(value, dict):
        return Line(number, text, error="not a JSON object")
    fields = {name: member for name, member in value.items() if name not in REPORT_COLUMNS}
    return Line(number, fields, fields)


def _csv_line(record: Record, header: Header) -> Line:
    if record.error is not None:
        return Line(record.number, record.text.strip(), error=record.error)
    if any(cell.strip() for cell in record.cells[len(header.columns) :]):
        error = f"{len(record.cells)} cells in {len(header.columns)} columns"
        return Line(record.number, record.text.strip(), error=error)
    # Spreadsheets omit trailing empty cells, or add some.
    cells = dict(zip(header.columns, record.cells, strict=False))
    if header.is_escaped:
        cells = {name: spreadsheet.unescape(cell) for name, cell in cells.items()}
    line = Line(record.number, {name: cells.get(name, "") for name in header.data_columns})
    for name in header.data_columns:
        if cells.get(name):
            try:
                line.fields[name] = parse_cell(name, cells[name])
            except strict_json.MalformedJson as error:
                line.error = f"{name}: {error}"
    return line
