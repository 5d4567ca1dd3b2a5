"""Servers of PostgreSQL, one of which follows the other and has to agree to each commit (docs/source/failover.rst)."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.conftest import PostgreSQL, children, migrate
from tests.support.serving import free_port
from tests.support.waiting import until


class Member(PostgreSQL):
    """A server of the cluster, reached over TCP; a new one, or a copy of the server that it is to follow."""

    def __init__(self, name: str, leader: "Member | None" = None) -> None:
        self.name, self.port = name, free_port()
        self._leader, self._runs = leader, False
        super().__init__()

    def _make(self) -> None:
        if self._leader is None:
            super()._make()
            # What pg_rewind goes by: what was changed, and the log from before the servers diverged.
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
        self._be_gone()
        # By the name of its cluster a follower is known.
        super().start("listen_addresses=127.0.0.1", f"port={self.port}", f"cluster_name={self.name}", *options)
        self._runs = True

    def _be_gone(self) -> None:
        # A process that was killed counts as running until it is taken note of.
        file = self._data / "postmaster.pid"
        until(lambda: not file.exists() or not Path("/proc", file.read_text().split()[0]).exists())

    def wait_for(self, follower: "Member") -> None:
        """From now on acknowledge no commit that ``follower`` has not on its disk; returns when it follows."""
        self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{follower.name}'")
        self.execute("SELECT pg_reload_conf()")
        until(lambda: self.ask("SELECT sync_state FROM pg_stat_replication") == ["sync"])

    def ask(self, question: str) -> list[object]:
        with psycopg.connect(self.url()) as connection:
            return [value for (value,) in connection.execute(question)]

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "promote")
        # Nobody follows yet; the setting may have come along with the copy.
        self.execute("ALTER SYSTEM RESET synchronous_standby_names")
        self.execute("SELECT pg_reload_conf()")

    def rewind(self, leader: "Member") -> None:
        """Take back what only this server has, which is stopped, and let it follow ``leader``."""
        self._be_gone()
        # Without it, pg_rewind may find both on one timeline, and nothing to do.
        leader.execute("CHECKPOINT")
        self._run("pg_rewind", "--write-recovery-conf", f"--source-server={leader.url()}")

    def kill(self) -> None:
        """Kill every process at once, as a loss of power does; nothing where none runs."""
        if not self._runs:
            return
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        # So that it starts none while they are listed.
        os.kill(first, signal.SIGSTOP)
        processes = [first, *children(first)]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{process}/exe").exists() for process in processes))
        self._runs = False

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)


@contextmanager
def pair() -> Iterator[tuple[Member, Member]]:
    """A primary with a migrated database, and a standby that has followed it so far."""
    primary = Member("db1")
    primary.start()
    migrate(primary.url())
    standby = Member("db2", leader=primary)
    standby.start()
    primary.wait_for(standby)
    yield primary, standby
    primary.remove()
    standby.remove()
