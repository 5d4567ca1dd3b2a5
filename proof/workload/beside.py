"""The commands that operators run beside the load: import and purge."""

import json
import random
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from proof.history import files
from proof.history.call import CallRecord
from proof.workload import timetable

# Rows of one imported file.
_ROWS = 6
_IMPORTED = {0, 1}


class System(Protocol):
    """The started system; ``urls`` have the attributes ``url`` and ``headers``."""

    engine: Any
    urls: Any

    def manage(self, *arguments: str, text: str | None = None) -> Any:
        """Run a command and return the completed process."""


class Beside(threading.Thread):
    """A thread that runs an import and a purge every ``pause`` seconds, at most ``times``, until it is stopped."""

    def __init__(self, stack: System, folder: Path, seed: int, pause: float, times: int) -> None:
        super().__init__(name="beside")
        self._stack, self._folder, self._pause, self._times = stack, folder, pause, times
        self._stopped = threading.Event()
        self._chance = random.Random(f"{seed}-beside")

    def run(self) -> None:
        """Run the commands."""
        with files.Writer(files.calls_path(self._folder, "beside")) as writer:
            for number in range(1, self._times + 1):
                if self._stopped.wait(self._pause):
                    break
                writer.write(self._import(number))
                writer.write(self._purge(number))

    def stop(self) -> None:
        """Wait until the current command has ended."""
        self._stopped.set()
        self.join()

    def _import(self, number: int) -> CallRecord:
        rows = [self._row(f"import-{number}-{line}") for line in range(1, _ROWS + 1)]
        report = self._folder / f"import-{number}.refused.jsonl"
        record = self._record("import", number, rows)
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        process = self._stack.manage("import", "-", "--report", str(report), text=text)
        # With any other status, some batches may have been imported.
        record |= {"end": time.monotonic(), "reason": process.stderr[-500:]}
        record["status"] = process.returncode if process.returncode in _IMPORTED else None
        record["answer"] = [line["line"] for line in files.read_lines(report)]
        return record

    def _purge(self, number: int) -> CallRecord:
        record = self._record("purge", number, None)
        process = self._stack.manage("purge")
        record |= {"end": time.monotonic(), "reason": process.stderr[-500:], "answer": None}
        record["status"] = process.returncode if process.returncode == 0 else None
        return record

    def _record(self, operation: str, number: int, body: Any) -> CallRecord:
        record: CallRecord = {"request_id": f"{operation}-{number}", "operation": operation, "method": "COMMAND"}
        record |= {"path": operation, "body": body, "key": None, "if_match": None, "begin": time.monotonic()}
        return record

    def _row(self, reference: str) -> dict[str, Any]:
        collection = self._chance.choice(list(timetable.TYPES))
        name = f"{collection}-{self._chance.randrange(2)}"
        row = {"resource_type": timetable.TYPES[collection], "name": name, "reference": reference}
        return row | timetable.period(collection, self._chance)
