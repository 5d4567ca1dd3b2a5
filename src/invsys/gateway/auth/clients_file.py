"""The clients file: an INI file with a section for each client, read again whenever it changes.

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
from invsys.gateway.auth import api_keys, scopes
from invsys.gateway.auth.clients import Client, Clients, Key
from invsys.gateway.errors import KeysUnavailable
from invsys.gateway.rate_limit import rates

logger = logging.getLogger(__name__)

# Seconds between two checks whether the file has changed.
_CHECK_INTERVAL = 1.0

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,254}")
_KEY_OPTION = re.compile(r"key\.([0-9a-f]{8})")
_KEY_VALUE = re.compile(r"([0-9a-f]{64})(?:,? until (\S+))?")
_OPTIONS = frozenset({"scopes", "rate", "write_rate", "concurrent"})


class InvalidClientsFile(Exception):
    """The clients file cannot be used; the message names the place and the reason."""


class ClientsFile:
    """The current clients in a file; a missing file has no clients.

    If the file becomes invalid, the clients that were read last stay valid, and the reason is logged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._checked_at = float("-inf")
        self._state: object = None
        self._clients: Clients | None = None

    def current(self) -> Clients:
        """Return the clients; raises KeysUnavailable if no valid file has been read yet."""
        if time.monotonic() - self._checked_at > _CHECK_INTERVAL:
            self._reload_if_changed()
        if self._clients is None:
            raise KeysUnavailable("The clients file cannot be used; see the gateway's log for the reason.")
        return self._clients

    def find_by_key(self, text: str) -> Client | None:
        """Return the client that has this API key, or None; raises KeysUnavailable."""
        client = api_keys.find_client(self.current(), text)
        if client is None:
            # The key may have been added after the last check.
            self._reload_if_changed()
            client = api_keys.find_client(self.current(), text)
        return client

    def require_usable(self) -> None:
        """Raise KeysUnavailable if no valid file has been read yet."""
        self.current()

    def _reload_if_changed(self) -> None:
        with self._lock:
            state = _file_state(self._path)
            if state != self._state:
                try:
                    self._clients = load(self._path)
                except InvalidClientsFile as error:
                    logger.error("the clients file is not used: %s", error)  # noqa: TRY400 - the message is complete
                self._state = state
            self._checked_at = time.monotonic()


def _file_state(path: Path) -> object:
    """Return a value that changes with the content, the owner or the mode of the file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return str(error)
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode, status.st_uid


def load(path: Path) -> Clients:
    """Read the file; a missing file has no clients. Raises InvalidClientsFile."""
    try:
        with path.open(encoding="utf-8") as file:
            _require_trusted(path, os.fstat(file.fileno()))
            text = file.read()
    except FileNotFoundError:
        return Clients([], {})
    except UnicodeDecodeError as error:
        raise InvalidClientsFile(f"{path}: cannot be read: byte {error.start + 1} is not UTF-8") from error
    except OSError as error:
        raise InvalidClientsFile(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidClientsFile(f"{path}: {error}") from error


def _require_trusted(path: Path, status: os.stat_result) -> None:
    """Raise InvalidClientsFile if other users can write to the file: they could add any key and scope."""
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(status.st_mode)
        raise InvalidClientsFile(f"{path}: other users can write to it (mode {mode:04o}): run 'chmod go-w {path}'")
    current_uid = os.geteuid()
    # root may run the commands on a file that belongs to the service's user.
    if current_uid != 0 and status.st_uid not in (0, current_uid):
        owner, expected = _user_name(status.st_uid), _user_name(current_uid)
        raise InvalidClientsFile(f"{path}: its owner is {owner}, but must be root or {expected}")


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def parse(text: str) -> Clients:
    """Parse the text of a clients file; raises ValueError."""
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text)
    except IniError as error:
        raise ValueError(settings.describe_ini_error(error, "booking")) from error
    clients = [parse_client(name, parser[name]) for name in parser.sections()]
    keys: dict[str, Key] = {}
    for client in clients:
        for prefix, key in _keys(client, parser[client.id]):
            if prefix in keys:
                raise ValueError(f"[{client.id}] key.{prefix}: another client uses this prefix, too")
            keys[prefix] = key
    return Clients(clients, keys)


def _keys(client: Client, section: Mapping[str, str]) -> Iterator[tuple[str, Key]]:
    for option, value in section.items():
        if option in _OPTIONS:
            continue
        if (match := _KEY_OPTION.fullmatch(option)) is None:
            raise ValueError(f"[{client.id}] {option}: unknown option{nearest(option, sorted(_OPTIONS))}")
        try:
            yield match[1], Key(client, *parse_key(value))
        except ValueError as error:
            raise ValueError(f"[{client.id}] {option}: {error}") from error


def parse_key(value: str) -> tuple[bytes, datetime | None]:
    """Parse the value of a key option: its SHA-256 digest and its expiry time; raises ValueError.

    A time without an offset is in UTC.
    """
    if (match := _KEY_VALUE.fullmatch(value)) is None:
        raise ValueError("not a SHA-256 digest of 64 hexadecimal digits, optionally followed by ', until TIME'")
    digest = bytes.fromhex(match[1])
    if match[2] is None:
        return digest, None
    try:
        until = datetime.fromisoformat(match[2])
    except ValueError as error:
        raise ValueError(f"{match[2]!r} is not an ISO 8601 date-time") from error
    return digest, until if until.tzinfo else until.replace(tzinfo=UTC)


def parse_client(name: str, section: Mapping[str, str]) -> Client:
    """Parse all options of a client except its keys; raises ValueError."""
    if not _ID.fullmatch(name):
        raise ValueError(
            f"[{name}]: a client name must be 1 to 255 letters, digits or ._@:/+- and start with a letter or digit"
        )
    try:
        grants = scopes.parse(section.get("scopes", "").split())
    except ValueError as error:
        raise ValueError(f"[{name}] scopes: {error}") from error
    rate, write_rate = (_rate(name, option, section) for option in ("rate", "write_rate"))
    return Client(name, grants, rate, _concurrent(name, section.get("concurrent")), write_rate)


def _rate(name: str, option: str, section: Mapping[str, str]) -> str | None:
    if (text := section.get(option)) is None:
        return None
    try:
        # Only validated here; ``limits`` parses it when a request is counted.
        rates.parse(text)
    except ValueError as error:
        raise ValueError(f"[{name}] {option}: {text!r} is not a rate such as 50/second") from error
    return text


def _concurrent(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ValueError(f"[{name}] concurrent: {text!r} is not a positive number of requests")
    return int(text)
