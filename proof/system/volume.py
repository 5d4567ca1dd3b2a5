"""A small file system in memory that can be filled: the disk of a database."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def can_mount() -> bool:
    """Return whether this process may mount file systems: as root, unless the container forbids it."""
    if os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


class Volume:
    """A folder: a file system of its own if it has a size and this process may mount one, else a plain folder."""

    def __init__(self, folder: Path, mebibytes: int | None) -> None:
        self.folder, self._filler = folder, folder / "filler"
        self.mounted = False
        self._size = mebibytes

    def mount(self) -> None:
        """Create the folder, and mount the file system if that is possible."""
        self.folder.mkdir(parents=True)
        if self._size is not None and can_mount():
            options = f"size={self._size}m,mode=0755"
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "proof", str(self.folder)], check=True)
            self.mounted = True

    def unmount(self) -> None:
        """Remove the file system with its files; nothing may use it any more."""
        if self.mounted:
            # Lazily: a process that has just been killed may still hold a file.
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
            self.mounted = False

    def fill(self) -> None:
        """Occupy all space that is left."""
        with self._filler.open("ab") as file:
            pages = os.fstatvfs(file.fileno()).f_bavail
            # Others may have taken some of them.
            while pages > 0:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, pages * _PAGE)
                except OSError:
                    pages //= 2

    def empty(self) -> None:
        """Free the space that ``fill`` occupied."""
        with suppress(FileNotFoundError):
            self._filler.unlink()
