"""The columns of a CSV file, which are the members of a JSON Lines object too, and the header that names them."""

from collections import Counter
from dataclasses import dataclass

from invsys.inventory.transfer import spreadsheet
from invsys.inventory.transfer.csv_records import Record
from invsys.inventory.transfer.text_lines import UnusableFile

REQUIRED = ("resource_type", "name")
COLUMNS = (
    *REQUIRED,
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
# Columns that a report of refused lines has in addition; they are not read.
REPORTED = ("line", "reason")

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Header:
    """The columns by position, and whether the cells are escaped for spreadsheets."""

    columns: tuple[str, ...]

    @property
    def is_escaped(self) -> bool:
        """Whether ``spreadsheet.unescape`` restores the cells."""
        return spreadsheet.MARK in self.columns

    @property
    def data_columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(name for name in self.columns if name in COLUMNS)


def read_header(record: Record | None) -> Header:
    """Return the header that the first record of a file is; raises UnusableFile."""
    if record is None:
        raise UnusableFile(f"the file is empty; its first line has to name the columns: {', '.join(COLUMNS)}")
    line = f"line {record.number}"
    columns = [name.strip() for name in record.cells]
    while columns and not columns[-1]:
        columns.pop()
    if missing := [name for name in REQUIRED if name not in columns]:
        lack = f"has to name the columns; it lacks {', '.join(missing)}"
        fault = None if record.fault is None else f"is not CSV: {record.fault}"
        raise UnusableFile(f"{line} {_another_form(record.text) or fault or lack}")
    if "" in columns:
        raise UnusableFile(f"{line} has no name for column {columns.index('') + 1}")
    known = {*COLUMNS, *REPORTED, spreadsheet.MARK}
    if unknown := [name for name in columns if name not in known]:
        raise UnusableFile(f"{line} has unknown columns: {', '.join(unknown)}; known are {', '.join(COLUMNS)}")
    if twice := [name for name, times in Counter(columns).items() if times > 1]:
        raise UnusableFile(f"{line} names a column twice: {', '.join(twice)}")
    return Header(tuple(columns))


def _another_form(text: str) -> str | None:
    """Return a description of a first line that belongs to a known form other than CSV with commas."""
    if text.lower().startswith("sep="):
        return "is 'sep=', which only Excel reads; delete this line, and separate the columns by commas"
    if text.lstrip().startswith("["):
        return "begins a JSON array; write one object per line (JSON Lines)"
    for separator, name in _SEPARATORS.items():
        if {*REQUIRED} <= {cell.strip().strip('"') for cell in text.split(separator)}:
            return f"separates the columns by {name}; separate them by commas"
    return None
