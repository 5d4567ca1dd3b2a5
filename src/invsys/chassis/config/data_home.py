"""The folder of a user's data: ``$XDG_DATA_HOME`` in a setting (XDG Base Directory Specification).

Default paths are below it, so that they do not depend on the folder in which a command is run.
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


def create(folder: Path) -> None:
    """Create a folder and its parents where they are missing, each for its owner only; raises OSError."""
    if not folder.exists():
        # Not by ``parents=True``, which gives only the last one this mode.
        create(folder.parent)
        folder.mkdir(0o700, exist_ok=True)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise RuntimeError(f"this user has no home directory; set this, or {VARIABLE.removeprefix('$')}") from None
