"""The service's own check passes, and no fault had a problem of its own."""

from collections.abc import Iterator

from proof.checker.model import History
from proof.checker.timelines import Timelines


def check_passes(history: History, timelines: Timelines) -> Iterator[str]:
    """``invsys-manage check`` passes after the run."""
    if history.check_status != 0:
        yield f"status {history.check_status}: {history.check_output.strip()}"


def faults_recover(history: History, timelines: Timelines) -> Iterator[str]:
    """After each fault the system recovers, and backups made beside the load can be restored without a loss."""
    for fault in history.faults:
        if fault.get("problem"):
            yield f"{fault['name']}: {fault['problem']}"
