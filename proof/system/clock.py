"""The clock of the services, which can be stepped while they run, without changing the machine's clock.

A small library, compiled from clock.c, adds a number of seconds to the time of day of the processes that load it.
libfaketime cannot be used: it also replaces ``clock_nanosleep``, and Python's ``time.sleep`` then fails since 3.11.
"""

import shutil
import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")
_STEP = struct.Struct("=q")


class Clock:
    """A clock for the processes that are started with ``environ``; intervals are not affected."""

    def __init__(self, folder: Path) -> None:
        self._file, self._library = folder / "clock", folder / "clock.so"
        self._file.write_bytes(_STEP.pack(0))
        compiler = shutil.which("cc")
        self.available = compiler is not None
        if compiler is not None:
            command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE), "-ldl"]
            subprocess.run(command, check=True)

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables of processes that use this clock."""
        return {"LD_PRELOAD": str(self._library), "PROOF_CLOCK": str(self._file)} if self.available else {}

    def step(self, seconds: int) -> None:
        """Set the clock ``seconds`` before (negative) or after the machine's clock, at once."""
        with self._file.open("r+b") as file:
            file.write(_STEP.pack(seconds))
