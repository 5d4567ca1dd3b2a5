"""``cruft update``: it applies changes of the template, the chassis and the pinned versions to a baked service."""

import re

import pytest
from baking import commit, copy, files, git, python


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of this repository that includes its uncommitted changes."""
    folder = tmp_path_factory.mktemp("repository")
    copy(folder)
    commit(folder)
    return folder


@pytest.fixture(scope="module")
def created(repository, tmp_path_factory):
    """The path of a service that cruft has baked from the copy."""
    folder = tmp_path_factory.mktemp("created")
    python(folder, "cruft", "create", str(repository), "--directory", "template", "--no-input", "--default-config")
    return folder / "depot"


def append(file, text):
    file.write_text(file.read_text() + text)


def test_cruft_bakes_the_same_files_as_cookiecutter(created, depot):
    baked = files(created)
    assert b'"directory": "template"' in baked.pop(".cruft.json")[0]
    assert baked == files(depot)


def test_an_update_applies_changes_of_the_template_and_keeps_those_of_the_service(created, repository):
    commit(created)
    append(created / "src/depot/pallets.py", "\n# The depot's own.\n")
    (created / "src/depot/racks.py").write_text('"""A second resource."""\n')
    commit(created)

    append(repository / "src/invsys/chassis/ops/health.py", "\n# From the chassis: invsys.chassis.\n")
    append(repository / "src/invsys/inventory/maintenance/copy.py", "\n# From the inventory.\n")
    [api] = (repository / "template").glob("*/src/*/api.py")
    append(api, "\n# A depot's pallets.\n")
    for file in ("requirements.txt", "requirements/test.txt", "requirements/typing.txt"):
        pins = repository / file
        pins.write_text(re.sub(r"^flask==.* \\$", r"flask==99.0 \\", pins.read_text(), flags=re.MULTILINE))
    commit(repository)

    assert "updated" in python(created, "cruft", "update", "--skip-apply-ask")
    source = created / "src/depot"
    assert (source / "chassis/ops/health.py").read_text().endswith("\n# From the chassis: depot.chassis.\n")
    assert (source / "maintenance/copy.py").read_text().endswith("\n# From the inventory.\n")
    assert (source / "api.py").read_text().endswith("\n# A depot's pallets.\n")
    for file in ("requirements.txt", "requirements/test.txt"):
        assert "flask==99.0 \\\n" in (created / file).read_text()
    assert (source / "pallets.py").read_text().endswith("\n# The depot's own.\n")
    assert (source / "racks.py").exists()
    changed = git(created, "status", "--porcelain").split()[1::2]
    assert sorted(changed) == [
        ".cruft.json",
        "requirements.txt",
        "requirements/test.txt",
        "requirements/typing.txt",
        "src/depot/api.py",
        "src/depot/chassis/ops/health.py",
        "src/depot/maintenance/copy.py",
    ]
