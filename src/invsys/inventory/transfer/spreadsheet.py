"""Escapes CSV cells that a spreadsheet would read as formulas.

https://owasp.org/www-community/attacks/CSV_Injection lists the characters with which such cells begin. ``escape`` adds
a ``'`` before these cells, and before cells that look escaped, so ``unescape`` restores every cell exactly.
"""

import re

# A file with a column of this name has escaped cells; the column itself is empty.
MARK = "safe_for_spreadsheets"

_BEGINNINGS = r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_TO_ESCAPE = re.compile(rf"'*{_BEGINNINGS}")
_ESCAPED = re.compile(rf"'+{_BEGINNINGS}")


def escape(cell: str) -> str:
    """Return the cell, escaped if a spreadsheet would read it as a formula."""
    return f"'{cell}" if _TO_ESCAPE.match(cell) else cell


def unescape(cell: str) -> str:
    """Return the cell that was passed to ``escape``."""
    return cell[1:] if _ESCAPED.match(cell) else cell
