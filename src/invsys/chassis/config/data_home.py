"""The user's data folder, which replaces ``$XDG_DATA_HOME`` in the value of a setting.

The default paths are in this folder (XDG Base Directory Specification), so that they do not depend on the working
directory of a command.
"""

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "$XDG_DATA_HOME"


def folder(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_DATA_HOME`` if it is an absolute path, otherwise ``~/.local/share``.

    Raises RuntimeError if the user has no home directory.
    """
    set_by_user = Path(environ.get(VARIABLE.removeprefix("$"), ""))
    if set_by_user.is_absolute():
        return set_by_user
    home = Path(environ["HOME"]) if environ.get("HOME") else _home()
    return home / ".local" / "share"


def create(folder: Path) -> None:
    """Create a folder and its missing parents, accessible only to their owner; raises OSError."""
    if not folder.exists():
        # ``parents=True`` would set the mode of the last folder only.
        create(folder.parent)
        folder.mkdir(0o700, exist_ok=True)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise RuntimeError(f"this user has no home directory; set this, or {VARIABLE.removeprefix('$')}") from None
