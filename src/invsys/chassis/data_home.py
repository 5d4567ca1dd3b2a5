"""The folder of a user's data, for which a setting may have ``$XDG_DATA_HOME`` (XDG Base Directory Specification).

Defaults of files are below it, so that they do not depend on the folder in which a command is run.
"""

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "$XDG_DATA_HOME"


def folder(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_DATA_HOME`` if it is absolute, else ``~/.local/share``; raises RuntimeError if there is none."""
    set_by_user = Path(environ.get(VARIABLE.removeprefix("$"), ""))
    if set_by_user.is_absolute():
        return set_by_user
    home = Path(environ["HOME"]) if environ.get("HOME") else _home()
    return home / ".local" / "share"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise RuntimeError(f"this user has no home directory; set this, or {VARIABLE.removeprefix('$')}") from None
