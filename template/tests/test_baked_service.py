"""Baked services: their tests and checks pass, with the default names and with others."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from baking import PROJECT, bake, files, python, run

LONGEST = {"service": "warehousewareh", "resource": "understatement", "resources": "understatemens"}
SHORT = {"service": "ox", "resource": "egg", "resources": "eggs"}
# Names of the template and of linked files, which baking must replace.
LEFTOVER = re.compile(r"(?i:depot|pallet|cookiecutter)|(import|from) invsys|invsys-manage")


@pytest.fixture(scope="session", params=[LONGEST, SHORT], ids=["long", "short"])
def renamed(request, tmp_path_factory):
    """The path of a service that was baked with names other than the defaults."""
    return bake(tmp_path_factory.mktemp("renamed"), **request.param)


def test_its_tests_pass(depot):
    python(depot, "pytest", "-q", "-p", "no:cacheprovider", PYTHONPATH="src")


def test_its_tests_pass_under_other_names(tmp_path):
    tests = "src/tests/test_eggs.py"
    python(bake(tmp_path, **SHORT), "pytest", "-q", "-p", "no:cacheprovider", "--sqlite-only", tests, PYTHONPATH="src")


def test_its_types_are_correct(depot):
    # The cache is shared between runs, because most of the time is spent on the types of the libraries.
    python(depot, "mypy", "--cache-dir", str(PROJECT / ".mypy_cache/template"))


def test_it_passes_ruff(depot):
    python(depot, "ruff", "check", "--no-cache")
    python(depot, "ruff", "format", "--check", "--no-cache")


def test_it_passes_ruff_under_other_names(renamed):
    python(renamed, "ruff", "check", "--no-cache")
    python(renamed, "ruff", "format", "--check", "--no-cache")


def test_it_keeps_its_import_contracts(depot):
    lint = Path(sys.executable).with_name("lint-imports")
    run(depot, str(lint), "--no-cache", PYTHONPATH="src", PYTHONDONTWRITEBYTECODE="1")


def test_its_manual_is_built_without_a_warning(depot, tmp_path):
    python(depot, "sphinx", "-W", "-E", "-q", "-b", "html", "docs/source", str(tmp_path / "html"))
    pages = {page.stem for page in (tmp_path / "html").glob("*.html")}
    assert {"index", "readme", "usage", "technical", "contributing"} <= pages


@pytest.mark.parametrize("target", ["db-revision", "db-upgrade", "db-upgrade-sql"])
def test_its_makefile_describes_every_target_for_migrations(depot, target):
    makefile = (depot / "Makefile").read_text()
    assert f"\n# make {target} " in makefile
    assert f"\n{target}: $(VENV)/run\n" in makefile


def test_its_puppet_data_fits_the_module(depot):
    data = yaml.safe_load((depot / "puppet/depot.yaml").read_text())
    assert data == {"invsys::services": {"depot": {"settings": {"server": {"port": 5002}}}}}


def test_names_of_two_words_are_written_as_two_words(tmp_path):
    herd = bake(tmp_path, service="herd", resource="stray_ox", resources="stray_oxen")
    assert "There is no such stray ox" in (herd / "src/herd/errors.py").read_text()
    assert '"""Stray oxen over HTTP' in (herd / "src/tests/test_stray_oxen.py").read_text()
    assert ": stray oxen, registered" in (herd / "README.rst").read_text()


def test_no_name_of_the_template_remains(renamed):
    for path, (content, _) in files(renamed).items():
        assert not LEFTOVER.search(f"{path}\n{content.decode()}"), path


def test_baking_is_reproducible(depot, tmp_path):
    assert files(bake(tmp_path)) == files(depot)
