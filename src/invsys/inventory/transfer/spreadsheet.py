"""Cells of CSV files that a spreadsheet must not take for formulas, and back.

https://owasp.org/www-community/attacks/CSV_Injection lists the beginnings. ``escape`` puts a ``'`` before each
such cell, and before each that already looks escaped, so that ``unescape`` restores every cell exactly.
"""

import re

# Files with a column of this name have escaped cells; the column itself is empty.
MARK = "safe_for_spreadsheets"

_BEGINNINGS = r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_TO_ESCAPE = re.compile(rf"'*{_BEGINNINGS}")
_ESCAPED = re.compile(rf"'+{_BEGINNINGS}")


def escape(cell: str) -> str:
    """Return the cell as text for a spreadsheet."""
    return f"'{cell}" if _TO_ESCAPE.match(cell) else cell


def unescape(cell: str) -> str:
    """Return the cell from which ``escape`` made this one."""
    return cell[1:] if _ESCAPED.match(cell) else cell
