"""Changes of the clients' file: clients made, their keys replaced and revoked.

What the operator wrote into the file beside, comments included, stays. The file is replaced as a whole, so that no
reader ever sees half of it, and keeps its owner and mode.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from configupdater import ConfigUpdater
from configupdater import Section as IniSection

from invsys.chassis.config import data_home
from invsys.gateway.auth import api_keys, clients_file
from invsys.gateway.auth.clients_file import UnusableClients


class RefusedChange(Exception):
    """The change makes no sense; the message says why."""


_NEW = "; The clients of the gateway. Keys are kept as SHA-256 only; invsys-gateway-manage client makes them.\n"


def add(
    path: Path,
    name: str,
    scopes: list[str],
    rate: str | None = None,
    concurrent: int | None = None,
    write_rate: str | None = None,
) -> str:
    """Make a client, and return its API key; raises UnusableClients, RefusedChange."""
    given = {
        "scopes": " ".join(scopes),
        "rate": rate,
        "write_rate": write_rate,
        "concurrent": None if concurrent is None else str(concurrent),
    }
    said = {option: value for option, value in given.items() if value is not None}
    try:
        clients_file.read_client(name, said)
    except ValueError as error:
        raise RefusedChange(str(error)) from error
    key = api_keys.new()
    _create_folder(path.parent)
    with _changed(path) as updater:
        if updater.has_section(name):
            raise RefusedChange(f"there is a client {name} already")
        if sections := updater.section_blocks():
            sections[-1].add_after.space().section(name)
        else:
            updater.add_section(name)
        for option, value in {**said, f"key.{key.prefix}": key.digest.hex()}.items():
            updater[name][option] = value
    return key.text


def rotate(path: Path, name: str, keep: timedelta) -> str:
    """Make a new key for a client, and give it; those that it had count for ``keep`` more.

    Raises UnusableClients, RefusedChange.
    """
    key = api_keys.new()
    until = datetime.now(UTC).replace(microsecond=0) + keep
    with _changed(path) as updater:
        section = _section(updater, name)
        for option in _keys(section):
            kept, known_until = clients_file.read_key(str(section[option].value))
            if keep <= timedelta() or (known_until is not None and known_until <= datetime.now(UTC)):
                del section[option]
            elif known_until is None or known_until > until:
                section[option].value = f"{kept.hex()}, until {until.isoformat()}"
        section[f"key.{key.prefix}"] = key.digest.hex()
    return key.text


def revoke(path: Path, name: str, prefix: str | None = None) -> None:
    """Take one key from a client, or (``prefix`` None) the whole client; raises UnusableClients, RefusedChange."""
    with _changed(path) as updater:
        section = _section(updater, name)
        if prefix is None:
            updater.remove_section(name)
        elif f"key.{prefix}" not in section:
            raise RefusedChange(f"the client {name} has no key {prefix}")
        else:
            del section[f"key.{prefix}"]


def _create_folder(folder: Path) -> None:
    """Create the folder of the file where it is missing, for its owner only; raises UnusableClients."""
    try:
        data_home.create(folder)
    except OSError as error:
        raise UnusableClients(f"{folder}: cannot be created: {error.strerror}") from error


def _section(updater: ConfigUpdater, name: str) -> IniSection:
    if not updater.has_section(name):
        raise RefusedChange(f"there is no client {name}")
    return updater[name]


def _keys(section: IniSection) -> list[str]:
    return [option for option in section.options() if option.startswith("key.")]


@contextlib.contextmanager
def _changed(path: Path) -> Iterator[ConfigUpdater]:
    """Give the file for changes, to one process at a time, and replace it if they leave it usable."""
    path = path.resolve()
    with _locked(path.parent) as folder:
        clients_file.load(path)
        updater = ConfigUpdater()
        updater.read_string(path.read_text("utf-8") if path.exists() else _NEW)
        yield updater
        text = str(updater)
        clients_file.read(text)
        _replace(path, text)
        os.fsync(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int]:
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UnusableClients(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)


def _replace(path: Path, text: str) -> None:
    try:
        opened, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(opened, "w", encoding="utf-8") as file:
                _give(file.fileno(), path)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UnusableClients(f"{path}: cannot be written: {error.strerror}") from error


def _give(opened: int, path: Path) -> None:
    """Give the file its owner and mode: those of ``path``, or where root makes it anew, the folder's owner."""
    if path.exists():
        found = path.stat()
        os.fchown(opened, found.st_uid, found.st_gid)
        os.fchmod(opened, found.st_mode & 0o777)
    elif os.geteuid() == 0:
        found = path.parent.stat()
        os.fchown(opened, found.st_uid, found.st_gid)
