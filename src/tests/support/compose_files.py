"""The container files: read as text and YAML, and validated with docker-compose."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from tests.support.paths import PROJECT

FULL, TLS, SQLITE = "docker-compose.yaml", "docker/tls.yaml", "docker/sqlite.yaml"
EXAMPLE = "docker/.env.example"

# ${NAME:-default} and ${NAME:?message}.
VARIABLE = re.compile(r"\$\{(\w+):(?:-(.*?)|\?.*?)\}")


def text(name):
    """Return the text of a file of the project."""
    return (PROJECT / name).read_text()


def services(name):
    return yaml.safe_load(text(name))["services"]


def networks(name):
    return yaml.safe_load(text(name))["networks"]


def with_defaults(value):
    """Return a value of a compose file, with the defaults of its variables substituted."""
    return VARIABLE.sub(lambda match: match[2] or "", str(value))


def _program():
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = ["docker", "compose"]
    if shutil.which("docker") and not subprocess.run([*plugin, "version"], check=False, capture_output=True).returncode:
        return plugin
    return pytest.fail("docker-compose is not installed: apt-get install docker-compose")


def config(folder, *files):
    """Run ``docker-compose config`` on files in a folder, without a Docker engine; return the completed process.

    The environment has only HOME and PATH, so that the variables of this shell are not substituted.
    """
    options = [word for file in files for word in ("--file", file)]
    if files == (SQLITE,):
        # Otherwise the project directory would be the folder of the file.
        options += ["--project-directory", "."]
    environ = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return subprocess.run(
        [*_program(), *options, "config"], check=False, cwd=folder, env=environ, capture_output=True, text=True
    )
