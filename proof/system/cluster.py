"""A PostgreSQL primary and its synchronous standby, set up and failed over as docs/source/failover.rst describes."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from benchmarks.databases import as_postgres, binaries
from benchmarks.processes import child_processes, free_port
from psycopg.rows import dict_row

from proof.system.server import send_signal
from proof.system.volume import Volume
from proof.system.waiting import until

DATABASE = "proof"

# fsync and synchronous_commit keep their default, on. pg_rewind needs hint bits in the WAL, and the WAL from before the
# servers diverged.
_OPTIONS = (
    "max_connections=200",
    "shared_buffers=128MB",
    "max_wal_size=128MB",
    "wal_keep_size=128MB",
    "wal_log_hints=on",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    # A standby tries again after this time when the primary is back.
    "wal_retrieve_retry_interval=500ms",
)
# Mebibytes.
_DATA, _WAL = 1024, 512


class Member:
    """A server of the cluster, with its data and its write-ahead log on volumes of their own."""

    def __init__(self, name: str, folder: Path, *, with_volumes: bool) -> None:
        self.name, self.port = name, free_port()
        data, wal = (_DATA, _WAL) if with_volumes else (None, None)
        self.data, self.wal = Volume(folder / name, data), Volume(folder / f"{name}-wal", wal)
        self._folder = self.data.folder / "data"
        self._log = folder / f"{name}.log"

    def prepare(self) -> None:
        """Create the volumes and the log."""
        for volume in (self.data, self.wal):
            volume.mount()
        self._log.touch()
        if as_postgres():
            for path in (self.data.folder, self.wal.folder, self._log):
                shutil.chown(path, "postgres", "postgres")

    def initialise(self) -> None:
        """Create an empty cluster of databases."""
        words = ("--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8")
        self._run("initdb", *words, f"--waldir={self.wal.folder / 'wal'}")

    def copy(self, leader: "Member") -> None:
        """Become a copy of ``leader``, which follows it once it is started."""
        for folder in (self._folder, self.wal.folder / "wal"):
            shutil.rmtree(folder, ignore_errors=True)
        where = ("-d", leader.url("postgres"), f"--waldir={self.wal.folder / 'wal'}")
        self._run("pg_basebackup", *where, "--checkpoint=fast", "--write-recovery-conf")

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = " ".join(f"-c {option}" for option in (*_OPTIONS, f"port={self.port}", f"cluster_name={self.name}"))
        self._run("pg_ctl", "-w", "-t", "120", "-l", str(self._log), "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server if it runs: ``immediate`` without a checkpoint, ``fast`` with one."""
        if self.runs():
            self._run("pg_ctl", "-w", "-m", mode, "stop")

    def runs(self) -> bool:
        """Return whether the server runs."""
        return self._attempt("pg_ctl", "status").returncode == 0

    def suspend(self) -> None:
        """Suspend every process of the server: connections stay open, and nothing responds."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the processes continue."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        first = int((self._folder / "postmaster.pid").read_text().split()[0])
        for pid in (first, *child_processes(first)):
            send_signal(pid, number)

    def ensure_running(self) -> None:
        """Wait until the server accepts connections; start it if it has ended."""
        until(self._accepts_or_starts, f"{self.name} accepts connections")

    def _accepts_or_starts(self) -> bool:
        # While it recovers from a crash it runs, and may still end.
        with suppress(psycopg.OperationalError, RuntimeError):
            if not self.runs():
                self.start()
            return bool(self.query("SELECT 1"))
        return False

    def promote(self) -> None:
        """Make this standby the primary; no standby follows it yet, so it must not wait for one."""
        self._run("pg_ctl", "-w", "promote")
        self.execute("ALTER SYSTEM RESET synchronous_standby_names")
        self.execute("SELECT pg_reload_conf()")

    def follow(self, leader: "Member") -> None:
        """Discard the changes that only this stopped server has, and start it as a standby of ``leader``."""
        # Without a checkpoint, pg_rewind may see both servers on one timeline and do nothing.
        leader.execute("CHECKPOINT")
        words = ("--write-recovery-conf", f"--source-server={leader.url('postgres')}")
        if self._attempt("pg_rewind", *words).returncode != 0:
            self.copy(leader)
        self.start()

    def wait_for(self, follower: "Member") -> None:
        """Make commits wait until ``follower`` has them on disk; return once it is a synchronous standby."""
        self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{follower.name}'")
        self.execute("SELECT pg_reload_conf()")
        until(lambda: self.standby_state() == "sync", f"{follower.name} follows {self.name}")

    def standby_state(self) -> str | None:
        """Return how the standby follows this server; None if there is no standby."""
        rows = self.query("SELECT sync_state FROM pg_stat_replication")
        return rows[0]["sync_state"] if rows else None

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database on this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Execute a statement on its own."""
        with self._connection(database) as connection:
            connection.execute(statement.encode())

    def query(self, statement: str, database: str = "postgres") -> list[dict[str, Any]]:
        """Return the rows of a query."""
        with self._connection(database) as connection:
            return connection.cursor(row_factory=dict_row).execute(statement.encode()).fetchall()

    @contextmanager
    def _connection(self, database: str) -> Iterator["psycopg.Connection[Any]"]:
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=10) as connection:
            yield connection

    def _run(self, program: str, *arguments: str) -> None:
        process = self._attempt(program, *arguments)
        if process.returncode != 0:
            raise RuntimeError(f"{self.name}: {program} ended with status {process.returncode}; see {self._log}")

    def _attempt(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        command = [*as_postgres(), str(binaries() / program), "-D", str(self._folder), *arguments]
        # Not a pipe: a server that pg_ctl starts would keep its write end open.
        with self._log.open("ab") as log:
            return subprocess.run(
                command, cwd=self.data.folder, check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


class Cluster:
    """The two servers, which change places at a failover. If it is not ``full``: a primary alone, on plain folders."""

    def __init__(self, folder: Path, *, full: bool = True) -> None:
        names = ("db1", "db2") if full else ("db1",)
        self.members = [Member(name, folder, with_volumes=full) for name in names]
        # The first is the primary.
        self._order = list(self.members)

    @property
    def primary(self) -> Member:
        """The server that accepts changes."""
        return self._order[0]

    @property
    def standby(self) -> Member:
        """The server that follows the primary."""
        return self._order[1]

    def start(self) -> None:
        """Create the servers and start them; from then on, commits wait for the standby."""
        for member in self.members:
            member.prepare()
        self.primary.initialise()
        self.primary.start()
        if len(self.members) > 1:
            self.standby.copy(self.primary)
            self.standby.start()
            self.primary.wait_for(self.standby)

    def stop(self) -> None:
        """Stop the servers and remove their files, as far as they are in memory."""
        for member in self.members:
            member.stop()
            for volume in (member.data, member.wal):
                volume.unmount()

    def restart(self, mode: str) -> None:
        """Stop the primary, ``immediate`` or ``fast``, and start it again."""
        self.primary.stop(mode)
        self.primary.start()

    def fail_over(self) -> None:
        """Promote the standby of a primary that has been stopped."""
        self._order.reverse()
        self.primary.promote()

    def rejoin(self) -> None:
        """Make the old primary the standby of the new one, and let commits wait for it."""
        self.standby.follow(self.primary)
        self.primary.wait_for(self.standby)
