"""Bakes services, as whoever starts the next one does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cookiecutter.main import cookiecutter

PROJECT = Path(__file__).parents[2]
# What baking takes of this repository.
TAKEN = (
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
# What is made beside it.
MADE = ("__pycache__", "*.egg-info", "invsys", "invsys-gateway", ".debhelper")


def bake(folder, repository=PROJECT, **answers):
    """Bake a service into a folder; gives its tree."""
    # Settings of whoever runs this are not to count.
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
    """Return every file of a tree by its path there: its content, and whether it is executable.

    Git stores no more of a file's mode; the rest depends on the umask at the checkout.
    """
    paths = [path for path in tree.rglob("*") if path.is_file()]
    return {path.relative_to(tree).as_posix(): (path.read_bytes(), os.access(path, os.X_OK)) for path in paths}


def run(tree, *command, **environ):
    """Run a command in a tree; gives what it printed."""
    # Without what is meant for these tests.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHONPATH"))}
    done = subprocess.run(command, cwd=tree, env=inherited | environ, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(tree, *words, **environ):
    """Run a module of this interpreter's; gives what it printed."""
    return run(tree, sys.executable, "-m", *words, PYTHONDONTWRITEBYTECODE="1", **environ)


def copy(target):
    """Copy what baking takes, as it is now, committed or not."""
    for name in TAKEN:
        source = PROJECT / name
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / name, symlinks=True, ignore=shutil.ignore_patterns(*MADE))
        else:
            shutil.copy(source, target / name)


def commit(tree):
    """Commit everything in a tree, and make it a repository first where it is none."""
    if not (tree / ".git").exists():
        git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "as it is")


def git(tree, *words):
    """Run git without any settings of this machine's; gives what it printed."""
    who = {f"GIT_{role}_{what}": "test@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return run(tree, "git", *words, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", **who)
