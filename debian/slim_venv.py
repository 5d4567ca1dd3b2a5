"""Prepare a virtual environment for a package: make it small, and identical at every build.

    slim_venv.py FOLDER

The package contains no byte code, which would be a third of its size; postinst compiles it on the host.
"""

import shutil
import subprocess
import sys
from pathlib import Path

# The tools that built the environment.
TOOLS = ("_distutils_hack", "distutils-precedence.pth", "pip", "pip-*", "pkg_resources", "setuptools", "setuptools-*")
# Tests of libraries, and the sources and headers of their compiled modules.
UNUSED = ("sqlalchemy/testing", "**/tests", "**/*.c", "**/*.h", "**/*.pyi", "**/*.pyx", "**/*.pxd")


def slim(venv: Path) -> None:
    """Remove what the package does not need, and what differs between builds."""
    [packages] = venv.glob("lib/python3.*/site-packages")
    for pattern in (*TOOLS, *UNUSED, "**/__pycache__"):
        for path in list(packages.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for command in (venv / "bin").iterdir():
        if not command.name.startswith(("python", f"{venv.name}-manage")):
            command.unlink()
    for file in packages.rglob("*"):
        # Some wheels contain modules with the executable bit.
        if file.is_file():
            file.chmod(0o644)
    # Written by venv since Python 3.13.
    (venv / ".gitignore").unlink(missing_ok=True)
    for name in ("include", "lib64"):
        path = venv / name
        path.unlink() if path.is_symlink() else shutil.rmtree(path, ignore_errors=True)
    _strip(packages)
    _remove_build_paths(venv, packages)


def _strip(packages: Path) -> None:
    # strip would break the libraries that auditwheel has changed.
    changed = [folder.stem.partition(".")[0] for folder in packages.glob("*.libs")]
    modules = [str(path) for path in packages.rglob("*.so*") if path.relative_to(packages).parts[0] not in changed]
    modules = [module for module in modules if ".libs/" not in module]
    subprocess.run(["strip", "--strip-unneeded", *sorted(modules)], check=True)


def _remove_build_paths(venv: Path, packages: Path) -> None:
    """Remove paths of the build, and hashes that depend on them."""
    configuration = venv / "pyvenv.cfg"
    lines = configuration.read_text().splitlines()
    configuration.write_text("".join(f"{line}\n" for line in lines if not line.startswith("command")))
    for record in packages.glob("*.dist-info/RECORD"):
        (record.parent / "direct_url.json").unlink(missing_ok=True)
        lines = [line for line in record.read_text().splitlines() if (packages / line.split(",")[0]).exists()]
        record.write_text("".join(f"{_without_hash(line)}\n" for line in sorted(lines)))


def _without_hash(line: str) -> str:
    # dh-virtualenv later changes the first line of each command, which is the path of its interpreter.
    name, *_ = line.split(",")
    return f"{name},," if name.startswith("../") or name.endswith(".so") else line


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
