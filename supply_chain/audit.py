"""Look for published advisories about the pinned libraries, with pip-audit.

    audit.py

Exit status: 0 if every library was checked and none has an advisory, 1 if one has, 2 if none has but some could not be
checked; these are named in one line.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent
OK, VULNERABLE, UNCHECKED = 0, 1, 2

_NO_ADVISORIES = "no advisories could be read for them"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """The libraries that were looked up, those that could not be looked up and why, and lines about advisories."""

    checked: frozenset[str]
    unchecked: frozenset[str]
    advisories: frozenset[str]
    reason: str = ""

    @property
    def status(self) -> int:
        """The exit status."""
        if self.advisories:
            return VULNERABLE
        return UNCHECKED if self.unchecked else OK

    def __str__(self) -> str:
        lines = [*sorted(self.advisories), f"{len(self.checked)} libraries checked, {len(self.advisories)} advisories"]
        if self.unchecked:
            names = ", ".join(sorted(self.unchecked))
            lines.append(f"NOT CHECKED ({len(self.unchecked)} libraries; {self.reason}): {names}")
        return "\n".join(lines)


def requirements_files() -> list[Path]:
    """Return the files with pinned requirements."""
    return [PROJECT / "requirements.txt", *sorted((PROJECT / "requirements").glob("*.txt"))]


def pinned(text: str) -> frozenset[str]:
    """Return the libraries in the text of a requirements file, as NAME==VERSION."""
    return frozenset(f"{_normalized(name)}=={version}" for name, version in _PIN.findall(text))


def read(pins: frozenset[str], output: str, error_output: str) -> Result:
    """Return the result from the output of pip-audit; it has no JSON document if it reached no service at all."""
    try:
        document = json.loads(output)
    except ValueError:
        lines = error_output.strip().splitlines() or ["pip-audit printed nothing"]
        return Result(frozenset(), pins, frozenset(), lines[-1][:200])
    checked = pins & {_pin(item) for item in document["dependencies"] if "version" in item}
    return Result(checked, pins - checked, frozenset(_advisories(document)), _NO_ADVISORIES)


def together(results: Iterable[Result]) -> Result:
    """Return the result for the libraries of all results: one is checked if it was checked in any of them."""
    results = list(results)
    checked = frozenset().union(*(result.checked for result in results))
    unchecked = frozenset().union(*(result.unchecked for result in results)) - checked
    advisories = frozenset().union(*(result.advisories for result in results))
    reasons = dict.fromkeys(result.reason for result in results if result.unchecked & unchecked)
    return Result(checked, unchecked, advisories, "; ".join(reasons))


def _pin(item: dict[str, Any]) -> str:
    return f"{_normalized(item['name'])}=={item['version']}"


def _advisories(document: dict[str, Any]) -> Iterator[str]:
    for item in document["dependencies"]:
        for advisory in item.get("vulns", ()):
            fixed = ", ".join(advisory["fix_versions"]) or "no version"
            yield f"{_pin(item)}: {advisory['id']}, fixed in {fixed}"


def _normalized(name: str) -> str:
    """Return the name in the form in which PyPI compares names (PEP 503)."""
    return re.sub("[-_.]+", "-", name).lower()


def audit(file: Path) -> Result:
    """Run pip-audit on a requirements file. It refuses several files with different versions of a library."""
    options = ["--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off", f"--requirement={file}"]
    command = [sys.executable, "-m", "pip_audit", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return read(pinned(file.read_text("utf-8")), done.stdout, done.stderr)


def main() -> int:
    """Print the result for all files, and return the exit status."""
    result = together(audit(file) for file in requirements_files())
    print(result)
    return result.status


if __name__ == "__main__":
    sys.exit(main())
