"""Makes a virtual environment fit for a package: small, and the same bytes at every build.

    slim_venv.py FOLDER

Byte code is made on the host, by postinst: it would be a third of the package.
"""

import shutil
import subprocess
import sys
from pathlib import Path

# What made it, and is of no use any more.
TOOLS = ("_distutils_hack", "distutils-precedence.pth", "pip", "pip-*", "pkg_resources", "setuptools", "setuptools-*")
# Tests of libraries; sources of their compiled modules, and declarations for compilers.
NEEDLESS = ("sqlalchemy/testing", "**/tests", "**/*.c", "**/*.h", "**/*.pyi", "**/*.pyx", "**/*.pxd")


def slim(venv: Path) -> None:
    """Do all of it."""
    [packages] = venv.glob("lib/python3.*/site-packages")
    for pattern in (*TOOLS, *NEEDLESS, "**/__pycache__"):
        for found in list(packages.glob(pattern)):
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    for command in (venv / "bin").iterdir():
        if not command.name.startswith(("python", f"{venv.name}-manage")):
            command.unlink()
    for file in packages.rglob("*"):
        # Some wheels come with modules that can be executed.
        if file.is_file():
            file.chmod(0o644)
    # Written by venv since Python 3.13.
    (venv / ".gitignore").unlink(missing_ok=True)
    for needless in ("include", "lib64"):
        path = venv / needless
        path.unlink() if path.is_symlink() else shutil.rmtree(path, ignore_errors=True)
    _strip(packages)
    _forget_the_build(venv, packages)


def _strip(packages: Path) -> None:
    # Those that auditwheel has changed do not survive it.
    changed = [folder.stem.partition(".")[0] for folder in packages.glob("*.libs")]
    modules = [str(path) for path in packages.rglob("*.so*") if path.relative_to(packages).parts[0] not in changed]
    modules = [module for module in modules if ".libs/" not in module]
    subprocess.run(["strip", "--strip-unneeded", *sorted(modules)], check=True)


def _forget_the_build(venv: Path, packages: Path) -> None:
    """Take away what names the place of the build, or depends on it."""
    configuration = venv / "pyvenv.cfg"
    lines = configuration.read_text().splitlines()
    configuration.write_text("".join(f"{line}\n" for line in lines if not line.startswith("command")))
    for record in packages.glob("*.dist-info/RECORD"):
        (record.parent / "direct_url.json").unlink(missing_ok=True)
        kept = [line for line in record.read_text().splitlines() if _is_there(packages, line.split(",")[0])]
        record.write_text("".join(f"{_without_hash(line)}\n" for line in sorted(kept)))


def _is_there(packages: Path, name: str) -> bool:
    return (packages / name).exists()


def _without_hash(line: str) -> str:
    # The first line of a command is the path of its interpreter, which dh-virtualenv changes afterwards.
    name, *_ = line.split(",")
    return f"{name},," if name.startswith("../") or name.endswith(".so") else line


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
