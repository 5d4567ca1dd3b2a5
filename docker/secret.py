"""Write the passwords of the database into volumes; existing passwords stay.

docker-compose.yaml runs it before the database starts, in the folder of the volume ``secret``. ``password`` is the
superuser's: PostgreSQL reads it with the permissions of its group, and ``POSTGRES_PASSWORD`` sets it.
``owner-password`` and ``service-password`` are those of the two roles. Clients read ``pgpass``, which libpq accepts
only if no other user can read it; the one of each role is in a separate volume.
"""

import os
import re
import secrets
from pathlib import Path


def sync(path):
    """Flush a file or a folder to the disk: the database keeps the password that it got first."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def write(path, content, mode):
    """Write a file atomically, unless it already has this content."""
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
    file = Path("password")
    password = os.environb.get(b"POSTGRES_PASSWORD") or (file.read_bytes() if file.exists() else b"")
    password = password.rstrip(b"\r\n") or new_password()
    if re.search(rb"[\r\n]", password):
        raise SystemExit("POSTGRES_PASSWORD has more than one line, which PostgreSQL does not accept")
    write(file, password, 0o640)
    write_pgpass(Path(), "invsys", password)
    for role in ("owner", "service"):
        file = Path(f"{role}-password")
        password = (file.read_bytes() if file.exists() else b"").rstrip(b"\r\n") or new_password()
        write(file, password, 0o600)
        write_pgpass(Path(f"../invsys-{role}"), f"invsys_{role}", password)


def new_password():
    return secrets.token_hex(24).encode()


def write_pgpass(folder, user, password):
    """Write a password file of libpq (PostgreSQL manual, chapter "The Password File")."""
    escaped = re.sub(rb"([\\:])", rb"\\\1", password)
    write(folder / "pgpass", b"database:*:*:" + user.encode() + b":" + escaped + b"\n", 0o600)


if __name__ == "__main__":
    main()
