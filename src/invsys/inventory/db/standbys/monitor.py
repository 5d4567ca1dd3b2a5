"""The threads that note the positions of the primary, and check the standbys, in each process that serves requests."""

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.inventory.db.standbys import positions
from invsys.inventory.db.standbys.positions import Primary
from invsys.inventory.db.standbys.standby import Standby
from invsys.inventory.errors import UnusableDatabase

logger = logging.getLogger("invsys.inventory")


class Monitor:
    """One thread for each server, so that a server that does not answer delays no other check."""

    def __init__(self, primary: Primary, engine: Engine, standbys: Sequence[Standby], interval: float) -> None:
        self._primary = primary
        self._engine = engine
        self._standbys = standbys
        self._interval = interval
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pid: int | None = None

    def ensure_running(self) -> None:
        """Start the threads unless this process has them; a fork does not copy threads."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            self._stop = threading.Event()
            tasks = [self._note_position, *(standby.check for standby in self._standbys)]
            self._threads = [
                threading.Thread(target=self._repeat, args=[task, self._stop], name="standbys", daemon=True)
                for task in tasks
            ]
            for thread in self._threads:
                thread.start()
            self._pid = os.getpid()

    def stop(self) -> None:
        """End the threads, for example before the connections are closed; ``ensure_running`` starts them again."""
        with self._lock:
            self._stop.set()
            for thread in self._threads if self._pid == os.getpid() else ():
                thread.join()
            self._threads, self._pid = [], None

    def _repeat(self, task: Callable[[], None], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                task()
            except Exception:
                # Otherwise one unexpected error would switch the standbys off until the next restart.
                logger.exception("A check of the standbys failed.")
            stop.wait(self._interval)

    def _note_position(self) -> None:
        at = time.monotonic()
        try:
            with self._engine.connect() as connection:
                self._primary.add(at, positions.of_primary(positions.driver_of(connection)))
        except (DBAPIError, PoolTimeout, UnusableDatabase):
            # The requests that need the primary report its failure. Without new positions, the answers of standbys get
            # old, and are not used any more.
            return
