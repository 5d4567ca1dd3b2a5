"""The columns of a CSV file: their names, the header, and how cells are parsed and formatted.

The members of JSON Lines objects have the same names.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from invsys.chassis.formats import strict_json
from invsys.inventory.transfer import spreadsheet
from invsys.inventory.transfer.csv_records import Record
from invsys.inventory.transfer.text_lines import UnusableFile

REQUIRED = ("resource_type", "name")
COLUMNS = (
    *REQUIRED,
    "attributes",
    "closed_from",
    "from_datetime",
    "to_datetime",
    "from_infinity",
    "to_infinity",
    "allocation_type",
    "description",
    "reference",
    "dump",
    "client_id",
)
# The columns whose cells contain JSON.
_JSON_COLUMNS = frozenset({"attributes", "from_infinity", "to_infinity", "dump"})
# Additional columns of a report of refused lines; import ignores them.
REPORT_COLUMNS = ("line", "reason")

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Header:
    """The header of a CSV file: the names of its columns, in order."""

    columns: tuple[str, ...]

    @property
    def is_escaped(self) -> bool:
        """Whether the cells are escaped for spreadsheets."""
        return spreadsheet.MARK in self.columns

    @property
    def data_columns(self) -> tuple[str, ...]:
        """The columns that the import reads."""
        return tuple(name for name in self.columns if name in COLUMNS)


def read_header(record: Record | None) -> Header:
    """Parse the first record of a file; raises UnusableFile if it is not a valid header."""
    if record is None:
        raise UnusableFile(f"the file is empty; its first line must name the columns: {', '.join(COLUMNS)}")
    line = f"line {record.number}"
    columns = [name.strip() for name in record.cells]
    while columns and not columns[-1]:
        columns.pop()
    if missing := [name for name in REQUIRED if name not in columns]:
        missing_columns = f"must name the columns; missing: {', '.join(missing)}"
        error = None if record.error is None else f"is not CSV: {record.error}"
        raise UnusableFile(f"{line} {_other_format(record.text) or error or missing_columns}")
    if "" in columns:
        raise UnusableFile(f"{line} has no name for column {columns.index('') + 1}")
    valid = {*COLUMNS, *REPORT_COLUMNS, spreadsheet.MARK}
    if unknown := [name for name in columns if name not in valid]:
        raise UnusableFile(f"{line} has unknown columns: {', '.join(unknown)}; valid columns are {', '.join(COLUMNS)}")
    if duplicates := [name for name, count in Counter(columns).items() if count > 1]:
        raise UnusableFile(f"{line} has duplicate columns: {', '.join(duplicates)}")
    return Header(tuple(columns))


def _other_format(text: str) -> str | None:
    """Return a message if the first line belongs to another common format, otherwise None."""
    if text.lower().startswith("sep="):
        return "is 'sep=', which only Excel reads; delete this line and separate the columns with commas"
    if text.lstrip().startswith("["):
        return "begins a JSON array; write one object per line (JSON Lines)"
    for separator, name in _SEPARATORS.items():
        if {*REQUIRED} <= {cell.strip().strip('"') for cell in text.split(separator)}:
            return f"separates the columns with {name}; use commas"
    return None


def parse_cell(name: str, cell: str) -> Any:
    """Return the value of a cell in the column ``name``; raises ``strict_json.MalformedJson``."""
    if name not in _JSON_COLUMNS:
        return cell
    # Spreadsheets write TRUE and FALSE.
    return strict_json.loads((cell.lower() if name.endswith("_infinity") else cell).encode())


def format_cell(value: Any) -> str:
    """Return a value as the text of a cell: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
