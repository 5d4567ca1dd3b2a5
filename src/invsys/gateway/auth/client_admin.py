"""Changes to the clients file: add clients, rotate and revoke their keys.

Everything else in the file, including the operator's comments, is preserved. A change replaces the file atomically, so
that readers never see a partly written file. The new file has the owner and the mode of the old one.
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
from invsys.gateway.auth.clients_file import InvalidClientsFile


class ChangeRefused(Exception):
    """The change is not possible; the message gives the reason."""


_NEW_FILE = (
    "; The clients of the gateway. Only SHA-256 digests of the keys are stored;"
    " invsys-gateway-manage client generates the keys.\n"
)


def add(
    path: Path,
    name: str,
    scopes: list[str],
    rate: str | None = None,
    concurrent: int | None = None,
    write_rate: str | None = None,
) -> str:
    """Add a client and return its API key; raises InvalidClientsFile, ChangeRefused."""
    values = {
        "scopes": " ".join(scopes),
        "rate": rate,
        "write_rate": write_rate,
        "concurrent": None if concurrent is None else str(concurrent),
    }
    options = {option: value for option, value in values.items() if value is not None}
    try:
        clients_file.parse_client(name, options)
    except ValueError as error:
        raise ChangeRefused(str(error)) from error
    key = api_keys.generate()
    _create_folder(path.parent)
    with _updated(path) as updater:
        if updater.has_section(name):
            raise ChangeRefused(f"client {name} already exists")
        if sections := updater.section_blocks():
            sections[-1].add_after.space().section(name)
        else:
            updater.add_section(name)
        for option, value in {**options, f"key.{key.prefix}": key.digest.hex()}.items():
            updater[name][option] = value
    return key.text


def rotate(path: Path, name: str, keep: timedelta) -> str:
    """Add a new key to a client and return it; the client's previous keys stay valid for at most ``keep``.

    Raises InvalidClientsFile, ChangeRefused.
    """
    key = api_keys.generate()
    expires = datetime.now(UTC).replace(microsecond=0) + keep
    with _updated(path) as updater:
        section = _section(updater, name)
        for option in _key_options(section):
            digest, until = clients_file.parse_key(str(section[option].value))
            if keep <= timedelta() or (until is not None and until <= datetime.now(UTC)):
                del section[option]
            elif until is None or until > expires:
                section[option].value = f"{digest.hex()}, until {expires.isoformat()}"
        section[f"key.{key.prefix}"] = key.digest.hex()
    return key.text


def revoke(path: Path, name: str, prefix: str | None = None) -> None:
    """Remove one key of a client, or the whole client if ``prefix`` is None.

    Raises InvalidClientsFile, ChangeRefused.
    """
    with _updated(path) as updater:
        section = _section(updater, name)
        if prefix is None:
            updater.remove_section(name)
        elif f"key.{prefix}" not in section:
            raise ChangeRefused(f"client {name} has no key {prefix}")
        else:
            del section[f"key.{prefix}"]


def _create_folder(folder: Path) -> None:
    """Create the folder of the file if it is missing, accessible to its owner only; raises InvalidClientsFile."""
    try:
        data_home.create(folder)
    except OSError as error:
        raise InvalidClientsFile(f"{folder}: cannot be created: {error.strerror}") from error


def _section(updater: ConfigUpdater, name: str) -> IniSection:
    if not updater.has_section(name):
        raise ChangeRefused(f"client {name} does not exist")
    return updater[name]


def _key_options(section: IniSection) -> list[str]:
    return [option for option in section.options() if option.startswith("key.")]


@contextlib.contextmanager
def _updated(path: Path) -> Iterator[ConfigUpdater]:
    """Yield the content of the file for changes, under an exclusive lock; replace the file if the result is valid."""
    path = path.resolve()
    with _locked(path.parent) as folder:
        clients_file.load(path)
        updater = ConfigUpdater()
        updater.read_string(path.read_text("utf-8") if path.exists() else _NEW_FILE)
        yield updater
        text = str(updater)
        clients_file.parse(text)
        _replace(path, text)
        os.fsync(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InvalidClientsFile(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                _copy_owner_and_mode(path, file.fileno())
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidClientsFile(f"{path}: cannot be written: {error.strerror}") from error


def _copy_owner_and_mode(path: Path, descriptor: int) -> None:
    """Copy the owner and mode of ``path`` to an open file; if ``path`` is missing, root copies its folder's owner."""
    if path.exists():
        status = path.stat()
        os.fchown(descriptor, status.st_uid, status.st_gid)
        os.fchmod(descriptor, status.st_mode & 0o777)
    elif os.geteuid() == 0:
        status = path.parent.stat()
        os.fchown(descriptor, status.st_uid, status.st_gid)
