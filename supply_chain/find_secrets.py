"""Scan the files of the repository for secrets, with detect-secrets; needs git.

    find_secrets.py

``allowed_secrets.toml`` explains what is no secret. Prints each other secret with its place, never its value, and exits
with status 1 if there are any, or if an explanation matches nothing any more.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

PROJECT = Path(__file__).parent.parent
# Not scanned, because it quotes what is no secret.
ALLOWED = "supply_chain/allowed_secrets.toml"


@dataclass(frozen=True)
class Found:
    """A possible secret."""

    path: str
    line: int
    kind: str
    value: str


@dataclass(frozen=True)
class Allowed:
    """An explanation: values that match ``value``, a regular expression, are no secrets in files like ``path``."""

    path: str
    value: str
    reason: str

    def explains(self, found: Found) -> bool:
        """Return whether the finding is no secret."""
        return fnmatch(found.path, self.path) and re.fullmatch(self.value, found.value) is not None


def load(text: str) -> list[Allowed]:
    """Return the explanations in the text of a TOML file; raises KeyError or TypeError if one is incomplete."""
    return [Allowed(**entry) for entry in tomllib.loads(text)["allowed"]]


def faults(found: Iterable[Found], allowed: Iterable[Allowed]) -> Iterator[str]:
    """Yield a line for each finding without an explanation, and for each explanation without a finding."""
    found, allowed = list(found), list(allowed)
    for item in found:
        if not any(entry.explains(item) for entry in allowed):
            yield f"{item.path}:{item.line}: {item.kind}: remove it, or explain it in allowed_secrets.toml"
    for entry in allowed:
        if not any(entry.explains(item) for item in found):
            yield f"allowed_secrets.toml: remove the entry for {entry.value} in {entry.path}, which matches nothing"


def tracked_files() -> list[str]:
    """Return the paths of the files in the repository, except links and the explanations, relative to its folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True, text=True)
    paths = [path for path in listed.stdout.split("\0")[:-1] if path != ALLOWED]
    return [path for path in paths if (PROJECT / path).is_file() and not (PROJECT / path).is_symlink()]


def scan(paths: Iterable[str]) -> Iterator[Found]:
    """Yield what detect-secrets takes for a secret; the working directory must be the project's."""
    # Not installed where the other functions are tested.
    from detect_secrets import SecretsCollection  # noqa: PLC0415
    from detect_secrets.settings import default_settings  # noqa: PLC0415

    secrets = SecretsCollection()
    with default_settings():
        secrets.scan_files(*paths)
    for path, secret in secrets:
        yield Found(path, secret.line_number, secret.type, str(secret.secret_value))


def main() -> int:
    """Print the faults and their number, and return the exit status."""
    paths = tracked_files()
    allowed = load((PROJECT / ALLOWED).read_text("utf-8"))
    lines = list(faults(scan(paths), allowed))
    lines.append(f"{len(lines)} secrets or wrong explanations in {len(paths)} files")
    print(*lines, sep="\n")
    return 1 if len(lines) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
