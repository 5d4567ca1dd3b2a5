"""Have the passwords of the database in volumes: those that are there already, or else new ones.

Run by docker-compose.yaml before the database starts, in the folder of the volume ``secret``. PostgreSQL reads
``password``, the superuser's, with its group; it can be given. ``owner-password`` and ``service-password`` are those of
the two roles. What connects to the database reads ``pgpass``, which libpq takes from nobody but its owner; each role's
is in a volume of its own.
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
    password = password.rstrip(b"\r\n") or new_password()
    if re.search(rb"[\r\n]", password):
        raise SystemExit("POSTGRES_PASSWORD has more than one line, which PostgreSQL does not take")
    write(kept, password, 0o640)
    write_pgpass(Path(), "invsys", password)
    for role in ("owner", "service"):
        kept = Path(f"{role}-password")
        password = (kept.read_bytes() if kept.exists() else b"").rstrip(b"\r\n") or new_password()
        write(kept, password, 0o600)
        write_pgpass(Path(f"../invsys-{role}"), f"invsys_{role}", password)


def new_password():
    return secrets.token_hex(24).encode()


def write_pgpass(folder, user, password):
    """Write the file that libpq reads (PostgreSQL, chapter "The Password File")."""
    escaped = re.sub(rb"([\\:])", rb"\\\1", password)
    write(folder / "pgpass", b"database:*:*:" + user.encode() + b":" + escaped + b"\n", 0o600)


if __name__ == "__main__":
    main()
