"""A PostgreSQL primary and its synchronous standby, set up as docs/source/failover.rst describes."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.conftest import PostgreSQL, child_processes, migrate
from tests.support.ports import free_port
from tests.support.waiting import SECONDS, until


class Member(PostgreSQL):
    """A server of the cluster that accepts TCP connections: a primary, or a standby copied from ``leader``."""

    def __init__(self, name: str, leader: "Member | None" = None) -> None:
        self.name, self.port = name, free_port()
        self._leader, self._runs = leader, False
        super().__init__()

    def _initialise(self) -> None:
        if self._leader is None:
            super()._initialise()
            # pg_rewind needs hint bits in the WAL, and the WAL from before the servers diverged.
            with (self._data / "postgresql.conf").open("a") as settings:
                settings.write("wal_log_hints = on\nwal_keep_size = 1GB\n")
        else:
            self._run("pg_basebackup", "-d", self._leader.url(), "--checkpoint=fast", "--write-recovery-conf")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@{self.address}/{database}"

    def start(self, *options: str) -> None:
        self._wait_for_exit()
        # The primary identifies a standby by its cluster_name.
        super().start("listen_addresses=127.0.0.1", f"port={self.port}", f"cluster_name={self.name}", *options)
        self._runs = True

    def stop(self, mode: str = "immediate") -> None:
        super().stop(mode)
        self._runs = False

    def _wait_for_exit(self) -> None:
        # A killed process counts as running until its parent reaps it.
        file = self._data / "postmaster.pid"
        until(lambda: not file.exists() or not Path("/proc", file.read_text().split()[0]).exists())

    def wait_for(self, follower: "Member") -> None:
        """Make commits wait until ``follower`` has them on disk; return once it is a synchronous standby."""
        self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{follower.name}'")
        self.execute("SELECT pg_reload_conf()")
        until(lambda: self.query("SELECT sync_state FROM pg_stat_replication") == ["sync"])

    def query(self, statement: str) -> list[object]:
        with psycopg.connect(self.url()) as connection:
            return [value for (value,) in connection.execute(statement)]

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "-t", str(SECONDS), "promote")
        # This server has no standby yet, but the configuration that it copied from the primary may require one.
        self.execute("ALTER SYSTEM RESET synchronous_standby_names")
        self.execute("SELECT pg_reload_conf()")

    def rewind(self, leader: "Member") -> None:
        """Discard the changes that only this stopped server has, and make it a standby of ``leader``."""
        self._wait_for_exit()
        # Without a checkpoint, pg_rewind may see both servers on one timeline and do nothing.
        leader.execute("CHECKPOINT")
        self._run("pg_rewind", "--write-recovery-conf", f"--source-server={leader.url()}")

    def kill(self) -> None:
        """Kill all processes of the server at once; do nothing if it is not running."""
        if not self._runs:
            return
        first = self._postmaster
        # Suspend the postmaster first and kill it last: meanwhile it starts no process, and no process id is released.
        os.kill(first, signal.SIGSTOP)
        processes = [*child_processes(first), first]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{process}/exe").exists() for process in processes))
        self._runs = False

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)


@contextmanager
def pair() -> Iterator[tuple[Member, Member]]:
    """Yield a primary with a migrated database, and a synchronous standby of it."""
    primary = Member("db1")
    primary.start()
    migrate(primary.url())
    standby = Member("db2", leader=primary)
    standby.start()
    primary.wait_for(standby)
    yield primary, standby
    primary.remove()
    standby.remove()
