"""The clients' file: an INI with a section for each client, read anew whenever it changes.

::

    [booking]
    scopes = resources:read allocations:own
    rate = 50/second
    write_rate = 5/second; 100/minute
    concurrent = 8
    key.3f9a1c2e = SHA-256 of the key, in hexadecimal
    key.77ab01cd = SHA-256 of the key, in hexadecimal, until 2026-12-24T18:00:00+00:00
"""

import logging
import os
import pwd
import re
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as IniError
from datetime import UTC, datetime
from pathlib import Path

from invsys.chassis.config import settings
from invsys.chassis.suggestions import nearest
from invsys.gateway.auth import scopes
from invsys.gateway.auth.clients import Client, Clients, Key
from invsys.gateway.errors import KeysUnavailable
from invsys.gateway.rate_limit import rates

logger = logging.getLogger(__name__)

# Seconds between two looks at the file.
_INTERVAL = 1.0

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,254}")
_KEY = re.compile(r"key\.([0-9a-f]{8})")
_KEPT = re.compile(r"([0-9a-f]{64})(?:,? until (\S+))?")
_NAMES = frozenset({"scopes", "rate", "write_rate", "concurrent"})


class UnusableClients(Exception):
    """The clients' file cannot be used; the message says where and why."""


class ClientsFile:
    """The clients in a file, as it is now; a file that is not there has none.

    A file that cannot be used changes nothing: the clients stay those that were read last, and the log says why.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._seen: object = None
        self._clients: Clients | None = None

    def current(self) -> Clients:
        """Give the clients; raises KeysUnavailable while no usable file was seen."""
        if time.monotonic() - self._looked_at > _INTERVAL:
            self._look()
        if self._clients is None:
            raise KeysUnavailable("The clients' file cannot be used; the gateway's log says why.")
        return self._clients

    def known_by(self, text: str) -> Client | None:
        """Give the client whose API key this is, or None; raises KeysUnavailable."""
        client = self.current().known_by(text)
        if client is None:
            # It may be new.
            self._look()
            client = self.current().known_by(text)
        return client

    def require(self) -> None:
        """Raise KeysUnavailable while no usable file was seen."""
        self.current()

    def _look(self) -> None:
        with self._lock:
            seen = _state(self._path)
            if seen != self._seen:
                try:
                    self._clients = load(self._path)
                except UnusableClients as error:
                    logger.error("the clients' file is not used: %s", error)  # noqa: TRY400 - the message says it all
                self._seen = seen
            self._looked_at = time.monotonic()


def _state(path: Path) -> object:
    try:
        found = path.stat()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return str(error)
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode, found.st_uid


def load(path: Path) -> Clients:
    """Read the file, where there is one; raises UnusableClients."""
    try:
        with path.open(encoding="utf-8") as file:
            _require_trusted(path, os.fstat(file.fileno()))
            text = file.read()
    except FileNotFoundError:
        return Clients([], {})
    except UnicodeDecodeError as error:
        raise UnusableClients(f"{path}: cannot be read: byte {error.start + 1} is not UTF-8") from error
    except OSError as error:
        raise UnusableClients(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return read(text)
    except ValueError as error:
        raise UnusableClients(f"{path}: {error}") from error


def _require_trusted(path: Path, found: os.stat_result) -> None:
    """Raise UnusableClients if others can write to the file, and so could give themselves any key and scope."""
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(found.st_mode)
        raise UnusableClients(f"{path}: others can write to it (mode {mode:04o}): run 'chmod go-w {path}'")
    me = os.geteuid()
    # root may run the commands on the file of the service's user.
    if me != 0 and found.st_uid not in (0, me):
        raise UnusableClients(f"{path}: it belongs to {_name(found.st_uid)}, not to root or {_name(me)}")


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def read(text: str) -> Clients:
    """Read the clients from the text of such a file; raises ValueError."""
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text)
    except IniError as error:
        raise ValueError(settings.ini_fault(error, "booking")) from error
    clients = [read_client(name, parser[name]) for name in parser.sections()]
    keys: dict[str, Key] = {}
    for client in clients:
        for prefix, key in _keys(client, parser[client.id]):
            if prefix in keys:
                raise ValueError(f"[{client.id}] key.{prefix}: another client has this prefix too")
            keys[prefix] = key
    return Clients(clients, keys)


def _keys(client: Client, section: Mapping[str, str]) -> Iterator[tuple[str, Key]]:
    for option, value in section.items():
        if option in _NAMES:
            continue
        if (named := _KEY.fullmatch(option)) is None:
            raise ValueError(f"[{client.id}] {option}: no such option{nearest(option, sorted(_NAMES))}")
        try:
            yield named[1], Key(client, *read_key(value))
        except ValueError as error:
            raise ValueError(f"[{client.id}] {option}: {error}") from error


def read_key(value: str) -> tuple[bytes, datetime | None]:
    """Read what is kept of a key: its SHA-256, and the instant from which it no longer counts; raises ValueError."""
    if (kept := _KEPT.fullmatch(value)) is None:
        raise ValueError("no SHA-256 in hexadecimal, with or without ', until INSTANT'")
    digest = bytes.fromhex(kept[1])
    if kept[2] is None:
        return digest, None
    try:
        instant = datetime.fromisoformat(kept[2])
    except ValueError as error:
        raise ValueError(f"{kept[2]!r} is no ISO 8601 date-time") from error
    return digest, instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def read_client(name: str, section: Mapping[str, str]) -> Client:
    """Read what a section says of its client beside the keys; raises ValueError."""
    if not _ID.fullmatch(name):
        raise ValueError(f"[{name}]: a client's name has letters, digits and ._@:/+- only, and 255 of them at most")
    try:
        grants = scopes.read(section.get("scopes", "").split())
    except ValueError as error:
        raise ValueError(f"[{name}] scopes: {error}") from error
    rate, write_rate = (_rate(name, option, section) for option in ("rate", "write_rate"))
    return Client(name, grants, rate, _concurrent(name, section.get("concurrent")), write_rate)


def _rate(name: str, option: str, section: Mapping[str, str]) -> str | None:
    if (text := section.get(option)) is None:
        return None
    try:
        # Read once more when it is needed; here it is only checked.
        rates.read(text)
    except ValueError as error:
        raise ValueError(f"[{name}] {option}: {text!r} is no rate such as 50/second") from error
    return text


def _concurrent(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ValueError(f"[{name}] concurrent: {text!r} is no number of requests")
    return int(text)
