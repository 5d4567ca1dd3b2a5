"""Helpers that bake services from the template and run commands in them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cookiecutter.main import cookiecutter

PROJECT = Path(__file__).parents[2]
# The files and folders of this repository that baking reads.
SOURCES = (
    "template",
    "src/invsys",
    "src/tests/support/refusals.py",
    "src/tests/support/waiting.py",
    "docs",
    "requirements.txt",
    "requirements",
    "debian",
    "setup.py",
)
# Build results in these folders, which are not copied.
BUILD_RESULTS = ("__pycache__", "*.egg-info", "invsys", "invsys-gateway", ".debhelper")


def bake(folder, repository=PROJECT, **answers):
    """Bake a service into a folder, with ``answers`` that replace the defaults; return its path."""
    # With default_config, the settings of the user who runs the tests have no effect.
    return Path(
        cookiecutter(
            str(repository),
            directory="template",
            no_input=True,
            extra_context=answers,
            output_dir=str(folder),
            default_config=True,
        )
    )


def files(tree):
    """Return, by path in the tree, the content of every file and whether it is executable.

    The rest of the file mode is ignored: git does not store it, so it depends on the umask of the checkout.
    """
    paths = [path for path in tree.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    return {path.relative_to(tree).as_posix(): (path.read_bytes(), os.access(path, os.X_OK)) for path in paths}


def run(tree, *command, **environ):
    """Run a command in a folder and return its output."""
    # Variables of this test run must not affect the command.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))}
    result = subprocess.run(command, cwd=tree, env=inherited | environ, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def python(tree, *words, **environ):
    """Run a Python module in a folder with the running interpreter, and return its output."""
    return run(tree, sys.executable, "-m", *words, **environ)


def copy(target):
    """Copy the files that baking reads, including uncommitted changes."""
    for name in SOURCES:
        source = PROJECT / name
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / name, symlinks=True, ignore=shutil.ignore_patterns(*BUILD_RESULTS))
        else:
            shutil.copy(source, target / name)


def commit(tree):
    """Commit all files in a folder; create the git repository if necessary."""
    if not (tree / ".git").exists():
        git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "Commit all files")


def git(tree, *words):
    """Run git without the settings of this machine and return its output."""
    fields = (f"GIT_{role}_{field}" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL"))
    identity = dict.fromkeys(fields, "test@localhost")
    return run(tree, "git", *words, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", **identity)
