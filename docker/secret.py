"""Have the database's password in a volume: the one that is given, the one that is there already, or else a new one.

Run by docker-compose.yaml before the database starts, in the volume's folder. PostgreSQL reads ``password``, with its
group; what connects to it reads ``pgpass``, which libpq takes from nobody but its owner.
"""

import os
import re
import secrets
from pathlib import Path


def sync(path):
    """Bring a file or a folder to the disk, for the database will be there for good."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def write(path, content, mode):
    """Write a file, whole or not at all, where it does not say this already."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    if path.exists() and path.read_bytes() == content:
        return
    new.touch(mode)
    new.write_bytes(content)
    sync(new)
    new.replace(path)
    sync(path.parent)


def main():
    kept = Path("password")
    password = os.environb.get(b"POSTGRES_PASSWORD") or (kept.read_bytes() if kept.exists() else b"")
    password = password.rstrip(b"\r\n") or secrets.token_hex(24).encode()
    if re.search(rb"[\r\n]", password):
        raise SystemExit("POSTGRES_PASSWORD has more than one line, which PostgreSQL does not take")
    escaped = re.sub(rb"([\\:])", rb"\\\1", password)
    write(kept, password, 0o640)
    write(Path("pgpass"), b"database:*:*:invsys:" + escaped + b"\n", 0o600)


if __name__ == "__main__":
    main()
