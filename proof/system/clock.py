"""The clock of the services: libfaketime lets it be stepped while they run, without changing the machine's clock."""

from pathlib import Path

# From the Debian package libfaketime.
_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    """A clock that is read from a file by processes started with ``environ``; intervals are not affected."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.available = bool(_LIBRARIES)
        self.step(0)

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables of processes that use this clock."""
        if not self.available:
            return {}
        return {
            "LD_PRELOAD": str(_LIBRARIES[-1]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Seconds after which a process reads the file again.
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: int) -> None:
        """Set the clock ``seconds`` before (negative) or after the machine's clock."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(f"{seconds:+d}\n")
        temporary.replace(self._file)
