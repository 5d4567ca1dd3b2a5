"""The files of the project agree with CONTRIBUTING.rst, and with the configuration of CI and Read the Docs."""

import configparser
import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
CI = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text())
HOOKS = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


def commands(job):
    """Return the commands of all steps of a job as one text."""
    return "\n".join(step.get("run", "") for step in CI["jobs"][job]["steps"])


def test_pre_commit_has_the_ruff_of_the_style_environment():
    [pinned] = re.findall(r"^(ruff==\S+)", (PROJECT / "requirements/style.txt").read_text(), re.MULTILINE)
    versions = {hook["id"]: hook["additional_dependencies"] for hook in HOOKS if hook["id"].startswith("ruff")}
    assert versions == {"ruff-check": [pinned], "ruff-format": [pinned]}


def test_every_local_script_of_pre_commit_is_executable():
    scripts = [hook["entry"] for hook in HOOKS if hook["language"] == "script"]
    assert scripts == ["docs/plain_words.py"]
    assert all(os.access(PROJECT / script, os.X_OK) for script in scripts)


@pytest.mark.parametrize("job", ["test", "packages"])
def test_every_job_runs_on_the_supported_releases_of_debian(job):
    [releases] = re.findall(r"On Debian (\d+) or (\d+)", (PROJECT / "README.rst").read_text())[:1]
    assert CI["jobs"][job]["strategy"]["matrix"]["debian"] == list(releases)
    assert CI["jobs"][job]["container"] == "debian:${{ matrix.debian }}"


def test_the_tests_are_those_of_the_project():
    assert ".ci/run" in commands("test").splitlines()


def test_a_tag_builds_both_packages_with_what_they_depend_on():
    assert CI["jobs"]["packages"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert CI["jobs"]["packages"]["needs"] == "test"
    assert "make wheelhouse deb" in commands("packages").splitlines()
    source = (PROJECT / "debian/control").read_text().partition("\n\n")[0]
    needed = set(re.findall(r"^ ([a-z0-9.-]+)", source.partition("Build-Depends:")[2], re.MULTILINE))
    assert needed - {"debhelper-compat"} | {"debhelper"} <= set(commands("packages").split())


def test_the_published_manual_is_built_like_ours():
    settings = yaml.safe_load((PROJECT / ".readthedocs.yaml").read_text())
    assert settings["sphinx"] == {"configuration": "docs/source/conf.py", "fail_on_warning": True}
    assert settings["python"]["install"] == [{"requirements": "requirements/docs.txt"}]
    supported = re.findall(r"Programming Language :: Python :: ([\d.]+)", (PROJECT / "setup.cfg").read_text())
    assert settings["build"]["tools"]["python"] in supported


@pytest.mark.parametrize("folder", [".", "template/{{cookiecutter.service}}"])
def test_the_head_of_the_makefile_lists_every_target(folder):
    makefile = (PROJECT / folder / "Makefile").read_text()
    targets = " ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split()
    assert sorted(re.findall(r"^# make ([\w-]+) ", makefile, re.MULTILINE)) == sorted(targets)


@pytest.mark.parametrize(("target", "command"), [("dcompose-start", "up -d"), ("dcompose-restart", "restart")])
def test_make_calls_docker_compose(target, command):
    make = ["make", "--no-print-directory", "--dry-run", target, "COMPOSE=docker compose"]
    result = subprocess.run(make, cwd=PROJECT, check=True, capture_output=True, text=True)
    assert result.stdout == f"docker compose {command}\n"


def test_make_db_revision_needs_a_message():
    # --old-file: make need not build the environment.
    make = ["make", "--old-file=.venv/run", "--dry-run", "db-revision"]
    result = subprocess.run(make, cwd=PROJECT, check=True, capture_output=True, text=True)
    checks = [line for line in result.stdout.splitlines() if line.startswith("test -n")]
    assert subprocess.run(["sh", "-c", checks[0]], check=False, capture_output=True).returncode == 2


def test_every_path_in_the_list_of_bypasses_exists():
    _, _, section = (PROJECT / "CONTRIBUTING.rst").read_text().partition("\nBypassed libraries\n")
    paths = re.findall(r"``((?:chassis|gateway|inventory)/[\w/.]+)``", section)
    assert len(paths) > 10
    assert [path for path in paths if not (PROJECT / "src/invsys" / path).exists()] == []


def test_contributing_lists_the_layers_of_the_import_contract():
    _, _, bullet = (PROJECT / "CONTRIBUTING.rst").read_text().partition("* Inside the inventory,")
    layers = [re.findall(r"``(\w+)``", layer) for layer in bullet.partition("\n* ")[0].split(";")]
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg")
    contract = config["importlinter:contract:inventory"]["layers"].split("\n")[1:]
    assert layers == [layer.split(" | ") for layer in contract]


# The exceptions of the client are one tree, so they stay in one file.
LONGER_FILES = {"client/src/invsys_client/errors.py"}


@pytest.mark.parametrize(("folder", "limit"), [("src/invsys", 260), ("client/src", 260), ("src/tests", 400)])
def test_a_python_file_is_shorter_than_contributing_says(folder, limit):
    assert re.search(rf"\b{limit}\b", (PROJECT / "CONTRIBUTING.rst").read_text())
    lengths = {path: len(path.read_text().splitlines()) for path in (PROJECT / folder).rglob("*.py")}
    too_long = {str(path.relative_to(PROJECT)) for path, length in lengths.items() if length >= limit}
    assert too_long - LONGER_FILES == set()


def test_a_folder_of_the_package_has_at_most_a_dozen_modules():
    modules = [path for path in (PROJECT / "src/invsys").rglob("*.py") if path.name != "__init__.py"]
    counts = Counter(path.parent.relative_to(PROJECT) for path in modules)
    assert {folder: count for folder, count in counts.items() if count > 12} == {}


LOCKS = sorted(PROJECT.glob("requirements/*/package-lock.json"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_the_packages_of_npm_are_pinned_by_hash_without_an_address(lock):
    packages = {name: package for name, package in json.loads(lock.read_text())["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "integrity" not in package or "resolved" in package] == []


@pytest.mark.parametrize("form", ["bug", "feature"])
def test_an_issue_form_is_complete(form):
    content = yaml.safe_load((PROJECT / f".github/ISSUE_TEMPLATE/{form}.yml").read_text())
    assert {"name", "description", "body"} <= set(content)
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
